"""Mixture of experts: many feed-forward layers, of which each token runs through a few.

Sources: Mixtral, arXiv 2401.04088, section 2.1 (softmax over the chosen); DeepSeekMoE, arXiv 2401.06066 (shared
experts).
"""
# mypy: disable-error-code=no-any-return
# (torch types the result of calling a module as Any)

from contextvars import ContextVar
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llm_explorer.config import ModelConfig
from llm_explorer.model.layers import INIT_STD, Linear, residual_std
from llm_explorer.model.mlp import ACTIVATIONS, make_dense

# set where tensors have no values to choose by: then every expert gets as many rows
is_balanced: Final[ContextVar[bool]] = ContextVar("is_balanced", default=False)


class Experts(nn.Module):
    """E feed-forward layers without biases, their matrices in one tensor for each kind."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        experts, inner, outer = config.n_experts or 0, config.expert_dim, config.emb_dim
        self.activation, self.is_gated = ACTIVATIONS[config.activation], config.is_gated
        if self.is_gated:
            self.gate = nn.Parameter(torch.empty(experts, inner, outer))
        self.up = nn.Parameter(torch.empty(experts, inner, outer))
        self.down = nn.Parameter(torch.empty(experts, outer, inner))
        for name, weight in self.named_parameters():
            nn.init.normal_(weight, std=residual_std(config) if name == "down" else INIT_STD)

    def forward(self, rows: Tensor, counts: list[int]) -> Tensor:
        """Rows (R, D) sorted by expert, ``counts`` for each, through their experts: (R, D)."""
        # unbound and not indexed: of each indexed one, backward would make a gradient as large as all E
        ups, downs = self.up.unbind(), self.down.unbind()  # E of (F, D), of (D, F)
        gates = self.gate.unbind() if self.is_gated else ups
        outputs = [self._one(*each) for each in zip(rows.split(counts), gates, ups, downs, strict=True)]
        return torch.cat(outputs)

    def _one(self, x: Tensor, gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
        active = self.activation(F.linear(x, gate))  # (n, D) -> (n, F)
        return F.linear(active * F.linear(x, up) if self.is_gated else active, down)  # -> (n, D)


class MixtureOfExperts(nn.Module):
    """A router sends each token to k of E experts and weighs their answers; shared experts answer all of them."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_experts, self.active = config.n_experts or 0, config.active_experts
        self.router = Linear(config.emb_dim, self.n_experts, bias=False)
        self.experts = Experts(config)
        shared = config.n_shared_experts
        self.shared = make_dense(config, shared * config.expert_dim) if shared else None
        self.dropout = nn.Dropout(config.drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D), through (F,) of k experts for each token."""
        mixed = self.dropout(self.routed(x.flatten(0, -2)).view_as(x))
        return mixed if self.shared is None else mixed + self.shared(x)

    def routed(self, rows: Tensor) -> Tensor:
        """What the chosen experts answer to rows (R, D), weighed: (R, D)."""
        shares, chosen = self.route(rows)
        order = chosen.flatten().argsort(stable=True)  # (Rk,), so that each expert's rows lie together
        sources = order // self.active  # the row that each of them comes from
        answers = self.experts(rows[sources], rows_per_expert(chosen, self.n_experts))  # (Rk, D)
        answers = answers * shares.flatten()[order, None].to(answers.dtype)
        return answers.new_zeros(rows.shape).index_add(0, sources, answers)

    def route(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """For rows (R, D) their k experts (R, k) and the share of each (R, k), in fp32, 1 in all."""
        likely = self.router(rows).softmax(dim=-1, dtype=torch.float32)  # (R, E)
        shares, chosen = likely.topk(self.active, dim=-1)
        return shares / shares.sum(dim=-1, keepdim=True), chosen


def rows_per_expert(chosen: Tensor, n_experts: int) -> list[int]:
    """How many of the choices (R, k) went to each of E experts; where nobody knows, as even as can be."""
    if chosen.is_meta or is_balanced.get():
        return even_rows(chosen.numel(), n_experts)
    return chosen.flatten().bincount(minlength=n_experts).tolist()


def even_rows(rows: int, n_experts: int) -> list[int]:
    """Balanced routing: 10 rows to 4 experts are 3, 3, 2 and 2."""
    return [rows // n_experts + (expert < rows % n_experts) for expert in range(n_experts)]
