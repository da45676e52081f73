"""The shapes told beside those that the real modules return on the meta device."""

from math import prod

import pytest
import torch
from torch import Tensor, nn

from llm_explorer.accounting.flow import flow
from llm_explorer.accounting.kernels import kernels_of
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.model import GPT
from tests.variants import VARIANTS

RUN = RunConfig(batch_size=3, sequence_length=7)


def returned(model: ModelConfig) -> dict[str, tuple[int, ...]]:
    """What each module returns for a batch of RUN, by the module's name."""
    seen: dict[str, tuple[int, ...]] = {}
    with torch.device("meta"):
        gpt = GPT(replace(model, n_layers=1))
        for name, module in gpt.named_modules():

            def note(_module: nn.Module, _inputs: object, output: object, name: str = name) -> None:
                if isinstance(output, Tensor):
                    seen[name] = tuple(output.shape)

            module.register_forward_hook(note)
        gpt(torch.zeros(RUN.batch_size, RUN.sequence(model), dtype=torch.int64))
    return seen


# routing depends on the data, which meta has none of
@pytest.mark.parametrize("name", [name for name, model in VARIANTS.items() if not model.n_experts])
def test_every_shape_is_that_of_the_real_module(name: str) -> None:
    model = VARIANTS[name]
    seen = returned(model)
    told = {step.module: step.shape for step in flow(model, RUN) if step.module}
    assert told == {module: seen[module] for module in told}
    assert {"token_embedding", "blocks.0.attention.qkv", "blocks.0", "head"} <= set(told)


@pytest.mark.parametrize("name", VARIANTS)
def test_names_occur_once_and_bytes_are_values_times_their_size(name: str) -> None:
    steps = flow(VARIANTS[name], RUN)
    assert len({step.name for step in steps}) == len(steps)
    for step in steps:
        each = 8 if step.name == "ids" else 4
        assert step.bytes in (None, each * prod(step.shape))
        assert len(step.letters) == len(step.shape)


def test_bytes_follow_the_precision_and_fused_attention_never_has_all_weights() -> None:
    model = ModelConfig(drop_rate=0.0)
    half = {step.name: step for step in flow(model, replace(RUN, precision="autocast"))}
    assert half["qkv"].bytes == 2 * 3 * 7 * 3 * 768  # a value in bf16, B T 3D of them
    assert half["block"].bytes == 4 * 3 * 7 * 768  # the residual stream stays fp32
    assert kernels_of(model, RUN, "cpu").attention == "flash"
    assert half["weights"].bytes is None
    whole = {step.name: step for step in flow(model, replace(RUN, attention="materialized"))}
    assert whole["weights"].bytes == 4 * 3 * 12 * 7 * 7


def test_experts_get_their_share_of_the_tokens() -> None:
    steps = {step.name: step.shape for step in flow(VARIANTS["mixtral"], RUN)}
    assert steps["router"] == (3, 7, 4)
    assert steps["expert_up"] == (3 * 7 * 2, 40)
    assert steps["mlp"] == (3, 7, 48)
