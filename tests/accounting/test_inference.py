"""Weights at inference, by hand and against the module."""

from typing import Any

import pytest
import torch
from hypothesis import given

from llm_explorer.accounting.inference import inference_weights
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.model import build
from tests.strategies import model_configs
from tests.variants import VARIANTS

BOOK = ModelConfig()
PARAMETERS = 163_009_536  # the book's GPT_CONFIG_124M, chapter 4
MATRICES = 12 * (4 * 768**2 + 2 * 768 * 3072)  # qkv, projection, up and down of 12 blocks


def in_format(name: str, model: ModelConfig = BOOK) -> int:
    return next(weights.bytes for weights in inference_weights(model) if weights.format == name)


@pytest.mark.parametrize(("precision", "name"), [("float32", "float32"), ("bfloat16", "bfloat16")])
def test_what_is_called_verified_is_what_the_module_holds(precision: Any, name: str) -> None:
    gpt = build(BOOK, RunConfig(device="meta", precision=precision))
    assert in_format(name) == sum(weight.nbytes for weight in gpt.parameters())
    assert next(weights.verified for weights in inference_weights(BOOK) if weights.format == name)


def test_int8_has_a_byte_a_matrix_weight_and_a_scale_an_output_row() -> None:
    scales = 12 * (3 * 768 + 768 + 3072 + 768)
    assert in_format("int8") == MATRICES + 2 * scales + 2 * (PARAMETERS - MATRICES)


def test_int4_has_half_a_byte_and_a_scale_for_128_inputs_of_a_row() -> None:
    # rows x groups: 768 inputs are 6 groups, 3072 are 24
    scales = 12 * ((3 * 768 + 768 + 3072) * 6 + 768 * 24)
    assert in_format("int4") == MATRICES // 2 + 2 * scales + 2 * (PARAMETERS - MATRICES)
    # a group that is not full has a scale too: 130 inputs are 2 groups
    odd = ModelConfig(emb_dim=130, n_heads=1, n_layers=1, hidden_dim=1)
    more = in_format("int4", odd) - in_format("int4", replace(odd, emb_dim=128))
    assert more > 2 * ((3 * 130 + 130 + 1) * 2 - (3 * 128 + 128 + 1))


def test_what_nothing_here_runs_says_so() -> None:
    assert {weights.format: weights.verified for weights in inference_weights(BOOK)} == {
        "float32": True,
        "bfloat16": True,
        "int8": False,
        "int4": False,
    }


@given(model_configs())
def test_quantizing_linear_layers_of_real_modules_gives_these_sizes(model: ModelConfig) -> None:
    gpt = build(model, RunConfig(device="meta", precision="bfloat16"))
    linears = [layer.weight for block in gpt.blocks for layer in block.modules() if isinstance(layer, torch.nn.Linear)]
    rest = sum(weight.nbytes for weight in gpt.parameters()) - sum(weight.nbytes for weight in linears)
    int8 = sum(weight.numel() + 2 * weight.shape[0] for weight in linears)
    int4 = sum(weight.numel() / 2 + 2 * weight.shape[0] * -(-weight.shape[1] // 128) for weight in linears)
    assert (in_format("int8", model), in_format("int4", model)) == (int8 + rest, int4 + rest)


@pytest.mark.parametrize("name", VARIANTS)
def test_quantizing_the_matrices_of_a_variant_gives_these_sizes(name: str) -> None:
    model = VARIANTS[name]
    gpt = build(model, RunConfig(device="meta", precision="bfloat16"))
    matrices = [
        weight
        for name, weight in gpt.blocks.named_parameters()
        if weight.dim() > 1 and "router" not in name  # experts are three-dimensional: a matrix each
    ]
    rest = sum(weight.nbytes for weight in gpt.parameters()) - sum(weight.nbytes for weight in matrices)
    rows = [weight.shape[:-1].numel() for weight in matrices]
    int8 = sum(weight.numel() + 2 * count for weight, count in zip(matrices, rows, strict=True))
    groups = sum(2 * count * -(-weight.shape[-1] // 128) for weight, count in zip(matrices, rows, strict=True))
    int4 = sum(weight.numel() for weight in matrices) // 2 + groups
    assert (in_format("int8", model), in_format("int4", model)) == (int8 + rest, int4 + rest)


def test_groups_of_the_inputs_of_heads_and_of_shared_experts_are_counted_by_their_own_width() -> None:
    wide = {"n_heads": 3, "n_kv_heads": 1, "head_dim": 100, "expert_hidden_dim": 130, "n_layers": 1}
    model = replace(VARIANTS["shared experts"], **wide)  # N H = 300, F = 130, S F = 260; 4 experts and 2 shared ones
    rows = {
        row.name: row.total for row in next(each.rows for each in inference_weights(model) if each.format == "int4")
    }
    of_attention = (300 + 2 * 100) * 1 + 48 * 3
    of_experts = 4 * (2 * 130 * 1 + 48 * 2) + 2 * 260 * 1 + 48 * 3
    assert rows["a scale for 128 inputs"] == 2 * (of_attention + of_experts)
