"""Import of config.json files: published ones, and what is refused by name."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from llm_explorer import formats
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ConfigError, ModelConfig, RunConfig
from llm_explorer.formats.hugging_face.reading import FULL, SLIDING, full_every, import_config
from llm_explorer.formats.hugging_face.writing import resolved
from llm_explorer.presets import find
from tests.published_configs import CONFIGS


@pytest.mark.parametrize("name", CONFIGS)
def test_a_published_config_is_the_preset_of_its_name(name: str) -> None:
    preset = find(name)
    assert preset is not None
    model, run = formats.parse(CONFIGS[name])
    assert resolved(model) == resolved(preset.model)
    assert name == "gpt2" or model == preset.model
    assert count_parameters(model).total == preset.published
    assert run == RunConfig()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("llama-3.2-1b", ["rope_scaling={", "the rotation is stretched; same count and cost, other numbers."]),
        ("gemma-3-270m", ["Gemma multiplies the embeddings", "rope_local_base_freq=10000.0"]),
        ("phi-2", ["resid_pdrop=0.1, embd_pdrop=0.0, attention_dropout=0.0: this model has one rate"]),
        ("qwen2.5-7b", []),
        ("gpt2", []),
    ],
)
def test_what_changes_numbers_only_is_told(name: str, told: list[str]) -> None:
    notes = formats.read(CONFIGS[name]).notes
    assert len(notes) == (len(told) if name != "llama-3.2-1b" else 1)
    assert all(any(words in note for note in notes) for words in told)


def refused(**given: Any) -> dict[str, str]:
    """The messages of a refused config by key."""
    with pytest.raises(ConfigError) as caught:
        import_config(given)
    found = caught.value.problems
    assert all(len(problem.message) < 500 and problem.message.isprintable() for problem in found)
    assert all(not problem.fixes for problem in found), "the fixes would have our names"
    return {problem.field: problem.message for problem in found}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"model_type": "lama"}, "model_type", "model_type=lama: this family is not understood; near: llama"),
    ({"model_type": "bert"}, "model_type", "this family is not understood"),
    ({"model_type": "gemma3", "text_config": {}}, "model_type", "if it has a text_config, paste that one alone"),
    ({"model_type": None, "architectures": ["X"]}, "architectures", "no known family has this class"),
    ({"model_type": 7}, "model_type", "this family is not understood; known: gpt2"),
    ({"architectures": ["LlamaForSequenceClassification"]}, "architectures", "another class has another head"),
    ({"num_experts": 8}, "num_experts", "this key is not understood for model_type=llama"),
    ({"kv_lora_rank": 512}, "kv_lora_rank", "remove it only if it changes neither count nor cost"),
    ({"quantization_config": {"bits": 4}}, "quantization_config", "remove it to count the whole model"),
    ({"hidden_act": "gelu"}, "hidden_act", "no such activation is built here; known: silu, swish, gelu_pytorch_tanh"),
    ({"hidden_size": 4097}, "num_attention_heads", "num_attention_heads: n_heads=32 does not divide emb_dim=4097"),
    ({"num_key_value_heads": 5}, "num_key_value_heads", "n_kv_heads=5 does not divide n_heads=32"),
    ({"hidden_size": None}, "hidden_size", "the family's default is 4096"),
    ({"num_hidden_layers": 2.0}, "num_hidden_layers", "n_layers=2.0 is not a whole number"),
    ({"num_hidden_layers": True}, "num_hidden_layers", "n_layers=True is not a whole number"),
    ({"vocab_size": "many"}, "vocab_size", "vocab_size='many' is not a whole number"),
    ({"tie_word_embeddings": 1}, "tie_word_embeddings", "use true or false"),
    ({"mlp_bias": None}, "mlp_bias", "the family's default is False; leave the key out"),
    ({"attention_bias": "yes"}, "attention_bias", "use true or false"),
    ({"attention_dropout": "a lot"}, "attention_dropout", "is no number from 0 to 0.9"),
    ({"rope_scaling": {"rope_type": "magic"}}, "rope_scaling", "the type magic is not understood; known types: def"),
    ({"rope_scaling": {"rope_type": "yarn", "warp": 9}}, "rope_scaling", "warp in it is not understood"),
    ({"rope_scaling": 2.0}, "rope_scaling", "is no object {...} or null"),
    ({"rope_scaling": {"factor": 2}, "rope_parameters": {"factor": 3}}, "rope_scaling", "rope_parameters says somet"),
    ({"rope_parameters": {"partial_rotary_factor": 0.5}}, "rope_parameters", "partial_rotary_factor is not known for"),
    ({"rope_theta": "far"}, "rope_theta", "rope_theta='far' is not a number"),
    ({"layer_types": [SLIDING] * 32}, "layer_types", "the rest of the config makes all 32 layers full_attention"),
    ({"pruned_heads": {"0": [1]}}, "pruned_heads", "a model with heads cut out has other matrices"),
    ({"chunk_size_feed_forward": 4}, "chunk_size_feed_forward", "set it to 0"),
    ({"model_type": "gpt2", "add_cross_attention": True}, "add_cross_attention", "this app has no such layers"),
    ({"model_type": "gpt2", "reorder_and_upcast_attn": True}, "reorder_and_upcast_attn", "cost other memory"),
    ({"model_type": "gpt2", "activation_function": "tanh"}, "activation_function", "known: gelu_new, gelu_pytorch"),
    (
        {"model_type": "gpt_neox", "num_key_value_heads": 2},
        "num_key_value_heads",
        "is not understood for model_type=gpt",
    ),
    ({"model_type": "stablelm", "qk_layernorm": True}, "qk_layernorm", "a norm of its own for each head"),
    ({"model_type": "qwen3_moe", "decoder_sparse_step": 2}, "decoder_sparse_step", "experts in some layers only"),
    ({"model_type": "qwen3_moe", "mlp_only_layers": [0]}, "mlp_only_layers", "experts in some layers only"),
    ({"model_type": "qwen3_moe", "num_experts_per_tok": 200}, "num_experts_per_tok", "is more than n_experts=128"),
    (
        {"model_type": "mixtral", "output_router_logits": True},
        "output_router_logits",
        "is not counted; set it to false",
    ),
    ({"model_type": "gemma", "head_dim": None}, "head_dim", "the family's default is 256"),
    ({"model_type": "gemma2", "use_bidirectional_attention": True}, "use_bidirectional_attention", "both directions"),
    ({"model_type": "qwen2", "use_sliding_window": True}, "max_window_layers", "here the first is layer 0"),
    ({"model_type": "qwen2", "use_sliding_window": "on"}, "use_sliding_window", "is neither true nor false"),
    ({"model_type": "gemma3_text", "layer_types": [FULL, SLIDING] * 13}, "layer_types", "every so many layers, last"),
    ({"model_type": "gemma2", "layer_types": [FULL]}, "layer_types", "is no list of 26 times sliding_attention"),
    ({"model_type": "gemma2", "layer_types": ["linear"] * 26}, "layer_types", "is no list of 26 times"),
    ({"model_type": "gemma3_text", "sliding_window_pattern": 0}, "sliding_window_pattern", "is no whole number from 1"),
    ({"model_type": "gpt_oss", "num_local_experts": 0}, "num_local_experts", "is not a whole number from 1 to"),
    ({"model_type": "gpt_oss", "sinks": 4}, "sinks", "this key is not understood for model_type=gpt_oss"),
    ({"model_type": "deepseek_v3", "moe_layer_freq": 2}, "moe_layer_freq", "another value means other layers"),
    ({"model_type": "deepseek_v3", "kv_lora_rank": None}, "kv_lora_rank", "is not a whole number"),
]


@pytest.mark.parametrize(("given", "key", "says"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_is_not_understood_is_refused_by_name(given: dict[str, Any], key: str, says: str) -> None:
    found = refused(**({"model_type": "llama"} | given))
    assert says in found[key]
    assert list(found) == [key]


def test_all_problems_come_at_once() -> None:
    found = refused(model_type="llama", hidden_act="tanh", num_hidden_layers=0, colour="red", attention_dropout=None)
    assert {*found} == {"hidden_act", "num_hidden_layers", "colour", "attention_dropout"}


def test_a_flood_of_keys_is_a_short_refusal() -> None:
    assert len(refused(model_type="llama", **{f"key{number}": 1 for number in range(10_000)})) <= 64


def test_a_key_that_is_null_says_nothing() -> None:
    assert (
        import_config({"model_type": "llama", "kv_lora_rank": None}).model
        == import_config({"model_type": "llama"}).model
    )


def test_the_class_alone_names_the_family() -> None:
    assert import_config({"architectures": ["Qwen3ForCausalLM"]}).family == "qwen3"


def test_a_family_that_is_only_counted_says_so_where_a_model_is_asked_for() -> None:
    # 671,026,419,200 in the released files are with 58 x 256 correction biases
    given = {"model_type": "deepseek_v3", "quantization_config": {"quant_method": "fp8"}}
    found = formats.read(json.dumps(given))
    assert found.counted is not None
    assert not found.buildable
    assert found.counted.total == 671_026_419_200 - 58 * 256
    with pytest.raises(ConfigError, match=r"counted, not buildable: 671,026,404,352 parameters; latent attention"):
        formats.parse(json.dumps(given))


def test_gpt_oss_is_counted_as_published() -> None:
    # https://github.com/openai/gpt-oss/blob/main/gpt_oss/torch/model.py: 120b is the default, 20b has 24 layers
    counts = [import_config({"model_type": "gpt_oss"}).counted]
    counts += [import_config({"model_type": "gpt_oss", "num_hidden_layers": 24, "num_local_experts": 32}).counted]
    embedding = 201_088 * 2_880
    assert [(each.total, each.active - embedding) for each in counts if each] == [
        (116_829_156_672, 5_132_849_472),
        (20_914_757_184, 3_608_307_264),
    ]


@pytest.mark.parametrize(
    ("every", "kinds"),
    [(None, [SLIDING] * 4), (1, [FULL] * 3), (2, [SLIDING, FULL] * 2), (3, [SLIDING, SLIDING, FULL, SLIDING])],
)
def test_a_pattern_of_windows_is_that_of_window(every: int | None, kinds: list[str]) -> None:
    assert full_every(kinds) == every
    model = ModelConfig(sliding_window=8, full_attention_every=every)
    assert [model.window(layer) for layer in range(len(kinds))] == [None if kind == FULL else 8 for kind in kinds]


@pytest.mark.parametrize("first", [4, 40, 1])
def test_qwens_windows_go_by_max_window_layers(first: int) -> None:
    given = {"model_type": "qwen2", "use_sliding_window": True, "sliding_window": 8, "max_window_layers": first}
    if first == 1:
        assert "give layer_types such a pattern" in refused(**given, num_hidden_layers=4)["max_window_layers"]
    else:
        model = import_config(given | {"num_hidden_layers": 4}).model
        assert model is not None
        assert model.window(3) is None
    model = import_config(given | {"num_hidden_layers": 4, "max_window_layers": 0}).model
    assert model is not None
    assert model.window(3) == 8


def test_gelu_of_gemma_is_the_tanh_form() -> None:
    assert (
        import_config({"model_type": "gemma", "hidden_act": "gelu"}).model
        == import_config({"model_type": "gemma"}).model
    )


def test_dropout_of_one_rate_everywhere_is_taken() -> None:
    rates = {"attention_dropout": 0.1, "residual_dropout": 0.1, "embedding_dropout": 0.1}
    found = import_config({"model_type": "starcoder2", **rates})
    assert (found.model and found.model.drop_rate, found.notes) == (0.1, ())
    found = import_config({"model_type": "llama", "attention_dropout": 0.1})
    assert (found.model and found.model.drop_rate, len(found.notes)) == (0.0, 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"model_type": "llama"', "line 1 is no JSON"),
        ('{"model_type": "llama", "hidden_size": NaN}', "NaN: is no finite number"),
        ('{"model_type": "llama", "hidden_size": ' + "9" * 5000 + "}", "a number of 5,000 characters is too long"),
        ('{"model_type": "llama", "rope_theta": 1.' + "9" * 5000 + "}", "characters is too long"),
        ('{"model_type": "llama", "model_type": "gpt2"}', "model_type: stands twice; keep one"),
        ('{"model_type": "llama",\n"a": ' + "[" * 100_000, "line 2: values inside values go deeper than 8"),
        ('{"model_type": "llama", "a": "' + " " * 2_000_000, "the text has over 1,000,000 characters"),
        ('{"model_type": "llama", "a": "' + '\\"' * 400_000, "is no JSON"),
        ('{"model_type": "llama", "a": 1e999}', "this key is not understood"),
        ('{"model_type": "llama", "\\u0000": 1}', "this key is not understood"),
    ],
    ids=lambda text: text[-30:],
)
def test_text_that_is_no_config_is_refused_at_once(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        formats.parse(text)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_file_of_800_kb_is_read(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    given = json.loads(CONFIGS["gpt2"]) | {"task_specific_params": ["x" * 800_000]}
    file.write_text(json.dumps(given), encoding="utf-8")
    assert formats.load(str(file), io.StringIO())[0] == formats.parse(CONFIGS["gpt2"])[0]
