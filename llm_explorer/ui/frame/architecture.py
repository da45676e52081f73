"""The Architecture popover: every choice of the block in its group, each with what it does to this very config."""

from collections.abc import Iterator
from typing import Any, Final

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.effects import kv_cache_change
from llm_explorer.config import ConfigError, ModelConfig, RunConfig
from llm_explorer.ui import parts
from llm_explorer.ui.frame.setting_widgets import options, setting
from llm_explorer.ui.frame.slider_steps import divisors
from llm_explorer.ui.parts.words import next_step_words

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "Attention": (
        "n_kv_heads",
        "head_dim",
        "qkv_bias",
        "qk_norm",
        "sliding_window",
        "full_attention_every",
        "attention_softcap",
    ),
    "Norms": ("norm", "norm_place", "residual"),
    "Feed-forward": (
        "activation",
        "hidden_dim",
        "bias",
        "mlp_bias",
        "n_experts",
        "n_active_experts",
        "expert_hidden_dim",
        "n_shared_experts",
    ),
    "Positions": ("positions", "rope_theta", "rope_share"),
    "Output": ("tie_embeddings", "head_bias", "logit_softcap"),
}
# fields that mean something only where another is set; they are shown then
NEEDS: Final = {
    "full_attention_every": "sliding_window",
    "n_active_experts": "n_experts",
    "expert_hidden_dim": "n_experts",
    "n_shared_experts": "n_experts",
}


def draw(model: ModelConfig, run: RunConfig) -> None:
    """The group that is chosen; the others are not made."""
    look = {"label_visibility": "collapsed", "width": "stretch", "wrap": True}
    group = parts.choose("Group", tuple(GROUPS), "Attention", key="architecture_group", **look)
    for field in GROUPS[group]:
        if is_shown(field, model):
            setting(field, model, run)
            st.caption("  \n".join(effects(field, model, run)))


def is_shown(field: str, model: ModelConfig) -> bool:
    """Whether a field means anything for this model."""
    if field in ("rope_theta", "rope_share"):
        return model.positions == "rope"
    if field == "mlp_bias" and model.n_experts is not None:
        return False  # experts have no biases
    return field not in NEEDS or getattr(model, NEEDS[field]) is not None


def effects(field: str, model: ModelConfig, run: RunConfig) -> Iterator[str]:
    """What each other value worth trying does: a line each."""
    for after in alternatives(field, model):
        yield next_step_words(model, run, field, after) + _cache_words(model, run, field, after)


def alternatives(field: str, model: ModelConfig) -> tuple[Any, ...]:
    """The values of a field to tell of: of a choice all others, of a number one step.

    >>> alternatives("n_kv_heads", ModelConfig()), alternatives("n_experts", ModelConfig())
    ((6,), (8,))
    """
    value = getattr(model, field)
    if field == "mlp_bias":
        return (not model.has_mlp_bias,)
    choices = options(field)
    if choices:
        return tuple(choice for choice in choices if choice not in (value, None))
    steps: dict[str, Any] = {
        "n_kv_heads": _fewer(model),
        "head_dim": 2 * model.head_width,
        "hidden_dim": model.feed_forward_dim + model.emb_dim,
        "sliding_window": None if value else max(1, model.context_length // 4),
        "full_attention_every": None if value else 2,
        "attention_softcap": None if value else 50.0,
        "logit_softcap": None if value else 30.0,
        "n_experts": 2 * value if value else 8,
        "n_active_experts": min(model.active_experts + 1, model.n_experts or 1),
        "expert_hidden_dim": max(1, model.expert_dim // 2),
        "n_shared_experts": model.n_shared_experts + 1,
    }
    return (steps[field],) if field in steps and steps[field] != value else ()


def _fewer(model: ModelConfig) -> int:
    """The next smaller number of heads of keys and values that the queries can share; of one, all."""
    return max((n for n in divisors(model.n_heads) if n < model.kv_heads), default=model.n_heads)


def _cache_words(model: ModelConfig, run: RunConfig, field: str, after: Any) -> str:
    try:
        change = kv_cache_change(model, run, field, after)
    except ConfigError:
        return ""  # the words before have said why
    return f", {units.signed(units.byte_size(change))} of KV cache" if change else ""
