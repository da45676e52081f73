"""Small parts that every page uses: charts, problems with their fixes, formulas."""

import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from llm_explorer import charts
from llm_explorer.accounting.rows import Letters, Row
from llm_explorer.charts.enlarge import enlarged
from llm_explorer.config import Problem
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.parts.live import chart as live_chart
from llm_explorer.ui.visit import state

WORD_JOINER: Final = "\u2060"
_SIGN: Final = re.compile(f"[{re.escape(string.punctuation)}]")  # those of ASCII; no others mean anything
# https://a, www.a, a@b, :material/home:, ->, --, <-, <=
_ACTED_ON: Final = re.compile(r"https?:(?=//)|www(?=\.|$)|@|:(?=[\w+-]+[:/])|-(?=[->])|<(?=[-=])|[>~!](?==)", re.I)


def chart(figure: go.Figure, *, key: str, alt: str) -> None:
    """The one way a chart gets on a page: fixed height, text alternative, no toolbar."""
    if appearance.is_large():
        figure = enlarged(figure, appearance.LARGER)
    if live_chart.is_available():
        live_chart.draw(figure, key=key, alt=alt)
        return
    st.plotly_chart(
        figure, key=key, alt=alt, height=figure.layout.height, config={"displayModeBar": False}, width="stretch"
    )
    charts.without_a_theme()  # Streamlit has just put its own there, for all figures of all visitors


def problem_with_fixes(problem: Problem, number: int) -> None:
    """What is wrong, the ``number``-th on the page, and a button for each change that mends it."""
    with st.container(border=True):
        st.markdown(f":material/error: :red[**{plain(problem.message)}**]")
        with st.container(horizontal=True):
            for field, value in problem.fixes:
                key = f"fix_{number}_{field}_{value}"
                config_button(f"Use {field}={value}", state.change, ({field: value},), key=key)
            if state.is_setting(problem):
                key = f"remove_{number}"
                config_button("Remove it from the other settings", state.remove_setting, (problem,), key=key)


def change_buttons(changes: Iterable[tuple[str, Mapping[str, object]]], key: str) -> None:
    """A row of buttons, each of which makes some changes to the config."""
    with st.container(horizontal=True):
        for number, (label, fields) in enumerate(changes):
            config_button(label, state.change, (dict(fields),), key=f"{key}_{number}")


def config_button(label: str, change: Callable[..., None], args: tuple[object, ...], **look: Any) -> None:
    """A button below the frame that changes the config: the frame, whose widgets hold it, is drawn anew too."""
    if st.button(label, **look):
        state.change_before_next_run(change, args)
        st.rerun()


def formula_table(rows: Iterable[Row], letters: Letters, write: Callable[[float], str]) -> None:
    """Each row with its formula, the same with the numbers put in, and the result."""
    lines = ["| part | formula | with the numbers | times | total |", "|---|---|---|--:|--:|"]
    for row in rows:
        formula, numbers = row.formula.latex(), row.formula.latex_with(letters)
        lines.append(f"| {row.name} | ${formula}$ | ${numbers}$ | {row.repeats} | {write(row.total)} |")
    st.markdown("\n".join(lines))


def data_table(columns: Mapping[str, Sequence[object]], *, file_name: str, key: str) -> None:
    """A table and its download, for a chart's data."""
    frame = pd.DataFrame(columns)
    st.dataframe(frame, hide_index=True, key=f"{key}_table")
    st.download_button(
        "Download CSV", frame.to_csv(index=False), file_name, "text/csv", key=f"{key}_csv", icon=":material/download:"
    )


def computed() -> str:
    """The label of the computed tier."""
    return "Computed: by formula"


def plain(text: str) -> str:
    r"""Text from outside, on one line, as the signs that it is: with nothing that Markdown would act on.

    Every sign that may mean something has a backslash (CommonMark 0.31, 2.4). Streamlit makes links, icons and arrows
    of what is left when the backslashes have gone: there an invisible sign that breaks no word stands between.

    >>> print(plain("a&colon; *b*"))
    a\&colon\; \*b\*
    """
    words = _ACTED_ON.sub(lambda found: found[0] + WORD_JOINER, " ".join(text.split()))
    return _SIGN.sub(r"\\\g<0>", words)
