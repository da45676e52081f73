"""What is trained and how. Imports no torch."""

import math
from typing import Any, Final, NamedTuple

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.pretraining.text import MAX_VOCABULARY

MOST_LAYERS: Final = 3
MOST_WIDTH: Final = 64
MOST_HEADS: Final = 4
MOST_CONTEXT: Final = 64
MOST_EXPERTS: Final = 4
LOWEST_SHARE: Final = 0.1  # of the peak, where the cosine ends: GPT-3 (Brown et al. 2020, appendix B)
SNAPSHOTS: Final = 30


class Plan(NamedTuple):
    """A training run, whole: the same plan gives the same numbers on the same machine.

    ``model`` gets the vocabulary of the text, whatever its vocab_size says. ``probe`` is what the model is asked to go
    on with in each snapshot. A run that fine-tunes starts from the weights and the vocabulary in the folder ``base``,
    and the loss of ``old_text``, which that model was trained on, is watched too.
    """

    text: str
    model: ModelConfig
    probe: str
    steps: int = 1000
    batch_size: int = 16
    peak_rate: float = 3e-3  # the smaller the model, the higher: GPT-3, table 2.1
    warm_up: int = 100
    clip: float = 1.0  # the largest norm of the gradient: GPT-3, appendix B
    seed: int = 0
    base: str = ""
    old_text: str = ""

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Plan":
        """The plan that ``to_json`` has written."""
        return cls(**values | {"model": ModelConfig(**values["model"])})

    def to_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        return self._asdict() | {"model": self.model.model_dump()}

    @property
    def run(self) -> RunConfig:
        """How each step runs."""
        return RunConfig(batch_size=self.batch_size, sequence_length=self.model.context_length, seed=self.seed)


def learning_rate(plan: Plan, step: int) -> float:
    """The rate of a step, counted from 1: up in a straight line while it warms up, then down along a cosine.

    >>> plan = Plan("", ModelConfig(), "", steps=1000, warm_up=100, peak_rate=0.003)
    >>> [round(learning_rate(plan, step), 6) for step in (1, 50, 100, 550, 1000)]
    [3e-05, 0.0015, 0.003, 0.00165, 0.0003]
    """
    if step <= plan.warm_up:
        return plan.peak_rate * step / plan.warm_up
    done = (step - plan.warm_up) / (plan.steps - plan.warm_up)  # 0 to 1
    share = LOWEST_SHARE + (1 - LOWEST_SHARE) * (1 + math.cos(math.pi * done)) / 2
    return plan.peak_rate * share


def snapshot_steps(steps: int) -> list[int]:
    """The steps after which a run is looked at: often at the start, where it learns most.

    >>> snapshot_steps(1000)[:5], snapshot_steps(1000)[-1]
    ([0, 1, 5, 11, 19], 1000)
    """
    return sorted({round(steps * (number / (SNAPSHOTS - 1)) ** 2) for number in range(SNAPSHOTS)})


def shrink(model: ModelConfig) -> ModelConfig:
    """The config cut down to about 0.1 M parameters, so that it learns within a minute: flags and dropout stay.

    So do the kinds of its blocks: how many heads share keys, what part of the context a window has, experts.

    >>> small = shrink(ModelConfig())  # GPT-2 small
    >>> small.n_layers, small.emb_dim, small.n_heads, small.context_length
    (3, 64, 4, 64)
    """
    context, layers = min(model.context_length, MOST_CONTEXT), min(model.n_layers, MOST_LAYERS)
    window, every = model.sliding_window, model.full_attention_every
    heads = _heads(model)
    return replace(
        model,
        vocab_size=min(model.vocab_size, MAX_VOCABULARY),
        context_length=context,
        n_layers=layers,
        sliding_window=None if window is None else max(1, window * context // model.context_length),
        full_attention_every=None if every is None else min(every, layers),
        hidden_dim=None if model.hidden_dim is None else min(model.hidden_dim, 4 * heads["emb_dim"]),
        **heads,
        **_experts(model, heads["emb_dim"]),
    )


def _heads(model: ModelConfig) -> dict[str, Any]:
    """Fewer and narrower heads; an even number of values of each is rotated, as rope needs it."""
    heads = min(model.n_heads, MOST_HEADS)
    pairs = 2 if model.positions == "rope" else 1
    width, head = min(model.emb_dim, MOST_WIDTH), model.head_dim
    if head is None:
        width = width // (pairs * heads) * pairs * heads
    else:
        head = min(head, MOST_WIDTH // heads // pairs * pairs)
    rotated = int((width // heads if head is None else head) * model.rope_share)
    return {
        "n_heads": heads,
        "n_kv_heads": None if model.n_kv_heads is None else max(1, heads * model.n_kv_heads // model.n_heads),
        "emb_dim": width,
        "head_dim": head,
        "rope_share": model.rope_share if rotated and rotated % 2 == 0 else 1.0,
    }


def _experts(model: ModelConfig, width: int) -> dict[str, Any]:
    """A few experts as wide as the model at most."""
    if model.n_experts is None:
        return {}
    experts = min(model.n_experts, MOST_EXPERTS)
    return {
        "n_experts": experts,
        "n_active_experts": min(model.active_experts, experts, MOST_EXPERTS // 2),
        "expert_hidden_dim": min(model.expert_dim, width),
        "n_shared_experts": min(model.n_shared_experts, 1),
    }
