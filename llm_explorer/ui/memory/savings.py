"""What would help: changes, each with the peak it would give and a button that makes it."""

from typing import Final

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.fit import Saving, savings
from llm_explorer.accounting.kernels import kernels_of_device
from llm_explorer.accounting.memory import count_memory
from llm_explorer.texts import memory as texts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit import config_buttons, state
from llm_explorer.ui.visit.page import Page

LABEL_WIDTH: Final = 150
LEAST: Final = 0.001  # of the peak: less is no help


def draw(page: Page) -> None:
    """A line an option: name, bar, button."""
    kernels = kernels_of_device(page.run.device)
    peak = count_memory(page.model, page.run, kernels).peak_bytes
    st.markdown(f"##### {texts.HELPS} · {texts.NOW.format(peak=units.byte_size(peak))}", help=texts.HELPS_HELP)
    grid = st.grid(2, min_column_width=appearance.wide(400))
    for saving in savings(page.model, page.run, kernels):
        with grid.cell():
            _line(saving, peak)


def _line(saving: Saving, now: int) -> None:
    text, peak = texts.HELP[saving.name], saving.peak_bytes
    key = f"help_{saving.name}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if peak is not None and peak < (1 - LEAST) * now:
            st.markdown(text.label, help=f"{text.price}.", width=LABEL_WIDTH)
            said = f"**{units.byte_size(peak)}** · {units.relative_change((peak - now) / now)}"
            st.progress(peak / now, text=said)
            config_buttons.button(texts.APPLY, state.change, (saving.changes,), key=key)
            return
        st.markdown(f":gray[{text.label}]", help=f"{text.price}.", width=LABEL_WIDTH)
        why = texts.NOTHING_LEFT if peak is None else texts.NO_HELP.format(peak=units.byte_size(peak))
        st.caption(why, width="stretch")
        st.button(texts.APPLY, key=key, disabled=True)
