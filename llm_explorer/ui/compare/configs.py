"""The configs that are compared, what differs between them, and what each costs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd
import streamlit as st

from llm_explorer import presets, units
from llm_explorer.accounting.fit import memory_on_hardware
from llm_explorer.accounting.flops import Flops, count_flops
from llm_explorer.accounting.memory import Memory
from llm_explorer.accounting.parameters import Parameters, count_parameters
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.presets import title_of
from llm_explorer.texts import compare as texts
from llm_explorer.texts import fields as field_texts
from llm_explorer.texts import memory as memory_texts
from llm_explorer.ui import parts
from llm_explorer.ui.frame import preset_picker
from llm_explorer.ui.parts.words import shown_value, value_words
from llm_explorer.ui.runs import step_times
from llm_explorer.ui.runs.step_times import Times
from llm_explorer.ui.visit import config_buttons, pins, state
from llm_explorer.ui.visit.page import Page

MOST: Final = 4
MOST_TOLD: Final = 2  # settings in a name
_CHANGED: Final = "pins_changed_on_page"


class Compared(NamedTuple):
    """A config with all that is computed of it; ``pin`` is its place in the list of pins, None for the one of now."""

    name: str
    pin: int | None
    model: ModelConfig
    run: RunConfig
    parameters: Parameters
    memory: Memory
    flops: Flops
    times: Times


def draw(page: Page) -> tuple[Compared, ...]:
    """What is compared, with buttons to add and remove, and the two tables; returns it for the charts."""
    if st.session_state.pop(_CHANGED, False):
        st.rerun()  # the frame, too: its address has the pins
    st.markdown(texts.INTRO)
    compared = all_compared(page)
    _toolbar(page, compared)
    if len(compared) < 2:
        st.info(texts.ALONE, icon=":material/compare_arrows:")
    else:
        _differences(compared)
    _numbers(compared)
    return compared


def all_compared(page: Page) -> tuple[Compared, ...]:
    """The config of now, then the newest pins that are not the same, in the order in which they were pinned."""
    others = [(number, pin) for number, pin in enumerate(pins.pinned()) if (pin.model, pin.run) != page[:2]]
    names = [texts.NOW.format(name=name_in_short(page.model))]
    found = [_compared(names[0], None, page)]
    for number, pin in others[1 - MOST :]:
        names.append(_unlike(name_in_short(pin.model), names))
        found.append(_compared(names[-1], number, Page(pin.model, pin.run, page.reserve)))
    return tuple(found)


def name_in_short(model: ModelConfig) -> str:
    """The preset's title, or size and what is not as in GPT-2: '12 × 768, rmsnorm, n_kv_heads=4'."""
    if any(preset.model == model for preset in presets.PRESETS):
        return title_of(model)
    values = {field: value for field, value in model.model_dump().items() if field not in state.SLIDERS}
    unusual = {field: value for field, value in values.items() if value != state.default_of(field)}
    told = [value if isinstance(value, str) else f"{field}={value_words(value)}" for field, value in unusual.items()]
    more = "…" if len(told) > MOST_TOLD else ""
    return ", ".join([f"{model.n_layers:,} × {model.emb_dim:,}", *told[:MOST_TOLD]]) + more


def _unlike(name: str, others: Sequence[str]) -> str:
    """A name that is not yet taken: charts tell their bars apart by it."""
    tries = (name if number == 1 else f"{name} ({number})" for number in range(1, MOST + 1))
    return next(each for each in tries if each not in others)


def _compared(name: str, pin: int | None, page: Page) -> Compared:
    model, run, _reserve = page
    counted = count_parameters(model), memory_on_hardware(model, run), count_flops(model, run)
    return Compared(name, pin, model, run, *counted, step_times.times_of(page))


def _toolbar(page: Page, compared: Sequence[Compared]) -> None:
    """A box that adds a preset, and for each pin a button that removes it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            texts.ADD,
            preset_picker.ordered(),
            index=None,
            key="compare_add",
            format_func=preset_picker.label,
            on_change=_add,
            args=(page.run,),
            help=texts.ADD_HELP,
            width=300,
        )
        for each in compared:
            if each.pin is not None:
                label = texts.REMOVE.format(name=each.name)
                icon = ":material/close:"
                config_buttons.button(label, pins.unpin, (each.pin,), key=f"unpin_{each.pin}", icon=icon)
    if len(pins.pinned()) == MOST == len(compared):
        st.caption(texts.TOO_MANY)


def _add(own: RunConfig) -> None:
    preset = preset_picker.taken("compare_add")
    if preset is None:
        return
    fits = own.sequence(preset.model) <= preset.model.context_length
    pins.pin(preset.title, preset.model, own if fits else replace(own, sequence_length=None))
    st.session_state[_CHANGED] = True


def _differences(compared: Sequence[Compared]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"##### {texts.DIFFERENCES}", help=texts.DIFFERENCES_HELP, width="content")
        everything = st.toggle(texts.ALL_FIELDS, key="compare_all_fields", persist_state="session")
    rows = {}
    for field in (*ModelConfig.model_fields, *RunConfig.model_fields):
        values = [shown_value(field, each.model, each.run) for each in compared]
        if everything or any(value != values[0] for value in values):
            rows[field_texts.FIELDS[field].label] = [_highlighted(value, values[0]) for value in values]
    if rows:
        _table(compared, rows)
    else:
        st.markdown(texts.NO_DIFFERENCE)


def _highlighted(value: Any, first: Any) -> str:
    words = parts.plain(value_words(value))
    return words if value == first else f":orange-background[**{words}**]"


def _table(compared: Sequence[Compared], rows: Mapping[str, Sequence[str]]) -> None:
    """A column for each config; on a narrow screen it scrolls by itself, not the page."""
    columns = {parts.plain(each.name): [cells[i] for cells in rows.values()] for i, each in enumerate(compared)}
    st.table(pd.DataFrame({"": list(rows)} | columns), hide_index=True)


class Measure(NamedTuple):
    """A number that each config has, or not: its row, how it is read off and how it is written."""

    row: str
    value: Callable[[Compared], float | None]
    write: units.Writer


MEASURES: Final = (
    Measure("parameters", lambda each: each.parameters.total, units.count),
    Measure("active", lambda each: each.parameters.active, units.count),
    Measure("weights", lambda each: each.memory.parameters_bytes, units.byte_size),
    Measure("peak", lambda each: each.memory.peak_bytes, units.byte_size),
    Measure("cache", lambda each: each.memory.kv_cache_bytes, units.byte_size),
    Measure("inference", lambda each: each.memory.inference_bytes, units.byte_size),
    Measure("flops", lambda each: each.flops.per_token, units.flops),
    Measure("predicted", lambda each: predicted_s(each), units.seconds),
    Measure("measured", lambda each: measured_s(each), units.seconds),
)


def predicted_s(each: Compared) -> float | None:
    """The best prediction of the seconds of a step."""
    best = each.times.refined or each.times.predicted
    return None if best is None else best.step.seconds


def measured_s(each: Compared) -> float | None:
    """The measured seconds of a step, where this very config has been measured here."""
    measured = each.times.measured
    return measured.step_s.median if measured and measured.step_s else None


def _numbers(compared: Sequence[Compared]) -> None:
    """A row for each measure; a row that nobody has is left out, as that of active parameters without experts."""
    st.markdown(f"##### {texts.NUMBERS}", help=texts.NUMBERS_HELP)
    found = {each.row: [each.value(config) for config in compared] for each in MEASURES}
    if found["active"] == found["parameters"]:
        del found["active"]
    rows = [each for each in MEASURES if any(value is not None for value in found.get(each.row, ()))]
    _table(compared, {texts.ROWS[each.row]: _cells(found[each.row], each.write) for each in rows})
    estimates = [config.name for config in compared if not config.memory.trusted]
    if estimates:
        st.caption(parts.plain(f"{'; '.join(estimates)}. {memory_texts.TRACED_ONLY}"))
    columns: dict[str, Sequence[object]] = {"": [texts.ROWS[each.row] for each in rows]}
    columns |= {config.name: [found[each.row][i] for each in rows] for i, config in enumerate(compared)}
    parts.folded_table(texts.DOWNLOAD, lambda: columns, file_name="compare.csv", key="compare")


def _cells(values: Sequence[float | None], write: units.Writer) -> list[str]:
    """Each number, and beside it how many times the first it is."""
    first = values[0]
    cells = []
    for number, value in enumerate(values):
        text = "–" if value is None else write(value)
        if number and value is not None and first:
            text += f"  :gray[{texts.RATIO.format(ratio=ratio_words(value / first))}]"
        cells.append(text)
    return cells


def ratio_words(ratio: float) -> str:
    """2.852 -> '2.9', 1 -> '1.0', 0.0312 -> '0.031', 1240.3 -> '1,240'."""
    return f"{ratio:,.0f}" if ratio >= 9.95 else f"{ratio:.1f}" if ratio >= 0.995 else f"{ratio:.2g}"
