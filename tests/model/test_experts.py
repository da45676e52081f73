"""Mixture of experts: where tokens go, and that they come back."""

import pytest
import torch
from torch import Tensor

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.model import MixtureOfExperts, build
from llm_explorer.model.experts import even_rows, rows_per_expert
from tests.there import there
from tests.variants import VARIANTS

MIXTRAL = VARIANTS["mixtral"]
NAMES = ["mixtral", "qwen3_moe", "shared experts", "plain experts"]


def mixture(config: ModelConfig) -> MixtureOfExperts:
    torch.manual_seed(3)
    module = MixtureOfExperts(config)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return module


def token_by_token(module: MixtureOfExperts, config: ModelConfig, x: Tensor) -> Tensor:
    """The definition: each token alone, its experts one after the other."""
    experts, answers = module.experts, []
    for row in x.flatten(0, 1):
        likely = (module.router.weight @ row).softmax(-1)
        chosen = likely.argsort(descending=True)[: config.active_experts].tolist()
        answer = torch.zeros_like(row)
        for expert in chosen:
            up = experts.up[expert] @ row
            inner = experts.activation(experts.gate[expert] @ row) * up if config.is_gated else experts.activation(up)
            answer += likely[expert] / likely[chosen].sum() * (experts.down[expert] @ inner)
        answers.append(answer if module.shared is None else answer + module.shared(row))
    return torch.stack(answers).view_as(x)


@pytest.mark.parametrize("name", NAMES)
def test_sorted_by_expert_is_the_same_as_token_by_token(name: str) -> None:
    config = VARIANTS[name]
    module, x = mixture(config), torch.randn(2, 9, config.emb_dim)
    torch.testing.assert_close(module(x), token_by_token(module, config, x), rtol=0, atol=1e-4)


def test_shares_of_each_token_sum_to_one() -> None:
    shares, chosen = mixture(MIXTRAL).route(torch.randn(50, MIXTRAL.emb_dim))
    assert shares.shape == chosen.shape == (50, 2)
    torch.testing.assert_close(shares.sum(-1), torch.ones(50))
    assert (chosen[:, 0] != chosen[:, 1]).all()


def test_an_expert_that_nobody_asks_has_a_gradient_of_zeros() -> None:
    module = mixture(replace(MIXTRAL, n_experts=6))
    with torch.no_grad():
        module.router.weight[2:] = 0
        module.router.weight[:2, 0] = 100
    x = torch.randn(2, 5, MIXTRAL.emb_dim)
    x[..., 0] = 1
    module(x).square().sum().backward()
    assert rows_per_expert(module.route(x.flatten(0, 1))[1], 6) == [10, 10, 0, 0, 0, 0]
    for weight in module.experts.parameters():
        gradient = there(weight.grad)
        assert (gradient[2:] == 0).all()
        assert (gradient[:2] != 0).any(dim=(1, 2)).all()


def test_rows_are_counted_and_spread() -> None:
    assert rows_per_expert(torch.tensor([[0, 2], [2, 3], [0, 2]]), 5) == [2, 0, 3, 1, 0]
    assert even_rows(10, 4) == [3, 3, 2, 2]
    assert even_rows(2, 4) == [1, 1, 0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_on_meta_a_step_runs_as_if_balanced(name: str) -> None:
    run = RunConfig(device="meta")
    gpt = build(VARIANTS[name], run)
    gpt.loss(torch.zeros(2, 9, dtype=torch.int64, device="meta"), torch.zeros(2, 9, dtype=torch.int64, device="meta"))


def test_one_expert_is_a_feed_forward_layer() -> None:
    config = replace(MIXTRAL, n_experts=1, n_active_experts=1)
    module, x = mixture(config), torch.randn(1, 7, config.emb_dim)
    experts = module.experts
    inner = torch.nn.functional.silu(x @ experts.gate[0].T) * (x @ experts.up[0].T)
    torch.testing.assert_close(module(x), inner @ experts.down[0].T, rtol=0, atol=1e-4)
