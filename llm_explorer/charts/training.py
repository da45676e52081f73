"""A training run: its losses, its steps, the likeliest next characters, what the heads look at."""

import html
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import plotly.graph_objects as go

from llm_explorer.charts.axes import named
from llm_explorer.charts.bars import PATTERNS, horizontal, side_by_side
from llm_explorer.charts.heatmaps import heatmap
from llm_explorer.charts.layout import titled
from llm_explorer.charts.palette import PAIR, PHASES
from llm_explorer.charts.traces import line

LOSS_HEIGHT: Final = 270
STEPS_HEIGHT: Final = 230
BAR: Final = 22
HEAD: Final = 185
MARGINS: Final = {"l": 0, "r": 8, "t": 58, "b": 4}
PINNED: Final = {"y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 8}}
GREY: Final = PHASES["step"]


class Curve(NamedTuple):
    """A line: values over steps."""

    name: str
    steps: Sequence[int]
    values: Sequence[float]
    colour: str
    dash: str = "solid"


def losses_chart(title: str, curves: Sequence[Curve], at: int | None = None, last: int | None = None) -> go.Figure:
    """Losses in nats a token over the steps, up to ``last``; ``at`` is marked by a line."""
    lines = [_line(curve, "%{y:.3f} nats") for curve in curves]
    steps = {"title": {"text": "step"}, "range": [0, last], "automargin": True}
    axes = {"xaxis": steps, "yaxis": {"rangemode": "tozero", "automargin": True}}
    return go.Figure(lines, _layout(title, LOSS_HEIGHT) | axes | {"shapes": _marker(at)})


def steps_chart(curve: Mapping[str, Sequence[float]], at: int | None, last: int) -> go.Figure:
    """The norm of the gradient before clipping, above the learning rate, over the steps."""
    steps = [int(step) for step in curve["step"]]
    norm = Curve("gradient norm", steps, curve["gradient_norm"], PAIR[1])
    rate = Curve("learning rate", steps, curve["learning_rate"], PAIR[0], "dash")
    lines = [_line(norm, "%{y:.2f}"), _line(rate, "%{y:.2e}") | {"yaxis": "y2"}]
    axes = {
        "xaxis": {"title": {"text": "step"}, "range": [0, last], "anchor": "y2", "automargin": True},
        "yaxis": {"domain": [0.56, 1], "rangemode": "tozero", "automargin": True},
        "yaxis2": {"domain": [0, 0.44], "rangemode": "tozero", "automargin": True},
    }
    return go.Figure(lines, _layout("Gradient norm and learning rate", STEPS_HEIGHT) | axes | {"shapes": _marker(at)})


def next_chart(title: str, characters: Sequence[str], series: Mapping[str, Sequence[float]]) -> go.Figure:
    """Bars of the probabilities of characters, the likeliest on top; one bar a character and series."""
    names = [_tick(character) for character in characters]
    bars = [
        horizontal(values, range(len(names)), colour, f"%{{customdata}}: %{{text}}<extra>{name}</extra>")
        | {"name": name, "marker": {"color": colour, "pattern": {"shape": pattern}}, "customdata": names}
        | {"text": [f"{100 * value:.1f}%" for value in values], "textposition": "outside"}
        for (name, values), colour, pattern in zip(series.items(), PAIR, PATTERNS, strict=False)
    ]
    places = named(names) | {"autorange": "reversed", "automargin": True}
    axes = {"xaxis": {"range": [0, 1.15], "visible": False}, "yaxis": places | {"type": "linear", "ticks": ""}}
    height = MARGINS["t"] + MARGINS["b"] + BAR * len(series) * max(len(names), 1)
    return go.Figure(bars, _layout(title, height) | axes | {"showlegend": len(series) > 1})


def targets_chart(title: str, targets: Sequence[str], series: Mapping[str, Sequence[float]]) -> go.Figure:
    """Columns of the probability that each target got, in the order of the text; one column a target and series."""
    names = [_tick(target) for target in targets]
    places, hover = list(range(len(names))), "target %{customdata}: %{y:.1%}"
    bars = side_by_side(series, hover, PATTERNS[::-1], x=places, customdata=names)
    axes = {"xaxis": named(names) | {"title": {"text": "target"}, "automargin": True, "tickangle": 0}}
    axes["yaxis"] = {"range": [0, 1], "tickformat": ".0%", "automargin": True}
    return go.Figure(bars, _layout(title, LOSS_HEIGHT) | axes)


def heads_chart(title: str, heads: Sequence[Sequence[Sequence[Sequence[int]]]], text: str) -> go.Figure:
    """A map of each head (L rows of N; rows of 1 to T percents): how much each character takes from those before."""
    across, down = len(heads[0]), len(heads)
    layout = _layout(title, MARGINS["t"] + MARGINS["b"] + HEAD * down) | {"annotations": []}
    maps = []
    for place, head in enumerate(head for layer in heads for head in layer):
        row, column = divmod(place, across)
        name = f"layer {row + 1}, head {column + 1}"
        number = "" if place == 0 else str(place + 1)
        maps.append(_map(name, head, text, number))
        left, top = column / across, 1 - row / down
        ticks = named([_tick(one) for one in text]) | {"ticks": "", "showgrid": False}
        start = left + 0.02 * column / across
        x_axis = {"domain": [start, left + 0.95 / across], "anchor": f"y{number}", "tickangle": 0}
        y_axis = {"domain": [top - 0.8 / down, top - 0.08 / down], "anchor": f"x{number}", "autorange": "reversed"}
        layout[f"xaxis{number}"] = x_axis | ticks | {"tickfont": {"size": 9}}
        layout[f"yaxis{number}"] = y_axis | ticks | {"showticklabels": False}
        words = {"text": name, "x": start, "y": top, "xref": "paper", "yref": "paper", "xanchor": "left"}
        layout["annotations"].append(words | {"yanchor": "top", "showarrow": False, "font": {"size": 12}})
    return go.Figure(maps, layout)


def shown(character: str) -> str:
    """A character that can be seen: a space as an open box, a line's end as an arrow."""
    return {" ": "␣", "\n": "↵", "\t": "⇥"}.get(character, character)


def escaped(text: str) -> str:
    """Text from outside with nothing that Plotly, which knows some HTML, would act on: '<b>' -> '&lt;b&gt;'."""
    return html.escape(text, quote=False)


def _tick(character: str) -> str:
    return escaped(shown(character))


def _map(name: str, head: Sequence[Sequence[int]], text: str, number: str) -> dict[str, Any]:
    rows = [[*row, *[None] * (len(text) - len(row))] for row in head]
    pairs = [[[_tick(one), _tick(other)] for other in text] for one in text]
    hover = "%{customdata[0]} takes %{z}% from %{customdata[1]}<extra>" + name + "</extra>"
    return heatmap(rows, 0, 100, hover, customdata=pairs, xaxis=f"x{number}", yaxis=f"y{number}")


def _line(curve: Curve, value: str) -> dict[str, Any]:
    look = {"color": curve.colour, "dash": curve.dash, "width": 2.5}
    return line(curve.name, curve.steps, curve.values, look, f"step %{{x}}: {value}")


def _layout(title: str, height: int) -> dict[str, Any]:
    """The title at the top edge, the legend just above the plot, whatever the height."""
    plot = height - MARGINS["t"] - MARGINS["b"]
    layout = titled(title, height, **MARGINS)
    layout["title"] |= PINNED
    return layout | {
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1 + 4 / plot, "yanchor": "bottom"},
        "hovermode": "closest",
    }


def _marker(at: int | None) -> list[dict[str, Any]]:
    line = {"color": GREY, "width": 2, "dash": "dot"}
    place = {"x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper"}
    return [] if at is None else [{"type": "line", "line": line} | place]
