"""The largest batch and the longest sequence that fit what the run is sized for."""

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.fit import Verdict, fit, memory_on_hardware, verdict
from llm_explorer.accounting.kernels import VERIFIED, kernels_of_hardware
from llm_explorer.texts import memory as texts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.runs import workers
from llm_explorer.ui.visit import config_buttons, state
from llm_explorer.ui.visit.page import Page


def in_words(page: Page, judged: Verdict) -> str:
    """One line for both, with the memory that a verdict was about."""
    found = fit(page.model, page.run, judged)
    if found.max_batch_size is None or found.max_sequence_length is None:
        return texts.UNKNOWN_BUDGET.format(hardware=page.run.hardware)
    said = texts.LARGEST.format(
        batch=units.exact(found.max_batch_size),
        sequence=units.exact(page.run.sequence(page.model)),
        longest=units.exact(found.max_sequence_length),
        now=units.exact(page.run.batch_size),
    )
    return said if is_verified(page) else f"{said}. {texts.STATED}"


def is_verified(page: Page) -> bool:
    """Whether the kernels of what it is sized for have been compared with something measured."""
    return kernels_of_hardware(page.run) in VERIFIED or workers.queue().has_measured("cuda")


def draw(page: Page) -> None:
    """Two numbers, each with the button that takes it."""
    peak = memory_on_hardware(page.model, page.run).peak_bytes
    found = fit(page.model, page.run, verdict(peak, page.run.hardware, page.reserve))
    st.markdown(f"##### {texts.FITS.format(hardware=page.run.hardware)}", help=texts.FITS_HELP)
    grid = st.grid(2, min_column_width=appearance.wide(200))
    labels = {
        "batch_size": texts.LARGEST_BATCH.format(sequence=units.exact(page.run.sequence(page.model))),
        "sequence_length": texts.LONGEST.format(batch=units.exact(page.run.batch_size)),
    }
    now = {"batch_size": page.run.batch_size, "sequence_length": page.run.sequence(page.model)}
    for field, label in labels.items():
        value: int | None = getattr(found, f"max_{field}")
        with grid.cell():
            st.metric(label, units.UNKNOWN if value is None else _number(value), border=True)
            if value and value != now[field]:
                label = texts.USE.format(field=field, value=units.exact(value))
                config_buttons.button(label, state.change, ({field: value},), key=f"fit_{field}")
    if not is_verified(page):
        st.caption(texts.STATED)


def _number(value: int) -> str:
    return units.exact(value) if value else texts.NONE_FITS
