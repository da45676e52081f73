"""The steps of the lesson on tensors that are drawn as grids: storage, matrix product, broadcasting."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from llm_explorer.charts.grids import as_rows
from llm_explorer.charts.products import product_board, sum_board
from llm_explorer.charts.storage import storage_board
from llm_explorer.texts import tensors as texts
from llm_explorer.ui import parts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.lessons.tensors.containers import COLUMN, code, facts, guessed, refused, shapes_of
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit.page import Page

SHAPES: Final = {str(shape): list(shape) for shape in ((3, 4), (4, 3), (12,), (2, 2, 3))}
B_SHAPES: Final = {str(shape): list(shape) for shape in ((3, 4), (3, 1), (4, 3))}
PAIRS: Final = {
    "row": ([3, 4], [4]),
    "column": ([3, 4], [3, 1]),
    "every_pair": ([3, 1], [1, 4]),
    "silent_bug": ([3], [3, 1]),
    "number": ([3, 4], []),
    "refused": ([3, 4], [3]),
}
MOST_STEPS: Final = 16  # the lesson's own limit
FRAME_S: Final = 0.8
STEPS: Final = "tensors_steps"  # no widget: what a learner did to the tensor lasts the visit
SEED: Final = "tensors_seed"
PLAYING: Final = "tensors_playing"
DONE: Final = "tensors_done"  # the slider, which playing moves


def storage(_page: Page) -> None:
    """The grid above the strip, and what a step does to both."""
    st.markdown(texts.STORAGE_INTRO)
    if not guessed("storage", texts.STORAGE_GUESS):
        return
    steps = st.session_state.setdefault(STEPS, [])
    walk = lesson.ask("tensors.storage", "walk", steps=steps)
    state = walk["states"][-1]
    _storage_buttons(state, len(steps))
    left, right = appearance.two(COLUMN)
    with left:
        followed = st.slider(
            "Follow one number, in reading order", 0, 11, 1, key="tensors_followed", persist_state="session"
        )
        figure = storage_board(state, walk["strips"], followed)
        parts.chart(figure, key="tensors.storage", alt=_storage_words(state, walk["strips"]))
    with right:
        facts(state)
        st.markdown(_position_words(state["places"][followed], state["strides"]))
        if state["refusal"]:
            refused(state["refusal"])
        lines = [each["code"] + ("  # refused" if each["refusal"] else "") for each in walk["states"]]
        st.code("\n".join(lines))
        st.caption(texts.BATCH_NOTE if len(state["shape"]) == 3 else texts.STORAGE_TASK)
        code("tensors.storage", "apply")
        code("tensors.storage", "places")


def _storage_buttons(state: Mapping[str, Any], count: int) -> None:
    shape = parts.choose("New shape", list(SHAPES), "(12,)", key="tensors_shape")
    transpose = "x.mT" if len(state["shape"]) == 3 else "x.T"
    choices: tuple[tuple[str, str, list[int], str], ...] = (
        (f"x.view{shape}", "view", SHAPES[shape], "New strides over the same strip, or a refusal"),
        (f"x.reshape{shape}", "reshape", SHAPES[shape], "A view where one will do, else a copy"),
        (f"Transpose: {transpose}", "transpose", [], "Exchange the last two dimensions"),
        ("x.contiguous()", "contiguous", [], "A copy in reading order, unless it is so already"),
    )
    with st.container(horizontal=True):
        for label, name, sizes, told in choices:
            step = [name, sizes]
            full = count >= MOST_STEPS
            st.button(label, key=f"tensors_{name}", on_click=_add, args=(step,), disabled=full, help=told)
        st.button("Start over", icon=":material/restart_alt:", on_click=_start_over, disabled=not count)


def _add(step: list[Any]) -> None:
    st.session_state[STEPS] = [*st.session_state[STEPS], step]


def _start_over() -> None:
    st.session_state[STEPS] = []


def _position_words(place: Mapping[str, Any], strides: list[int]) -> str:
    index = place["index"]
    terms = " + ".join(rf"{i} \times {stride}" for i, stride in zip(index, strides, strict=True))
    return rf"x[{', '.join(map(str, index))}] is at position ${terms} = {place['position']}$ of the strip."


def _storage_words(state: Mapping[str, Any], strips: list[list[float]]) -> str:
    strip = strips[state["strip"]]
    return f"x of shape {tuple(state['shape'])}: {state['values']}, read from strip {state['strip'] + 1}: {strip}"


def product(_page: Page) -> None:
    """Row by column, one cell after another."""
    st.markdown(texts.PRODUCT_INTRO)
    if not guessed("product", texts.PRODUCT_GUESS):
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shape = parts.choose("Shape of B", list(B_SHAPES), "(3, 4)", key="tensors_b_shape")
        st.button("New numbers", icon=":material/casino:", on_click=_new_numbers)
        playing = bool(st.session_state.get(PLAYING))
        label, icon = ("Pause", ":material/pause:") if playing else ("Play", ":material/play_arrow:")
        st.button(label, icon=icon, on_click=_play_or_pause, disabled=shape == "(4, 3)", key="tensors_play")
    made = lesson.ask("tensors.basics", "product", b_shape=B_SHAPES[shape], seed=st.session_state.get(SEED, 0))
    if made["refusal"]:
        parts.chart(product_board(made, 0), key="tensors_refused", alt=f"A = {made['a']} and B = {made['b']}")
        refused(made["refusal"])
    else:
        st.fragment(_frames, run_every=FRAME_S if playing else None)(made)
    st.caption(texts.STAR_NOTE)
    lesson.link("streamlit_app.py", "Explore: a model's FLOPs are those of its products")
    code("tensors.basics", "cell")


def _frames(made: Mapping[str, Any]) -> None:
    """The product up to one cell; while it plays, one cell more each time."""
    count = len(made["cells"])
    done = min(st.session_state.get(DONE, 1), count)
    was_playing = st.session_state.get(PLAYING)
    if was_playing:
        done = min(done + 1, count)
        st.session_state[PLAYING] = done < count
    st.session_state[DONE] = done
    if was_playing and done == count:
        st.rerun()  # the whole page: without the clock
    left, right = appearance.two(COLUMN)
    with left:
        parts.chart(
            product_board(made, done), key="tensors_product", alt=f"A = {made['a']}, B = {made['b']}, {done} of {count}"
        )
    with right:
        st.slider("Cells computed", 0, count, key=DONE, persist_state="session")
        if done:
            st.markdown(_cell_words(made["cells"][done - 1]))
        pairs = len(made["b"])
        st.markdown(
            rf"Shape: $(2, {pairs}) \; @ \; ({pairs}, {count // 2}) = (2, {count // 2})$. {count} cells of {pairs} "
            rf"multiply-adds, each counted 2: ${count} \times {pairs} \times 2 = {2 * count * pairs}$ FLOPs."
        )


def _cell_words(cell: Mapping[str, Any]) -> str:
    terms = " + ".join(rf"{x} \cdot {y}" for x, y in cell["pairs"])
    return rf"Row {cell['row']} times column {cell['column']}: ${terms} = {cell['sum']}$"


def _new_numbers() -> None:
    st.session_state[SEED] = st.session_state.get(SEED, 0) + 1


def _play_or_pause() -> None:
    playing = not st.session_state.get(PLAYING)
    st.session_state[PLAYING] = playing
    if playing:
        st.session_state[DONE] = 0


def broadcasting(page: Page) -> None:
    """Two shapes aligned at the right, and what is read again."""
    st.markdown(texts.BROADCAST_INTRO)
    if not guessed("broadcast", texts.BROADCAST_GUESS):
        return
    words = texts.BROADCAST_PAIRS.__getitem__
    pair = st.selectbox("Shapes", list(PAIRS), format_func=words, key="tensors_pair", persist_state="session")
    a_shape, b_shape = PAIRS[pair]
    made = lesson.ask("tensors.basics", "broadcast", a_shape=a_shape, b_shape=b_shape)
    if made["refusal"]:
        refused(made["refusal"])
    else:
        wide_a, wide_b, result = (as_rows(made[name]["values"], 2) for name in ("a", "b", "result"))
        figure = sum_board(wide_a, wide_b, result, (a_shape, b_shape))
        parts.chart(figure, key="tensors_sum", alt=f"a + b = {made['result']['values']}")
        a, b = made["a"], made["b"]
        st.markdown(
            f"Stretched to `{tuple(a['shape'])}`: strides of a `{tuple(a['strides'])}`, of b `{tuple(b['strides'])}`. "
            "Where a stride is 0, the next number is the same number again."
        )
    st.markdown(texts.BROADCAST_IN_MODEL.format(**shapes_of(page)))
    code("tensors.basics", "broadcast")
