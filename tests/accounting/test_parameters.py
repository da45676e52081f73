"""Parameters: published counts, and every leaf against the module on the meta device."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given

from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.rows import by_component
from llm_explorer.config import ModelConfig, replace
from llm_explorer.model import GPT
from llm_explorer.presets import PRESETS, Preset
from tests.strategies import model_configs, modern_models
from tests.variants import VARIANTS

BOOK = ModelConfig()
GPT2 = replace(BOOK, qkv_bias=True, tie_embeddings=True)
MEDIUM = {"emb_dim": 1024, "n_layers": 24, "n_heads": 16}
LARGE = {"emb_dim": 1280, "n_layers": 36, "n_heads": 20}
XL = {"emb_dim": 1600, "n_layers": 48, "n_heads": 25}


def leaves_of_the_account(model: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter, the rows of a block written out once a layer."""
    leaves = {}
    for row in count_parameters(model).rows:
        in_block = row.name.startswith("blocks.")
        for i in range(row.repeats):
            leaves[row.name.replace("blocks.", f"blocks.{i}.") if in_block else row.name] = row.shape
    return leaves


def leaves_of_the_module(model: ModelConfig) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {name: tuple(parameter.shape) for name, parameter in GPT(model).named_parameters()}


# Raschka's "Build a Large Language Model (From Scratch)", ch04 notebook and exercise-solutions.ipynb: total and tied
@pytest.mark.parametrize(
    ("changes", "total", "tied"),
    [
        ({}, 163_009_536, 124_412_160),
        (MEDIUM, 406_212_608, 354_749_440),
        (LARGE, 838_220_800, 773_891_840),
        (XL, 1_637_792_000, 1_557_380_800),
    ],
)
def test_the_books_sizes_have_the_books_counts(changes: dict[str, int], total: int, tied: int) -> None:
    untied = count_parameters(replace(BOOK, **changes))
    assert (untied.total, untied.untied, untied.tied) == (total, total, tied)
    with_tying = count_parameters(replace(BOOK, **changes, tie_embeddings=True))
    assert (with_tying.total, with_tying.untied, with_tying.tied) == (tied, total, tied)


def test_one_block_has_the_books_counts() -> None:
    # the book's exercise 4.1: feed-forward and attention of one block of GPT_CONFIG_124M, qkv_bias False
    components = by_component(count_parameters(replace(BOOK, n_layers=1)).rows)
    assert components["feed-forward"] == 4_722_432
    assert components["attention"] == 2_360_064
    assert components["norms"] == 3 * 2 * 768


def test_medium_with_qkv_bias_has_the_count_of_the_books_chapter_7() -> None:
    # ch07 notebook: the medium model loaded with OpenAI's weights
    assert count_parameters(replace(BOOK, **MEDIUM, qkv_bias=True)).total == 406_286_336


# transformers' GPT-2 models; nanoGPT's scaling_laws.ipynb for the one without any bias: it has none in its norms either
@pytest.mark.parametrize(
    ("changes", "total"), [({}, 124_439_808), (MEDIUM, 354_823_168), (LARGE, 774_030_080), (XL, 1_557_611_200)]
)
def test_openais_sizes_have_the_counts_of_their_released_weights(changes: dict[str, int], total: int) -> None:
    assert count_parameters(replace(GPT2, **changes)).total == total


def test_without_biases_the_count_is_nanogpts_and_the_biases_of_its_norms() -> None:
    without = replace(GPT2, bias=False, qkv_bias=False)
    # nanoGPT bias=False, scaling_laws.ipynb: 124,337,664; ours keep the 25 norms' biases of width 768
    assert count_parameters(without).total == 124_337_664 + 25 * 768


# Brown et al. 2020, table 2.1: L, D, N as printed where they agree with each other; the count by hand with
# 12 D^2 + 13 D a block, (V + C) D embeddings, 2 D of the final norm; the table prints it rounded
@pytest.mark.parametrize(
    ("n_layers", "emb_dim", "n_heads", "total", "printed"),
    [
        (12, 768, 12, 125_226_240, 125e6),
        (24, 1024, 16, 355_871_744, 350e6),
        (24, 1536, 16, 760_300_032, 760e6),
        (24, 2048, 16, 1_315_723_264, 1.3e9),
        (32, 2560, 32, 2_651_553_280, 2.7e9),
        (32, 4096, 32, 6_658_404_352, 6.7e9),
        (96, 12288, 96, 174_604_259_328, 175.0e9),
    ],
)
def test_the_gpt3_rows_have_their_counts(n_layers: int, emb_dim: int, n_heads: int, total: int, printed: float) -> None:
    gpt3 = replace(GPT2, context_length=2048, n_layers=n_layers, emb_dim=emb_dim, n_heads=n_heads)
    assert count_parameters(gpt3).total == total
    assert total == pytest.approx(printed, rel=0.02)


def test_embedding_and_the_rest_are_split_by_the_convention_of_the_docstring() -> None:
    untied, tied = count_parameters(BOOK), count_parameters(replace(BOOK, tie_embeddings=True))
    assert untied.embedding == (2 * 50257 + 1024) * 768
    assert tied.embedding == (50257 + 1024) * 768  # the head is the token embedding: counted once
    # 12 D^2 + 10 D a block without the 3 D of the qkv bias, and the final norm
    assert untied.non_embedding == tied.non_embedding == 12 * (12 * 768**2 + 10 * 768) + 2 * 768


@given(model_configs())
def test_every_leaf_has_the_name_and_the_shape_of_the_modules_parameter(model: ModelConfig) -> None:
    assert leaves_of_the_account(model) == leaves_of_the_module(model)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_leaf_of_a_variant_is_a_parameter_of_the_module(name: str) -> None:
    model = VARIANTS[name]
    assert leaves_of_the_account(model) == leaves_of_the_module(model)
    one_layer = replace(model, n_layers=1)
    assert list(leaves_of_the_account(one_layer)) == list(leaves_of_the_module(one_layer))


@given(modern_models())
def test_every_leaf_of_a_modern_model_is_a_parameter_of_the_module(model: ModelConfig) -> None:
    assert leaves_of_the_account(model) == leaves_of_the_module(model)
    counted = count_parameters(model)
    assert counted.total == counted.embedding + counted.non_embedding >= counted.active


# totals of safetensors on Hugging Face, and the papers' active parameters: Mixtral, arXiv 2401.04088, "13B"; Qwen3,
# arXiv 2505.09388, "A3B"
@pytest.mark.parametrize(
    ("changes", "total", "active"),
    [
        ({"n_experts": 8, "hidden_dim": 14336}, 46_702_792_704, 12_879_925_248),
        (
            {
                "n_layers": 48, "emb_dim": 2048, "n_kv_heads": 4, "vocab_size": 151936, "qk_norm": "head",
                "n_experts": 128, "n_active_experts": 8, "expert_hidden_dim": 768,
            },
            30_532_122_624,
            3_353_032_704,
        ),
        ({"hidden_dim": 14336, "vocab_size": 128256}, 8_030_261_248, 8_030_261_248),
    ],
    ids=["mixtral-8x7b", "qwen3-30b-a3b", "llama-3-8b"],
)  # fmt: skip
def test_published_models_have_their_published_counts(changes: dict[str, int], total: int, active: int) -> None:
    mixtral = {"n_layers": 32, "emb_dim": 4096, "n_heads": 32, "n_kv_heads": 8, "head_dim": 128, "vocab_size": 32000}
    counted = count_parameters(replace(VARIANTS["llama"], **(mixtral | changes)))
    assert (counted.total, counted.active) == (total, active)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_leaf_of_a_preset_is_a_parameter_of_the_module(preset: Preset) -> None:
    model = preset.model
    assert leaves_of_the_account(model) == leaves_of_the_module(model)
    if preset.published is not None and not preset.rounded:
        assert count_parameters(model).total == preset.published


@given(model_configs())
def test_rows_are_in_the_order_in_which_the_module_has_its_parameters(model: ModelConfig) -> None:
    one_layer = replace(model, n_layers=1)
    assert list(leaves_of_the_account(one_layer)) == list(leaves_of_the_module(one_layer))


@given(model_configs())
def test_the_parts_add_up(model: ModelConfig) -> None:
    counted = count_parameters(model)
    assert counted.total == sum(row.count * row.repeats for row in counted.rows)
    assert counted.total == counted.embedding + counted.non_embedding == counted.active
    assert counted.total == (counted.tied if model.tie_embeddings else counted.untied)
    assert counted.untied - counted.tied == model.vocab_size * model.emb_dim


@pytest.mark.parametrize(
    "changes",
    [
        {"vocab_size": 50258},
        {"context_length": 1025},
        {"emb_dim": 780},
        {"n_layers": 13},
        {"qkv_bias": True},
        {"tie_embeddings": True},
        {"hidden_dim": 3071},
        {"bias": False},
    ],
    ids=str,
)
def test_each_size_changes_the_count(changes: dict[str, int]) -> None:
    assert count_parameters(replace(BOOK, **changes)).total != count_parameters(BOOK).total


@pytest.mark.parametrize(
    "changes",
    [
        {"mlp_bias": False},
        {"head_bias": True},
        {"n_kv_heads": 4},
        {"head_dim": 32},
        {"norm": "rmsnorm"},
        {"norm": "layernorm_plain"},
        {"norm_place": "sandwich"},
        {"residual": "parallel_one_norm"},
        {"activation": "swiglu"},
        {"positions": "rope"},
        {"qk_norm": "head"},
        {"qk_norm": "full"},
    ],
    ids=str,
)
def test_each_choice_of_a_block_changes_the_count(changes: dict[str, object]) -> None:
    assert count_parameters(replace(BOOK, **changes)).total != count_parameters(BOOK).total


@pytest.mark.parametrize(
    "changes", [{"n_experts": 7}, {"expert_hidden_dim": 25}, {"n_shared_experts": 1}, {"n_active_experts": 2}], ids=str
)
def test_each_field_of_experts_changes_the_count(changes: dict[str, int]) -> None:
    before, after = (
        count_parameters(model) for model in (VARIANTS["qwen3_moe"], replace(VARIANTS["qwen3_moe"], **changes))
    )
    assert after.active != before.active
    assert (after.total == before.total) == ("n_active_experts" in changes)


@pytest.mark.parametrize("changes", [{"n_heads": 1}, {"drop_rate": 0.5}, {"hidden_dim": 3072}], ids=str)
def test_heads_and_dropout_change_no_count(changes: dict[str, int]) -> None:
    assert count_parameters(replace(BOOK, **changes)) == count_parameters(BOOK)


def test_the_largest_model_the_config_takes_is_counted_exactly() -> None:
    giant = ModelConfig(
        vocab_size=10_000_000, context_length=100_000_000, emb_dim=1_048_576, n_heads=65_536, n_layers=10_000
    )
    d, blocks = 1_048_576, 10_000
    expected = (2 * 10_000_000 + 100_000_000) * d + blocks * (12 * d**2 + 10 * d) + 2 * d
    assert count_parameters(giant).total == expected > 10**17


@pytest.mark.parametrize(
    "module",
    [
        "llm_explorer",
        "llm_explorer.config",
        *(
            f"llm_explorer.accounting.{name}"
            for name in ("rows", "parameters", "flops", "memory", "inference", "fit", "effects", "report", "peak_words")
        ),
    ],
)
def test_the_computed_tier_imports_no_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
