import copy
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import pydantic
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from llm_explorer import hardware
from llm_explorer.config import (
    ConfigError,
    ModelConfig,
    Problem,
    RunConfig,
    check,
    choices,
    field_range,
    logits_row,
    replace,
)

BOTH = (ModelConfig, RunConfig)
INTEGERS = [
    (kind, name) for kind in BOTH for name, field in kind.model_fields.items() if "int" in str(field.annotation)
]


def problems(kind: type[ModelConfig] | type[RunConfig], **values: Any) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        kind(**values)
    return caught.value.problems


def test_the_defaults_are_the_books_gpt_config_124m() -> None:
    # Raschka, Build a Large Language Model (From Scratch), chapter 4
    book = {
        "vocab_size": 50257,
        "context_length": 1024,
        "emb_dim": 768,
        "n_heads": 12,
        "n_layers": 12,
        "drop_rate": 0.1,
        "qkv_bias": False,
    }
    assert ModelConfig.model_validate(book) == ModelConfig()


def test_the_defaults_never_change() -> None:
    """A value equal to its default is not written to the address: another default would change old links."""
    assert ModelConfig().model_dump() == {
        "vocab_size": 50257,
        "context_length": 1024,
        "emb_dim": 768,
        "n_heads": 12,
        "n_layers": 12,
        "drop_rate": 0.1,
        "qkv_bias": False,
        "tie_embeddings": False,
        "hidden_dim": None,
        "bias": True,
        "mlp_bias": None,
        "head_bias": False,
        "n_kv_heads": None,
        "head_dim": None,
        "norm": "layernorm",
        "norm_place": "pre",
        "residual": "sequential",
        "activation": "gelu_tanh",
        "positions": "learned",
        "rope_theta": 10_000.0,
        "rope_share": 1.0,
        "qk_norm": "none",
        "sliding_window": None,
        "full_attention_every": None,
        "attention_softcap": None,
        "logit_softcap": None,
        "n_experts": None,
        "n_active_experts": None,
        "expert_hidden_dim": None,
        "n_shared_experts": 0,
    }
    assert RunConfig().model_dump() == {
        "device": "cpu",
        "hardware": "this machine",
        "precision": "float32",
        "batch_size": 2,
        "sequence_length": None,
        "accumulation": 1,
        "optimizer": "adamw",
        "optimizer_implementation": "fused",
        "attention": "sdpa",
        "checkpointing": False,
        "loss_chunk": None,
        "bf16_products": "own",
        "threads": None,
        "seed": 0,
    }


def test_derived_sizes_are_properties() -> None:
    assert ModelConfig(emb_dim=1024, n_heads=16).head_width == 64
    assert ModelConfig(emb_dim=1024, n_heads=16).feed_forward_dim == 4096
    assert ModelConfig(hidden_dim=100).feed_forward_dim == 100
    assert RunConfig().sequence(ModelConfig()) == 256
    assert RunConfig().sequence(ModelConfig(context_length=64)) == 64
    assert RunConfig(sequence_length=100).sequence(ModelConfig()) == 100


@pytest.mark.parametrize("config", [ModelConfig(), RunConfig()])
def test_configs_are_frozen_hashable_and_copied_whole(config: ModelConfig | RunConfig) -> None:
    field = next(iter(type(config).model_fields))
    with pytest.raises(pydantic.ValidationError):
        setattr(config, field, 1)
    assert {config: 1}[type(config)()] == 1
    assert copy.deepcopy(config) == config
    assert pickle.loads(pickle.dumps(config)) == config


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n_layers", True),
        ("n_layers", "12"),
        ("n_layers", 12.0),
        ("n_layers", None),
        ("n_layers", float("nan")),
        ("n_layers", float("inf")),
        pytest.param("n_layers", 10**5000, id="huge"),
        pytest.param("n_layers", -(10**5000), id="hugely negative"),
        pytest.param("n_layers", [10**5000], id="huge in a list"),
        ("n_layers", {"deep": {}}),
        ("drop_rate", True),
        ("drop_rate", "0.1"),
        ("drop_rate", float("nan")),
        ("drop_rate", float("inf")),
        pytest.param("drop_rate", 10**400, id="huge"),
        ("drop_rate", -0.1),
        ("qkv_bias", 1),
        ("qkv_bias", "true"),
        ("hidden_dim", 0),
        ("hidden_dim", False),
    ],
)
def test_nothing_is_coerced(field: str, value: object) -> None:
    (problem,) = problems(ModelConfig, **{field: value})
    assert problem.field == field
    assert problem.message.startswith(f"{field}=")
    assert len(problem.message) < 300
    for name, mended in problem.fixes:
        assert ModelConfig(**{name: mended})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("device", "tpu"),
        ("device", "cuda:x"),
        ("device", "cpu\n"),
        ("device", None),
        ("hardware", "h1000"),
        ("hardware", ""),
        ("hardware", "0GiB"),
        ("hardware", "9" * 400 + "GB"),
        ("hardware", "\ud800"),
        ("hardware", 24),
        ("precision", "fp8"),
        ("optimizer", None),
        ("threads", 0),
        ("seed", -1),
        ("batch_size", 2**40),
        ("checkpointing", 0),
    ],
)
def test_run_fields_are_checked_and_their_fixes_mend_them(field: str, value: object) -> None:
    (problem,) = problems(RunConfig, **{field: value})
    assert problem.field == field
    assert problem.fixes
    for name, mended in problem.fixes:
        assert RunConfig(**{name: mended})


def test_messages_have_what_both_numbers_and_a_way_out() -> None:
    (heads,) = problems(ModelConfig, n_heads=10)
    assert heads.message == ("n_heads=10 does not divide emb_dim=768: 768 / 10 = 76.8; nearest that do: 8, 12")
    assert heads.fixes == (("n_heads", 8), ("n_heads", 12), ("emb_dim", 770))
    (layers,) = problems(ModelConfig, n_layers=20_000)
    assert layers.message == "n_layers=20000 is not a whole number from 1 to 10,000; nearest: 10,000"
    assert layers.fixes == (("n_layers", 10_000),)


def test_the_nearest_hardware_is_named() -> None:
    (problem,) = problems(RunConfig, hardware="h100-80")
    assert "h100-80gb" in problem.message


def test_all_problems_come_at_once_in_the_order_they_were_found() -> None:
    found = problems(ModelConfig, n_layers=0, n_heads=10, drop_rate=2.0, colour="blue")
    assert {problem.field for problem in found} == {"n_layers", "n_heads", "drop_rate", "colour"}
    with pytest.raises(ConfigError) as caught:
        ModelConfig(n_layers=0, drop_rate=2.0)
    assert str(caught.value).splitlines() == [problem.message for problem in caught.value.problems]
    assert len(caught.value.problems) == 2


def test_a_rule_over_two_fields_is_not_asked_when_one_is_wrong_alone() -> None:
    assert [problem.field for problem in problems(ModelConfig, emb_dim=-1, n_heads=10)] == ["emb_dim"]


@pytest.mark.parametrize(
    ("field", "hint"), [("n_layer", "did you mean n_layers?"), ("zzz", "known: vocab_size, "), ("self", "known: ")]
)
def test_an_unknown_field_is_named_with_the_nearest_known(field: str, hint: str) -> None:
    (problem,) = problems(ModelConfig, **{field: 1})
    assert problem.message.startswith(f"unknown field {field}")
    assert hint in problem.message


@pytest.mark.parametrize("field", ["", "__class__", "model_config", "_x", "x" * 10_000, "\ud800", "a\nb"])
def test_a_hostile_field_name_is_one_short_printable_message(field: str) -> None:
    (problem,) = problems(RunConfig, **{field: 1})
    assert len(problem.message) < 400
    assert problem.message.isprintable()


@given(st.integers(1, 4096), st.integers(1, 65_536))
def test_heads_divide_the_width_or_every_fix_makes_them(width: int, heads: int) -> None:
    if width % heads == 0:
        assert ModelConfig(emb_dim=width, n_heads=heads).head_width * heads == width
        return
    (problem,) = problems(ModelConfig, emb_dim=width, n_heads=heads)
    assert problem.fixes
    for field, value in problem.fixes:
        assert ModelConfig(**({"emb_dim": width, "n_heads": heads} | {field: value}))


@given(st.integers(2, 1024), st.integers(2, 1024))
def test_the_nearest_divisors_are_the_nearest(width: int, heads: int) -> None:
    assume(width % heads)
    (problem,) = problems(ModelConfig, emb_dim=width, n_heads=heads)
    offered = [value for field, value in problem.fixes if field == "n_heads"]
    divisors = [n for n in range(1, width + 1) if width % n == 0]
    expected = [max(n for n in divisors if n < heads), *[n for n in divisors if n > heads][:1]]
    assert offered == expected


# what else must be set so that a field can have its whole range: the rules over several fields
COMPANIONS: dict[str, dict[str, Any]] = {
    "emb_dim": {"n_heads": 1},
    "n_heads": {"emb_dim": 65_536},
    "n_kv_heads": {"emb_dim": 65_536, "n_heads": 65_536},
    "full_attention_every": {"sliding_window": 8},
    "n_active_experts": {"n_experts": 4_096},
    "expert_hidden_dim": {"n_experts": 1},
    "n_shared_experts": {"n_experts": 1},
}


@pytest.mark.parametrize(("kind", "field"), INTEGERS)
def test_every_integer_has_a_stated_range_and_both_its_ends_are_allowed(kind: Any, field: str) -> None:
    low, high = field_range(kind, field)
    others = COMPANIONS.get(field, {})
    for value in (low, high):
        assert getattr(kind(**others, **{field: value}), field) == value
    for value in (low - 1, high + 1):
        (problem,) = problems(kind, **others, **{field: value})
        assert problem.fixes == ((field, low if value < low else high),)
        assert f"from {low:,} to {high:,}" in problem.message


def test_the_integer_fields_are_found_by_the_test_above() -> None:
    assert len(INTEGERS) == 14 + 6
    assert field_range(ModelConfig, "drop_rate") == (0.0, 0.9)
    assert field_range(ModelConfig, "rope_share") == (0.01, 1.0)
    assert all(rule.fields.keys() <= ModelConfig.model_fields.keys() for rule in RULES)


class Rule(NamedTuple):
    """Fields that do not go together, the one the problem is about, and what is said."""

    fields: dict[str, Any]
    at: str
    says: str


RULES = [
    Rule({"n_kv_heads": 5}, "n_kv_heads", "n_kv_heads=5 does not divide n_heads=12: 12 / 5 = 2.4"),
    Rule({"n_kv_heads": 24}, "n_kv_heads", "n_kv_heads=24 does not divide n_heads=12"),
    Rule({"positions": "rope", "head_dim": 7}, "positions", "but 7 of 7 is no even number of at least 2"),
    Rule({"positions": "rope", "rope_share": 0.02}, "positions", "but 1 of 64 is no even number"),
    Rule({"full_attention_every": 2}, "full_attention_every", "but sliding_window is none"),
    Rule({"n_active_experts": 2}, "n_active_experts", "is about experts, but n_experts is none"),
    Rule({"expert_hidden_dim": 64}, "expert_hidden_dim", "is about experts, but n_experts is none"),
    Rule({"n_shared_experts": 1}, "n_shared_experts", "is about experts, but n_experts is none"),
    Rule({"n_experts": 4, "n_active_experts": 5}, "n_active_experts", "n_active_experts=5 is more than n_experts=4"),
    Rule({"n_experts": 4, "mlp_bias": True}, "mlp_bias", "experts have no biases"),
    Rule({"residual": "parallel", "norm_place": "post"}, "norm_place", "norm_place=post does not go with residual"),
    Rule({"residual": "parallel_one_norm", "norm_place": "sandwich"}, "norm_place", "use norm_place=pre"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: " ".join(map(str, rule.fields.items())))
def test_fields_that_do_not_go_together_are_refused_and_every_fix_mends_them(rule: Rule) -> None:
    (problem,) = problems(ModelConfig, **rule.fields)
    assert problem.field == rule.at
    assert rule.says in problem.message
    assert problem.fixes
    for field, value in problem.fixes:
        assert ModelConfig(**(rule.fields | {field: value}))


def test_derived_sizes_of_modern_blocks() -> None:
    assert ModelConfig(head_dim=256).head_width == 256
    assert ModelConfig(n_kv_heads=3).kv_heads == 3
    assert ModelConfig(rope_share=0.25).rope_width == 16
    assert ModelConfig(bias=False).has_mlp_bias is False
    assert ModelConfig(bias=False, mlp_bias=True).has_mlp_bias is True
    assert ModelConfig(n_experts=4).has_mlp_bias is False
    assert [ModelConfig(n_experts=experts).active_experts for experts in (None, 1, 4)] == [0, 1, 2]
    assert ModelConfig(n_experts=8, hidden_dim=100).expert_dim == 100
    assert ModelConfig(n_experts=8, expert_hidden_dim=10).expert_dim == 10
    assert [ModelConfig(sliding_window=8).window(layer) for layer in (0, 5)] == [8, 8]
    assert ModelConfig().window(0) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"tie_embeddings": True, "head_bias": True},  # phi-2 may have both
        {"n_experts": 4, "bias": True},  # the bias of the attention projection
        {"head_dim": 7, "emb_dim": 100, "n_heads": 3},
        {"positions": "learned", "rope_share": 0.02},
        {"qk_norm": "head", "norm": "layernorm_plain"},
    ],
    ids=str,
)
def test_what_goes_together_is_taken(fields: dict[str, Any]) -> None:
    assert ModelConfig(**fields)


def test_a_valid_giant_is_counted() -> None:
    giant = ModelConfig(emb_dim=1_048_576, n_heads=65_536, n_layers=10_000)
    assert 12 * giant.emb_dim**2 * giant.n_layers > 10**15


def test_choices_are_the_literals() -> None:
    assert choices("optimizer") == ("adamw", "sgd", "none")
    assert choices("precision") == ("float32", "autocast", "bfloat16", "bfloat16_master")


@pytest.mark.parametrize("device", ["cpu", "meta", "mps", "cuda", "cuda:0", "cuda:15"])
def test_devices_are_torchs_names(device: str) -> None:
    assert RunConfig(device=device).device == device


@pytest.mark.parametrize("name", [*hardware.names(), "24GiB", "24 GB"])
def test_every_hardware_and_any_size_is_taken(name: str) -> None:
    assert RunConfig(hardware=name).hardware == name


def test_replace_and_every_other_way_to_make_one_validate() -> None:
    assert replace(ModelConfig(), n_layers=24).n_layers == 24
    assert replace(RunConfig(), seed=7) == RunConfig(seed=7)
    assert ModelConfig().model_copy() == ModelConfig()
    assert ModelConfig.model_construct(n_layers=3) == ModelConfig(n_layers=3)
    bad: dict[str, Any] = {"n_heads": 10}
    makers: list[Callable[[], object]] = [
        lambda: replace(ModelConfig(), **bad),
        lambda: replace(ModelConfig(), config=1),
        lambda: ModelConfig().model_copy(update=bad),
        lambda: ModelConfig.model_construct(**bad),
        lambda: ModelConfig.model_validate(bad),
        lambda: ModelConfig.model_validate_json('{"n_heads": 10}'),
    ]
    for make in makers:
        with pytest.raises(ValueError, match=r"n_heads=10|unknown field config"):
            make()


def test_a_sequence_longer_than_the_context_is_refused_with_both_ways_out() -> None:
    model, run = ModelConfig(), RunConfig(sequence_length=2048)
    with pytest.raises(ConfigError) as caught:
        check(model, run)
    (problem,) = caught.value.problems
    assert "sequence_length=2048 is longer than context_length=1024" in problem.message
    assert problem.fixes == (("sequence_length", 1024), ("context_length", 2048))
    check(model, replace(run, sequence_length=1024))
    check(replace(model, context_length=2048), run)


def test_the_automatic_sequence_goes_with_every_context() -> None:
    for context in (1, 255, 256, 257, 100_000_000):
        check(ModelConfig(context_length=context), RunConfig())


@given(st.integers(2, 1_000_000))
def test_a_row_of_logits_is_an_odd_number_of_cache_lines_no_two_longer_than_it_must_be(vocab_size: int) -> None:
    lines, rest = divmod(logits_row(vocab_size), 16)
    assert not rest
    assert lines % 2 == 1
    assert vocab_size <= logits_row(vocab_size) < vocab_size + 32
