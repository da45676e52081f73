"""A model drawn from its config: from the ids down to the logits, with one of its blocks in full.

On the left runs the residual stream: each part of a block reads from it and adds its output to it.
"""

from collections.abc import Callable
from typing import Final

import plotly.graph_objects as go

from llm_explorer.charts.drawing import CELL, GAP, LEFT, MIDDLE, RIGHT, STREAM, Box, Drawing
from llm_explorer.charts.palette import COMPONENTS
from llm_explorer.config import ModelConfig

ROW: Final = 18  # pixels from one row of heads to the next
MOST_CELLS: Final = 64  # of a row: more are told in words and drawn as so many
RAIL: Final = 5.0  # the place across of the residual stream
INPUT: Final = 11.0  # of the line that brings a parallel block's input to its second half
OUTPUT: Final = 98.5  # of the line that brings the first half's output down
WHOLE: Final = (0.0, 100.0)  # the ends of what is not in a block

NORMS: Final = {
    "layernorm": "LayerNorm",
    "layernorm_no_bias": "LayerNorm, no bias",
    "layernorm_plain": "LayerNorm, no weights",
    "rmsnorm": "RMSNorm",
}
ACTIVATIONS: Final = {
    "gelu_tanh": "GELU (tanh)",
    "gelu": "GELU",
    "relu": "ReLU",
    "swiglu": "SiLU(gate) × up",
    "geglu": "GELU(gate) × up",
}


def block_diagram(title: str, model: ModelConfig) -> go.Figure:
    """The way of a batch through the model; its height changes with the parts there are, not with their sizes."""
    drawing = Drawing()
    _entrance(drawing, model)
    _block(drawing, model)
    _exit(drawing, model)
    return drawing.figure(title)


def parts_in_words(model: ModelConfig) -> str:
    """The drawing for those who cannot see it."""
    inner = "attention and feed-forward side by side" if model.residual != "sequential" else "attention, feed-forward"
    words = [f"{model.n_layers:,} blocks of {inner}", f"{NORMS[model.norm]} ({model.norm_place})"]
    words.append(f"{model.n_heads:,} heads of queries on {model.kv_heads:,} of keys and values")
    words.append({"learned": "learned positions", "rope": "rotary positions", "none": "no positions"}[model.positions])
    if model.n_experts:
        words.append(f"{model.active_experts} of {model.n_experts:,} experts")
    return "; ".join([*words, ACTIVATIONS[model.activation]])


def _entrance(drawing: Drawing, model: ModelConfig) -> None:
    drawing.box(Box("ids", "B × T", "norms", ends=WHOLE))
    drawing.arrow(50)
    table = f"{model.vocab_size:,} × {model.emb_dim:,}"
    drawing.box(Box("token_embedding", table, "token embedding", ends=WHOLE))
    if model.positions == "learned":
        drawing.arrow(50)
        table = f"{model.context_length:,} × {model.emb_dim:,}"
        drawing.box(Box("+ position_embedding", table, "position embedding", ends=WHOLE))


def _block(drawing: Drawing, model: ModelConfig) -> None:
    start = drawing.y
    drawing.y += GAP
    top = drawing.y
    drawing.say(99, top + 11, f"block <b>× {model.n_layers:,}</b>", "right", 13)
    drawing.y += 24
    if model.residual == "sequential":
        for sub_layer in (_attention, _feed_forward):
            _read(drawing)
            _sub_layer(drawing, model, sub_layer)
            _add(drawing)
    else:
        _parallel(drawing, model)
    drawing.y += 6
    drawing.rectangle((0, 100), top, drawing.y, STREAM, 0.0)
    drawing.y += GAP
    drawing.line((RAIL, start), (RAIL, drawing.y), head=True)


def _read(drawing: Drawing) -> None:
    """From the residual stream into what comes next."""
    drawing.line((RAIL, drawing.y), (MIDDLE, drawing.y), (MIDDLE, drawing.y + GAP), head=True)
    drawing.y += GAP


def _add(drawing: Drawing) -> None:
    """What came last is added to the residual stream."""
    y = drawing.y + GAP
    drawing.line((MIDDLE, drawing.y), (MIDDLE, y), (RAIL, y))
    drawing.sums.append((RAIL, y))
    drawing.y = y + 16


def _sub_layer(drawing: Drawing, model: ModelConfig, group: Callable[[Drawing, ModelConfig], None]) -> None:
    """Norm, attention or feed-forward, norm: those that there are."""
    name = "attention" if group is _attention else "mlp"
    if model.norm_place != "post":
        drawing.box(Box(f"{name}_norm", NORMS[model.norm], "norms"))
        drawing.arrow()
    group(drawing, model)
    if model.norm_place != "pre":
        drawing.arrow()
        drawing.box(Box(f"{name}_post_norm", NORMS[model.norm], "norms"))


def _parallel(drawing: Drawing, model: ModelConfig) -> None:
    """Both halves read the same input; their outputs are added together."""
    one_norm = model.residual == "parallel_one_norm"
    _read(drawing)
    read = drawing.y - GAP
    drawing.box(Box("attention_norm", NORMS[model.norm] + (", for both" if one_norm else ""), "norms"))
    if one_norm:
        read = drawing.y + GAP / 2
    drawing.arrow()
    _attention(drawing, model)
    drawing.line((MIDDLE, drawing.y), (MIDDLE, drawing.y + GAP), (OUTPUT, drawing.y + GAP))
    drawing.y += GAP
    left_attention = drawing.y
    drawing.y += GAP
    drawing.line((MIDDLE if one_norm else RAIL, read), (INPUT, read), (INPUT, drawing.y), (MIDDLE, drawing.y))
    drawing.arrow()
    if not one_norm:
        drawing.box(Box("mlp_norm", NORMS[model.norm], "norms"))
        drawing.arrow()
    _feed_forward(drawing, model)
    drawing.line((OUTPUT, left_attention), (OUTPUT, drawing.y + GAP), (MIDDLE, drawing.y + GAP))
    _add(drawing)


def _attention(drawing: Drawing, model: ModelConfig) -> None:
    heads, kv_heads, width = model.n_heads, model.kv_heads, model.head_width
    top = _open(drawing, "attention")
    product = f"{model.emb_dim:,} → {(heads + 2 * kv_heads) * width:,}"
    norm = f"{NORMS[model.norm]} of q and of k"
    drawing.box(Box("qkv", product + (", bias" if model.qkv_bias else ""), "attention"))
    if model.qk_norm == "full":
        drawing.arrow()
        drawing.box(Box("query_norm, key_norm", f"over all heads: {heads * width:,}", "norms", (norm,)))
    drawing.y += 6
    for name, count in (("q", heads), ("k", kv_heads), ("v", kv_heads)):
        _row_of_cells(drawing, name, count, f"{count:,} × {width:,}", COMPONENTS["attention"])
    drawing.y += 3
    if model.qk_norm == "head":
        drawing.box(Box("query_norm, key_norm", f"each head: {width:,}", "norms", (norm,)))
        drawing.arrow()
    if model.positions == "rope":
        turned = f"{model.rope_width:,} of {width:,} turned, θ {model.rope_theta:,.0f}"
        drawing.box(Box("RoPE of q, k", turned, "position embedding"))
        drawing.arrow()
    drawing.box(Box("softmax(q kᵀ / √H) v", "causal", "attention scores", _scores_in_words(model)))
    drawing.arrow()
    product = f"{heads * width:,} → {model.emb_dim:,}"
    drawing.box(Box("projection", product + (", bias" if model.bias else ""), "attention"))
    _close(drawing, top, "attention")


def _scores_in_words(model: ModelConfig) -> tuple[str, ...]:
    lines = []
    if model.n_heads != model.kv_heads:
        lines.append(f"{model.n_heads // model.kv_heads:,} heads of queries share one of keys and values")
    if model.attention_softcap is not None:
        lines.append(f"scores kept within ± {model.attention_softcap:g}")
    if model.sliding_window is not None:
        every = model.full_attention_every
        lines.append(f"sees the last {model.sliding_window:,}" + (f", every {_nth(every)} layer all" if every else ""))
    return tuple(lines)


def _nth(number: int) -> str:
    """2 -> '2nd'."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number:,}{ending}"


def _feed_forward(drawing: Drawing, model: ModelConfig) -> None:
    top = _open(drawing, "feed-forward" if model.n_experts is None else "mixture of experts")
    if model.n_experts is None:
        drawing.boxes(_matrices(model, model.feed_forward_dim, ", bias" if model.has_mlp_bias else ""))
    else:
        _experts(drawing, model)
    _close(drawing, top, "feed-forward")


def _matrices(model: ModelConfig, width: int, bias: str = "", prefix: str = "") -> list[Box]:
    up, down = f"{model.emb_dim:,} → {width:,}{bias}", f"{width:,} → {model.emb_dim:,}{bias}"
    first = Box(f"{prefix}gate, {prefix}up", f"each {up}", "feed-forward") if model.is_gated else None
    return [
        first or Box(f"{prefix}up", up, "feed-forward"),
        Box(ACTIVATIONS[model.activation], "", "feed-forward"),
        Box(f"{prefix}down", down, "feed-forward"),
    ]


def _experts(drawing: Drawing, model: ModelConfig) -> None:
    experts, active = model.n_experts or 0, model.active_experts
    drawing.box(Box("router", f"{model.emb_dim:,} → {experts:,}, the best {active:,}", "feed-forward"))
    drawing.y += 6
    colour = COMPONENTS["feed-forward"]
    _row_of_cells(drawing, "E", experts, f"{active:,} of {experts:,}", colour, filled=active)
    if model.n_shared_experts:
        _row_of_cells(drawing, "S", model.n_shared_experts, f"+ {model.n_shared_experts:,} always", colour)
    drawing.y += 3
    drawing.boxes(
        [*_matrices(model, model.expert_dim, prefix="experts."), Box("sum, weighted by the router", "", "feed-forward")]
    )


def _row_of_cells(drawing: Drawing, name: str, count: int, words: str, colour: str, filled: int | None = None) -> None:
    shown = min(count, MOST_CELLS)
    strong = (
        shown if filled is None else max(1, min(shown - 1, round(shown * filled / count))) if filled < count else shown
    )
    drawing.say(LEFT + 1, drawing.y + CELL / 2, f"<b>{name}</b>")
    drawing.cells((LEFT + 6, RIGHT - 20), drawing.y, shown, colour, strong)
    drawing.say(RIGHT - 1.5, drawing.y + CELL / 2, words, "right")
    drawing.y += ROW


def _open(drawing: Drawing, name: str) -> float:
    """Begin the frame of a group; returns its top."""
    top = drawing.y
    drawing.say(LEFT - 1.5, top + 10, name)
    drawing.y += 22
    return top


def _close(drawing: Drawing, top: float, component: str) -> None:
    drawing.y += 6
    drawing.rectangle((LEFT - 3, RIGHT + 3), top, drawing.y, COMPONENTS[component], 0.08)


def _exit(drawing: Drawing, model: ModelConfig) -> None:
    drawing.box(Box("final_norm", NORMS[model.norm], "norms", ends=WHOLE))
    drawing.arrow(50)
    table = f"{model.emb_dim:,} → {model.vocab_size:,}" + (", bias" if model.head_bias else "")
    lines = ("the token_embedding once more",) if model.tie_embeddings else ()
    if model.logit_softcap is not None:
        lines = (*lines, f"logits kept within ± {model.logit_softcap:g}")
    drawing.box(Box("head", table, "head", lines, WHOLE))
