"""The trace of the config on the screen: asked for when the config stands still, waited for without blocking, drawn."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.kernels import kernels_of_device
from llm_explorer.charts.timeline import HEIGHT, ORDER, operation_name, timeline_chart, totals
from llm_explorer.receipt import title_of
from llm_explorer.texts import memory as texts
from llm_explorer.texts import runs as run_texts
from llm_explorer.tracing.result import Trace
from llm_explorer.ui import parts
from llm_explorer.ui.parts.live import drag
from llm_explorer.ui.runs import waiting, workers
from llm_explorer.ui.visit.page import Page

TRACED_S: Final = 0.2  # between two looks for a trace, which is there in under a second
_LAST: Final = "last_trace"


def of(page: Page) -> Trace | None:
    """The trace of exactly this config; where there is none yet, it is asked for, unless a slider is being dragged."""
    traces = workers.traces()
    answer = traces.find(page.model, page.run)
    if answer is None and not drag.dragged():
        traces.want(page.model, page.run, workers.watcher())
    if answer is None or answer.found is None:
        return None
    st.session_state[_LAST] = answer.found
    return answer.found


def comparable(page: Page, found: Trace | None) -> Trace | None:
    """The trace where computed numbers can be held against it: it follows a CPU's kernels on every device."""
    return found if kernels_of_device(page.run.device) == "cpu" else None


def wait(page: Page) -> None:
    """A line that says what is waited for; when the trace is there, the page is drawn with it."""
    answer = workers.traces().find(page.model, page.run)
    if answer is not None and answer.error is not None:
        st.warning(texts.NO_TRACE.format(reason=parts.plain(answer.error.rstrip("."))), icon=":material/info:")
        st.button(texts.AGAIN, icon=":material/refresh:", on_click=workers.traces().forget, args=(page.model, page.run))
    elif answer is None:
        every = None if drag.dragged() else TRACED_S
        waiting.until(lambda: workers.traces().find(page.model, page.run) is not None, _state_of_tracing, every)


def timeline(page: Page, found: Trace | None) -> None:
    """The chart of this config's trace; until there is one, that of the trace before, marked as such."""
    st.markdown(f"##### {texts.TIMELINE}", help=texts.TIMELINE_HELP)
    if found is None:
        wait(page)
    shown: Trace | None = found or st.session_state.get(_LAST)
    if shown is None:
        st.container(height=HEIGHT, border=False)  # so that what is below does not jump when the chart comes
        return
    if found is None:
        st.caption(texts.OF_BEFORE.format(config=title_of(shown.model, shown.run)))
    where = [f"peak {units.byte_size(shown.peak_bytes)}", shown.peak_place, operation_name(shown.peak_op)]
    alt = texts.TIMELINE_ALT.format(peak=f"The {where[0]} is in {where[1]}, {where[2]}.")
    parts.chart(timeline_chart(shown.timeline, where), key="timeline_chart", alt=alt)
    st.caption(made_words(shown))
    parts.folded_table(texts.NUMBERS, lambda: _numbers(shown), file_name="timeline.csv", key="timeline")


def made_words(found: Trace) -> str:
    """How a trace was made."""
    layers, traced = found.model.n_layers, found.depths
    depths = texts.DEPTH if traced == (layers,) else texts.DEPTHS
    said = texts.MADE.format(
        operations=units.exact(found.timeline.operations),
        seconds=units.seconds(found.seconds),
        depths=depths.format(traced=" and ".join(map(str, traced)), layers=layers),
    )
    states = found.constants.get("checkpoint random state")
    if states:
        said = f"{said} {texts.RANDOM_STATES.format(size=units.byte_size(states))}"
    return f"{said} {texts.ASSUMED.format(what=found.assumes)}" if found.assumes else said


def _state_of_tracing() -> None:
    if drag.dragged():
        st.caption(texts.DRAGGING)
    else:
        st.caption(texts.TRACING if workers.traces().has_started else run_texts.STARTING)


def _numbers(found: Trace) -> dict[str, Sequence[object]]:
    points = found.timeline
    sizes = {f"{name} (bytes)": points.categories[name] for name in ORDER}
    return {
        "phase": points.phase,
        "part": points.part,
        "operation": points.op,
        **sizes,
        "in all (bytes)": totals(points),
    }
