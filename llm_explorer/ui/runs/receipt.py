"""The receipt on a page: the table, how to fill its measured column, and how to take it along."""

from functools import partial
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from llm_explorer.accounting.kernels import kernels_of_device
from llm_explorer.charts.receipt import receipt_figure
from llm_explorer.formats import to_address
from llm_explorer.receipt import Receipt, make_receipt
from llm_explorer.texts import memory as texts
from llm_explorer.texts import runs as run_texts
from llm_explorer.tracing.result import Trace
from llm_explorer.ui import parts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.runs import build_and_time, trace, workers
from llm_explorer.ui.visit import link
from llm_explorer.ui.visit.page import Page
from llm_explorer.worker.task import Measurement


def draw(page: Page, found: Trace | None, *, measure: bool) -> None:
    """The table and its downloads; with ``measure``, the button that measures and the run while it runs."""
    if appearance.hides("receipt"):
        return
    traced = trace.comparable(page, found)
    measured = workers.measured(page.model, page.run)
    receipt = make_receipt(page.model, page.run, traced, measured, notes(page))
    if measure:
        _measuring(page)
    st.table(pd.DataFrame(receipt.to_columns()), hide_index=True)
    st.caption("  \n".join([receipt.place, texts.TIERS, *receipt.notes]))
    _take_along(receipt)


def not_verified(page: Page) -> None:
    """Say so where nothing has been measured on the device."""
    for note in notes(page):
        st.info(note, icon=":material/info:")


def folded(page: Page) -> None:
    """The same in an expander, made when it is opened."""
    if appearance.hides("receipt"):
        return

    def content() -> None:
        found = trace.of(page)
        if found is None:
            trace.wait(page)
        draw(page, found, measure=False)

    parts.folded(texts.RECEIPT, content, key="receipt_open", icon=":material/receipt_long:")


def notes(page: Page) -> list[str]:
    """What is to be said of a device on which nothing has been measured."""
    device = page.run.device
    if device in ("cpu", "meta") or workers.queue().has_measured(device):
        return []
    return [texts.NOT_VERIFIED.format(device=device, kernels=kernels_of_device(device).upper())]


def _measuring(page: Page) -> None:
    """The button, or the run while it runs; below it what went wrong with one."""
    now, job = None, workers.watched()
    if job is not None and job.task.key == Measurement(page.model, page.run).key:
        now = job.snapshot()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"##### {texts.RECEIPT}", help=texts.RECEIPT_HELP, width="content")
        if now is None or now.state == "done":
            _button(page)
    if job is not None and now is not None and now.state != "done":
        build_and_time.wait(job)
    elif now is not None and now.result is not None and now.result.status != "ok":
        build_and_time.failure(now, now.result)


def _button(page: Page) -> None:
    again = workers.measured(page.model, page.run) is not None
    st.button(
        run_texts.MEASURE_AGAIN if again else run_texts.MEASURE,
        icon=":material/play_arrow:",
        type="secondary" if again else "primary",
        on_click=build_and_time.start,
        args=(page.model, page.run),
        kwargs={"again": again},
    )


def _take_along(receipt: Receipt) -> None:
    link = _link(receipt)
    with st.container(horizontal=True, vertical_alignment="center"):
        text = receipt.to_markdown(link)
        icon = ":material/download:"
        st.download_button(texts.MARKDOWN, text, "receipt.md", "text/markdown", icon=icon, on_click="ignore")
        if link:
            with st.popover(texts.LINK, icon=":material/link:"):
                st.code(link, language=None, wrap_lines=True)
    picture = partial(_picture, receipt, link)
    parts.folded(texts.PICTURE, picture, key="receipt_picture", icon=":material/receipt_long:")


def _picture(receipt: Receipt, link: str | None) -> None:
    small_print = [receipt.place, *receipt.notes, link or ""]
    figure = receipt_figure(receipt.title, small_print, receipt.to_columns())
    parts.chart(figure, key="receipt", alt=f"Table: the receipt of {receipt.title}")
    st.caption(texts.PICTURE_HOW)


def _link(receipt: Receipt) -> str | None:
    """The address of this page with this config."""
    here = link.page_url()
    if not here:
        return None
    page = urlsplit(here)._replace(query="", fragment="").geturl()
    return page + to_address(receipt.model, receipt.run)
