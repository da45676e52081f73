"""The steps of the lesson on automatic differentiation, up to its centre piece; the rest is in costs.py."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from llm_explorer.charts.gradient_graph import LEAF, gradient_graph
from llm_explorer.charts.tangents import curve_with_tangent, factor_chain
from llm_explorer.lessons.autograd.limits import INPUTS, LARGEST_X
from llm_explorer.texts import autograd as texts
from llm_explorer.texts import memory as memory_texts
from llm_explorer.texts.guess import Guess
from llm_explorer.ui import parts
from llm_explorer.ui.frame import setting_widgets
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.parts.live import drag
from llm_explorer.ui.visit.page import Page

LESSON: Final = "autograd"
MODULE: Final = "autograd.derivatives"
FACTORS: Final = ("dL/da", "da/dz", "dz/dw")
W: Final = "autograd_w"  # where the input w is kept
DRAG: Final = "drag_of_w"


def chain_rule(_page: Page) -> None:
    """Two functions in a row, each with its slope; what the slope of both is, after a guess."""
    st.markdown(texts.CHAIN)
    is_told = lesson.guessed("autograd_chain", texts.CHAIN_GUESS, right="")
    inner, outer, x = _functions()
    found = lesson.ask(MODULE, "chain_rule", outer=outer, inner=inner, x=x)
    curves = lesson.ask(MODULE, "chain_curves", outer=outer, inner=inner)
    whole = ("f(g(x))", ("x", "y"), (curves["x"], curves["y"]), (x, found["y"], found["dy/dx"]))
    panels = [
        ("g", ("x", "u"), (curves["x"], curves["u"]), (x, found["u"], found["du/dx"])),
        ("f", ("u", "y"), (curves["u_range"], curves["f"]), (found["u"], found["y"], found["dy/du"])),
    ]
    grid = st.grid(3, min_column_width=appearance.wide(230))
    for name, axes, curve, at in [*panels, whole] if is_told else panels:
        with grid.cell():
            title = f"{name}: slope {at[2]:.3f}"
            parts.chart(
                curve_with_tangent(title, axes, curve, at), key=f"autograd_chain_{name}", alt=f"Curve of {title}"
            )
    st.caption(texts.CHAIN_WHERE)
    if is_told:
        st.latex(texts.CHAIN_PRODUCT.format(found["dy/du"], found["du/dx"], found["dy/dx"]))
    more("chain", {name: curves[name] for name in ("x", "u", "y")}, ("chain_rule", "slope"))


def three_ways(_page: Page) -> None:
    """The worked example by hand, by finite differences and by autograd."""
    st.markdown(texts.NEURON)
    values = inputs("x", "w", "b", "y")
    found = lesson.ask(MODULE, "worked_example", **values)
    st.markdown(texts.FORWARD.format(**values, z=found["z"], a=found["a"], loss=found["loss"]))
    slope = found["autograd"]["w"]
    right = "raises" if slope > 0 else "lowers" if slope < 0 else "leaves"
    answer = texts.NEURON_ANSWERS[right].format(slope=slope)
    asked = Guess(texts.NEURON_QUESTION, texts.NEURON_OPTIONS, right, answer)
    if not lesson.guessed("autograd_neuron", asked, right=""):
        return
    st.latex(texts.BY_HAND.format(**values, a=found["a"], slope=found["by hand"]["w"]))
    ways = ("by hand", "finite differences", "autograd")
    table = {way: [f"{found[way][name]:.10f}" for name in ("w", "b")] for way in ways}
    st.table(pd.DataFrame(table, index=["dL/dw", "dL/db"]))
    st.caption(texts.THREE_WAYS)
    more("ways", None, ("by_autograd", "by_hand", "by_differences"))


def graph(_page: Page) -> None:
    """The graph that PyTorch keeps, and backward through it, node by node."""
    st.markdown(texts.GRAPH)
    is_told = lesson.guessed("autograd_graph", texts.GRAPH_GUESS, right="")
    values = inputs("x", "w", "b", "y")
    expression = "one neuron"
    if is_told:
        expression = parts.choose("Expression", texts.EXPRESSIONS, expression, key="autograd_expr")
    found = lesson.ask("autograd.graph", "graph", expression=expression, **values)
    nodes, edges = found["nodes"], found["edges"]
    visited = int(
        st.slider(texts.GRAPH_STEP, 0, len(nodes), 0, key=f"autograd_visited_{len(nodes)}", persist_state="session")
    )
    grid = st.grid(2, min_column_width=appearance.wide(360))
    with grid.cell():
        alt = f"Graph of {texts.EXPRESSIONS[expression]}, backward has visited {visited} of {len(nodes)} operations"
        parts.chart(gradient_graph(nodes, edges, visited), key="autograd_graph_chart", alt=alt)
    with grid.cell():
        st.markdown(_visit_words(nodes, edges, visited))
        st.caption(texts.GRAPH_ABSENT)
        lesson.link("streamlit_app.py", texts.EXPLORE_TYING)
        lesson.link("pages/memory.py", memory_texts.MEMORY_LINK)
    more("graph", _node_columns(nodes), ("graph", "flow_back", "backward_order"), "autograd.graph")


def tangent(_page: Page) -> None:
    """Drag w along the loss: the tangent's slope is w.grad, below it the factors that make it."""
    st.markdown(texts.TANGENT)
    choice = lesson.guess("autograd_tangent", texts.TANGENT_GUESS)
    if choice is None:
        return
    picture = st.container()  # above the inputs that it is made from, so that it is seen without scrolling
    curve = lesson.ask(MODULE, "loss_curve", **inputs("x", "b", "y"))
    with picture:
        _loss_at(_w_slider(curve["w"]), curve)
    lesson.reveal(choice, texts.TANGENT_GUESS, right="")
    more("tangent", curve, ("loss_curve", "slope"))


def _loss_at(w: float, curve: Mapping[str, Sequence[float]]) -> None:
    """The loss curve with its tangent at w, and the factors of the slope."""
    at = {name: column[curve["w"].index(w)] for name, column in curve.items()}
    slope = at["w.grad"]
    title = f"Loss at w = {w:g}: {at['loss']:.4f}, w.grad = {slope:.4f}"
    figure = curve_with_tangent(title, ("w", "L"), (curve["w"], curve["loss"]), (w, at["loss"], slope))
    parts.chart(figure, key="autograd_tangent", alt=f"{title}. The tangent has this slope.")
    factors = {name: at[name] for name in FACTORS}
    words = " times ".join(f"{name} {value:.4f}" for name, value in factors.items())
    parts.chart(factor_chain(factors, ("w.grad", slope)), key="autograd_factors", alt=f"{words} is {slope:.4f}")
    st.markdown(texts.TANGENT_LINE.format(*factors.values(), slope=slope, w=w, a=at["a"], loss=at["loss"]))


def inputs(*names: str) -> dict[str, float]:
    """The neuron's inputs, the same in all steps."""
    grid = st.grid(len(names), min_column_width=appearance.wide(140))
    values = {}
    for name in names:
        limits = INPUTS[name]
        with grid.cell():
            values[name] = st.number_input(
                name,
                limits.lowest,
                limits.highest,
                limits.default,
                step=0.1,
                format="%.2f",
                key=f"autograd_{name}",
                help=texts.INPUTS[name],
                persist_state="session",
            )
    return values


def more(
    key: str, columns: Mapping[str, Sequence[object]] | None, functions: Sequence[str], module: str = MODULE
) -> None:
    """The numbers of a step as a table and the functions that computed them, built when opened."""
    label = "The code that ran" if columns is None else "The numbers and the code that ran"

    def draw() -> None:
        if columns is not None:
            parts.data_table(columns, file_name=f"{key}.csv", key=f"autograd_{key}")
        code(key, functions, module)

    parts.folded(label, draw, key=f"autograd_more_{key}", icon=":material/code:")


def code(key: str, functions: Sequence[str], module: str = MODULE) -> None:
    """One of the functions that ran, chosen by its name."""
    look = {"key": f"autograd_code_{key}", "label_visibility": "collapsed"}
    lesson.code(module, parts.choose("Function", functions, functions[0], **look))


def _functions() -> tuple[str, str, float]:
    grid = st.grid(3, min_column_width=appearance.wide(200))
    with grid.cell():
        inner = _function("g", "square", "autograd_inner")
    with grid.cell():
        outer = _function("f", "sine", "autograd_outer")
    with grid.cell():
        x = st.slider("x", -LARGEST_X, LARGEST_X, 1.5, step=0.1, key="autograd_chain_x", persist_state="session")
    return inner, outer, x


def _function(label: str, first: str, key: str) -> str:
    names = list(texts.FUNCTIONS)
    words = texts.FUNCTIONS.__getitem__
    return st.selectbox(label, names, names.index(first), format_func=words, key=key, persist_state="session")


def _w_slider(grid: Sequence[float]) -> float:
    """The slider over the curve's w, and the input w of the other steps, kept equal; followed while it is dragged."""
    key = f"{W}__slider"
    w = st.session_state.get(W, INPUTS["w"].default)
    nearest = min(grid, key=lambda point: abs(point - w))
    setting_widgets.follow(key, nearest)
    chosen: float = st.select_slider(
        texts.TANGENT_SLIDER,
        grid,
        nearest,
        key=key,
        persist_state="session",
        format_func=lambda point: f"{point:g}",
        on_change=_take_w,
        args=(key,),
    )
    drag.listen({W: grid}, key=DRAG)
    moving = drag.dragged(DRAG)
    return moving[1] if moving and moving[1] in grid else chosen


def _take_w(key: str) -> None:
    drag.finish(DRAG)
    st.session_state[W] = st.session_state[key]


def _visit_words(nodes: Sequence[Mapping[str, Any]], edges: Sequence[Mapping[str, Any]], visited: int) -> str:
    """What the last visited operation received and sent on."""
    if visited == 0:
        return texts.GRAPH_START
    node = nodes[visited - 1]
    if node["operation"] == LEAF:
        return texts.GRAPH_LEAF.format(**node)
    sent = [edge for edge in edges if edge["source"] == node["name"]]
    lines = [texts.GRAPH_SENDS.format(**edge, gradient=node["gradient"]) for edge in sent]
    return "\n".join([texts.GRAPH_NODE.format(**node), "", *(f"- {line}" for line in lines)])


def _node_columns(nodes: Sequence[Mapping[str, Any]]) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {name: [node[name] for node in nodes] for name in ("name", "operation", "value")}
    kept = [", ".join(f"{name} = {value:.4g}" for name, value in node["kept"].items()) for node in nodes]
    return columns | {"gradient dL/d(name)": [node["gradient"] for node in nodes], "kept for backward": kept}
