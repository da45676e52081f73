"""The receipt as a picture: a white slip of paper in both themes, because it is saved and shown elsewhere."""

from collections.abc import Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import Any, Final

import plotly.graph_objects as go

ROW_HEIGHT: Final = 27
LINE_HEIGHT: Final = 18
LINE_LETTERS: Final = 110  # of the small print
TITLE_HEIGHT: Final = 44
SIDE: Final = 14
TEXT: Final = "#1d2128"
FAINT: Final = "#5b6370"
RULE: Final = "#d5d8dd"
PAPER: Final = "#ffffff"


def receipt_figure(title: str, small_print: Sequence[str], columns: Mapping[str, Sequence[str]]) -> go.Figure:
    """A title, lines of small print, and the table below them."""
    lines = [piece for line in small_print for piece in wrap(line, LINE_LETTERS)]
    top = TITLE_HEIGHT + LINE_HEIGHT * len(lines) + 10
    rows = len(next(iter(columns.values()))) + 1
    layout = {
        "height": top + ROW_HEIGHT * rows + SIDE,
        "margin": {"l": SIDE, "r": SIDE, "t": top, "b": SIDE},
        "paper_bgcolor": PAPER,
        "annotations": [
            _line(f"<b>{escape(title)}</b>", 17, TEXT, top - 12),
            *(_line(escape(line), 12, FAINT, top - TITLE_HEIGHT - LINE_HEIGHT * n) for n, line in enumerate(lines)),
        ],
    }
    return go.Figure([_table(columns)], layout)


def _table(columns: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    cells = [[escape(text) for text in column] for column in columns.values()]  # plotly reads tags
    aligned = ["left", *["right"] * (len(columns) - 1)]
    look = {"align": aligned, "height": ROW_HEIGHT, "line": {"color": RULE}, "fill": {"color": PAPER}}
    return {
        "type": "table",
        "columnwidth": [1.3, *[1.0] * (len(columns) - 1)],
        "header": look | {"values": [f"<b>{name}</b>" for name in columns], "font": {"size": 12, "color": FAINT}},
        "cells": look | {"values": cells, "font": {"size": 13, "color": TEXT}},
    }


def _line(text: str, size: int, colour: str, above_table: int) -> dict[str, Any]:
    """A line whose upper edge is so many pixels above the table."""
    return {
        "text": text,
        "font": {"size": size, "color": colour},
        "showarrow": False,
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "yref": "paper",
        "y": 1,
        "yanchor": "top",
        "yshift": above_table,
    }
