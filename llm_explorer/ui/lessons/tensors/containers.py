"""The steps of the lesson on tensors that compare and list: containers, dtypes, the model's own, NumPy."""

import time
from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.rows import letters_of
from llm_explorer.charts.bars import parts_of_whole
from llm_explorer.charts.grids import tensor_board
from llm_explorer.charts.palette import TENSOR_KINDS
from llm_explorer.charts.storage import sharing_board
from llm_explorer.texts import names
from llm_explorer.texts import tensors as texts
from llm_explorer.texts.guess import Guess
from llm_explorer.ui import parts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.runs import workers
from llm_explorer.ui.visit.page import Page

COLUMN: Final = 400  # pixels below which two columns become one
CONTAINER_SIZE: Final = (9.4, 6.2)
BRIDGES: Final = ("torch.from_numpy(a)", "t.numpy()", "torch.tensor(a)")
TIMED: Final = "tensors_timed"


def guessed(key: str, asked: Guess) -> bool:
    """The guess of a step, with the right option in words where it was another."""
    return lesson.guessed(f"tensors_{key}", asked, wrong=f"The answer is **{asked.options[asked.right]}**. ")


def facts(tensor: Mapping[str, Any]) -> None:
    """Shape, strides, dtype and bytes of a tensor in a line."""
    order = "yes" if tensor["contiguous"] else "no"
    st.markdown(
        f"shape `{tuple(tensor['shape'])}` · strides `{tuple(tensor['strides'])}` · `{tensor['dtype']}` · "
        f"{tensor['bytes']} bytes · contiguous: {order}"
    )


def refused(message: str) -> None:
    """Torch's own words, then ours."""
    st.warning("PyTorch refuses, in its own words:", icon=":material/block:")
    st.code(f"RuntimeError: {message}", language=None, wrap_lines=True)
    for words, meaning in texts.REFUSALS.items():
        if words in message:
            st.markdown(f"In our words: {meaning}")


def code(name: str, function: str) -> None:
    """The function that ran, shown when asked for."""
    label = f"The code that ran: {function}"
    lesson.code_that_ran(f"tensors_code_{function}", (name, function), label=label)


def containers(page: Page) -> None:
    """From a number to four dimensions."""
    st.markdown(texts.CONTAINERS_INTRO)
    guessed("containers", texts.CONTAINERS_GUESS)
    titles = {dimensions: container.name for dimensions, container in texts.CONTAINERS.items()}
    dimensions = parts.choose("Container", titles, 2, key="tensors_container")
    choice = titles[dimensions]
    made = lesson.ask("tensors.basics", "containers")[dimensions]
    left, right = appearance.two(COLUMN)
    with left:
        figure = tensor_board(f"{choice}: {dimensions} dimensions", made["values"], made["shape"], CONTAINER_SIZE)
        parts.chart(figure, key="tensors_containers", alt=f"{choice}, the numbers {made['values']}")
    with right:
        st.code(f"x = {made['code']}")
        facts(made)
        st.markdown(f"{choice}: {texts.CONTAINERS[dimensions].meaning.format(**shapes_of(page))}.")
        st.caption(texts.RANK_NOTE)
        code("tensors.basics", "containers")


def dtypes(_page: Page) -> None:
    """What torch.tensor infers, and what .to changes."""
    st.markdown(texts.DTYPES_INTRO)
    if not guessed("dtypes", texts.DTYPES_GUESS):
        return
    left, right = appearance.two(COLUMN)
    with left:
        rows = lesson.ask("tensors.basics", "inferred_dtypes")
        lines = [f"| `{row['code']}` | `{row['dtype']}` | {row['item_bytes']} |" for row in rows]
        st.markdown("\n".join(["| made from | dtype | bytes a number |", "|---|---|--:|", *lines]))
        code("tensors.basics", "inferred_dtypes")
    with right:
        st.markdown(texts.TO_INTRO)
        dtype = parts.choose("dtype", list(texts.TO_NOTES), "int64", key="tensors_dtype")
        made = lesson.ask("tensors.basics", "converted", dtype=dtype)
        columns = zip(*(made[name]["values"] for name in ("before", "after", "back")), strict=True)
        lines = [f"| {before:.10g} | {_number(after)} | {back:.10g} |" for before, after, back in columns]
        header = f"| float32 | `.to(torch.{dtype})` | and back |"
        st.markdown("\n".join([header, "|--:|--:|--:|", *lines]))
        st.caption(f"{texts.TO_NOTES[dtype]} 5 numbers: {made['before']['bytes']} → {made['after']['bytes']} bytes.")
        code("tensors.basics", "converted")


def own_model(page: Page) -> None:
    """Every tensor of the learner's model: computed by formula, and built on the meta device."""
    st.markdown(texts.MODEL_INTRO)
    parameters = count_parameters(page.model)
    biases = sum(row.total for row in parameters.rows if row.name.endswith("bias"))
    answer = texts.MODEL_ANSWER.format(
        share=biases / parameters.total, all_parameters=units.exact(parameters.total), biases=units.exact(biases)
    )
    right = _share_name(biases / parameters.total)
    if not guessed("model", Guess(texts.MODEL_QUESTION, texts.SHARES, right, answer)):
        return
    rows = lesson.ask("tensors.basics", "model_tensors", model=page.model.model_dump(), run=page.run.model_dump())
    sums = {kind: sum(row["bytes"] * row["repeats"] for row in rows if row["kind"] == kind) for kind in TENSOR_KINDS}
    figure = parts_of_whole("Bytes of your model's tensors", sums, TENSOR_KINDS, units.byte_size)
    sizes = ", ".join(f"{kind} {units.byte_size(size)}" for kind, size in sums.items())
    parts.chart(figure, key="tensors_model", alt=f"Bytes by kind: {sizes}")
    formula = units.exact(count_memory(page.model, page.run, "cpu").parameters_bytes)
    built = units.exact(sums["weights"] + sums["biases"])
    st.caption(
        f"{names.COMPUTED}: {formula} bytes of weights and biases. Built on the meta device, which has shapes but no "
        f"memory: {built} bytes."
    )
    columns = {
        "tensor": [row["name"] for row in rows],
        "kind": [row["kind"] for row in rows],
        "shape": [str(tuple(row["shape"])) for row in rows],
        "dtype": [row["dtype"] for row in rows],
        "bytes of one": [row["bytes"] for row in rows],
        "how many": [row["repeats"] for row in rows],
    }
    parts.data_table(columns, file_name="model_tensors.csv", key="tensors_model_rows")
    lesson.link("streamlit_app.py", "Explore: what the same tensors cost in training")
    code("tensors.basics", "model_tensors")


def numpy(page: Page) -> None:
    """Shared memory, gradients, devices and the time of a product."""
    st.markdown(texts.NUMPY_INTRO)
    if not guessed("numpy", texts.NUMPY_GUESS):
        return
    left, right = appearance.two(COLUMN)
    with left:
        _shared_memory()
        _timing()
    with right:
        st.markdown(texts.SIDE_BY_SIDE)
        _gradient(page)
        st.markdown(texts.DEVICES_NOTE.format(devices=", ".join(name for name, _title in workers.devices()) or "cpu"))
        lesson.link("pages/autograd.py", "Automatic differentiation: how backward does it")


def _shared_memory() -> None:
    bridge = parts.choose("Bridge", BRIDGES, "torch.from_numpy(a)", key="tensors_bridge")
    into = parts.choose("Write 9 into the", ("array", "tensor"), "array", key="tensors_into")
    made = lesson.ask("tensors.numpy_bridge", "write_through", bridge=bridge, into=into)
    told = f"a = {made['array']}, t = {made['tensor']}: {'the same memory' if made['shared'] else 'two memories'}"
    parts.chart(
        sharing_board(made["array"], made["tensor"], shared=made["shared"]), key="tensors_sharing", alt=f"{told}."
    )
    st.markdown(f"`{'a' if into == 'array' else 't'}[0] = 9` → {told}.")
    code("tensors.numpy_bridge", "write_through")


def _gradient(page: Page) -> None:
    made = lesson.ask("tensors.numpy_bridge", "gradient", x=[1.0, 2.0, 3.0])
    lines = ["| at $x$ | `x.grad` | by differences |", "|--:|--:|--:|"]
    lines += [
        f"| {x} | {exact} | {nudged:.9f} |"
        for x, exact, nudged in zip((1, 2, 3), made["autograd"], made["differences"], strict=True)
    ]
    st.markdown("\n".join(lines))
    total = units.exact(count_parameters(page.model).total)
    st.markdown(texts.GRADIENT_NOTE.format(parameters=total))
    code("tensors.numpy_bridge", "gradient")


def _timing() -> None:
    st.markdown(texts.TIMING_INTRO)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = parts.choose("Rows and columns", (32, 64, 96), 96, key="tensors_size")
        st.button("Time it", icon=":material/timer:", on_click=_time_now, args=(size,))
    if TIMED not in st.session_state:
        return
    size, seed = st.session_state[TIMED]
    made = lesson.ask("tensors.numpy_bridge", "time_products", size=size, seed=seed)
    lines = [f"| ({size}, {size}) @ ({size}, {size}) | median | ± |", "|---|--:|--:|"]
    for name, label in (("torch", "PyTorch"), ("numpy", "NumPy")):
        lines.append(f"| {label} | {units.seconds(made[name]['median'])} | {units.seconds(made[name]['iqr'] / 2)} |")
    st.markdown("\n".join(lines))
    told = {"time": made["time"], "n": made["torch"]["n"], "threads": made["threads"]}
    st.caption(texts.TIMING_CAVEAT.format(difference=made["difference"], **told))
    code("tensors.numpy_bridge", "time_products")


def _time_now(size: int) -> None:
    """Each press has a seed of its own: an answer is kept for whoever asks the same."""
    st.session_state[TIMED] = (size, time.time_ns() % 2**31)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.10g}"  # True is an int, too


def _share_name(share: float) -> str:
    if share == 0:
        return "none"
    return "under_1%" if share <= 0.01 else "1_to_10%" if share <= 0.1 else "over_10%"


def shapes_of(page: Page) -> dict[str, str]:
    """Shapes of tensors of the learner's model, as they are written."""
    letters = letters_of(page.model, page.run)
    shapes = {"bias": "D", "weight": "FD", "vectors": "BTD", "scores": "BNTT", "positions": "TD"}
    return {name: str(tuple(letters[letter] for letter in shape)) for name, shape in shapes.items()}
