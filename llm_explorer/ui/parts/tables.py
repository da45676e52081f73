"""Numbers in boxes and as tables: formulas with their numbers, and the data of a chart."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd
import streamlit as st

from llm_explorer.accounting.rows import Letters, Row


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


def folded(label: str, draw: Callable[[], object], *, key: str, icon: str = ":material/table:") -> None:
    """An expander; what is in it is drawn only while it is open."""
    box = st.expander(label, icon=icon, on_change="rerun", key=key)
    if box.open:
        with box:
            draw()


def folded_table(
    label: str, columns: Callable[[], Mapping[str, Sequence[object]]], *, file_name: str, key: str
) -> None:
    """A chart's data in an expander, whose key is ``<key>_numbers``."""
    folded(label, lambda: data_table(columns(), file_name=file_name, key=key), key=f"{key}_numbers")


def metric(label: str, value: str, below: str | None, explanation: str | None = None) -> None:
    """A number in a box; what stands below it is no change that is good or bad."""
    st.metric(label, value, below, help=explanation, delta_color="off", delta_arrow="off", border=True)
