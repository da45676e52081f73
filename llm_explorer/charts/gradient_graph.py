"""A graph of operations from the loss at the top down to the leaves, and how far backward has come in it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from llm_explorer.charts.palette import CATEGORIES
from llm_explorer.charts.traces import segments

ROW_HEIGHT = 78
TEXT_SIZE = 14
LEAF = "AccumulateGrad"
WAITING, REACHED = CATEGORIES["batch"], CATEGORIES["gradients"]

Node = Mapping[str, Any]
Edge = Mapping[str, Any]


class Place(NamedTuple):
    """Where a node is drawn: the operations below one another at x = 0, the leaves beside them at x = 1."""

    x: float
    y: float


def gradient_graph(nodes: Sequence[Node], edges: Sequence[Edge], visited: int) -> go.Figure:
    """The graph after backward has visited the first ``visited`` nodes; see lessons.autograd.graph.graph for the data.

    What backward has reached is orange, larger and shows its gradient so far.
    """
    done = {node["name"] for node in nodes[:visited]}
    places = place_nodes(nodes, edges)
    gradients = gradients_so_far(nodes, edges, done)
    rows = sum(node["operation"] != LEAF for node in nodes)
    layout = {
        "height": ROW_HEIGHT * rows + 16,
        "margin": {"l": 0, "r": 0, "t": 8, "b": 8},
        "showlegend": False,
        "xaxis": {"visible": False, "range": [-1.1, 1.9], "fixedrange": True},
        "yaxis": {"visible": False, "range": [rows - 0.45, -0.55], "fixedrange": True},
    }
    traces = [
        _lines([edge for edge in edges if edge["source"] not in done], places, WAITING, 1.5),
        _lines([edge for edge in edges if edge["source"] in done], places, REACHED, 4),
        _locals(edges, places, done),
        _nodes(nodes, places, gradients),
    ]
    return go.Figure(traces, layout)


def place_nodes(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[str, Place]:
    """Operations in the order of backward; a leaf on the level of those that send to it, on average."""
    chain = [node["name"] for node in nodes if node["operation"] != LEAF]
    places = {name: Place(0, row) for row, name in enumerate(chain)}
    for node in nodes:
        if node["operation"] == LEAF:
            senders = [places[edge["source"]].y for edge in edges if edge["target"] == node["name"]]
            places[node["name"]] = Place(1, sum(senders) / len(senders))
    return places


def label_spot(source: Place, target: Place) -> tuple[Place, str]:
    """Where on an edge its label is, and to which side, so that the labels of neighbours do not meet."""
    if source.x == target.x:
        share, side = 0.5, "middle left"
    elif source.y == target.y:
        share, side = 0.5, "top center"
    else:
        share, side = (0.6 if target.y > source.y else 0.45), "middle right"
    return Place(source.x + share * (target.x - source.x), source.y + share * (target.y - source.y)), side


def gradients_so_far(nodes: Sequence[Node], edges: Sequence[Edge], done: set[str]) -> dict[str, float]:
    """What has arrived at each node that something has arrived at; the loss has its 1 from the start."""
    gradients = {nodes[0]["name"]: 1.0}
    for edge in edges:
        if edge["source"] in done:
            gradients[edge["target"]] = gradients.get(edge["target"], 0.0) + edge["flow"]
    return gradients


def _lines(edges: Sequence[Edge], places: Mapping[str, Place], colour: str, width: float) -> dict[str, Any]:
    """The markers on the lines tell what there is to tell."""
    ends = [(places[edge["source"]], places[edge["target"]]) for edge in edges]
    return segments(ends, {"color": colour, "width": width})


def _locals(edges: Sequence[Edge], places: Mapping[str, Place], done: set[str]) -> dict[str, Any]:
    """A marker on each edge with the local derivative: what is received is multiplied by it and sent on."""
    spots = [label_spot(places[edge["source"]], places[edge["target"]]) for edge in edges]
    reached = [edge["source"] in done for edge in edges]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [place.x for place, _ in spots],
        "y": [place.y for place, _ in spots],
        "text": [f" × {edge['local']:.4f} " for edge in edges],
        "textfont": {"size": TEXT_SIZE},
        "textposition": [position for _, position in spots],
        "marker": {
            "symbol": [
                ("triangle-right" if place.x else "triangle-down") if lit else "circle"
                for (place, _), lit in zip(spots, reached, strict=True)
            ],
            "size": [12 if lit else 5 for lit in reached],
            "color": [REACHED if lit else WAITING for lit in reached],
            "opacity": 1,
        },
        "customdata": [[f"d{edge['source']}/d{edge['target']}", edge["local"], edge["flow"]] for edge in edges],
        "hovertemplate": "%{customdata[0]} = %{customdata[1]:.6g}, sends %{customdata[2]:.6g}<extra></extra>",
    }


def _nodes(nodes: Sequence[Node], places: Mapping[str, Place], gradients: Mapping[str, float]) -> dict[str, Any]:
    def label(node: Node) -> str:
        name = node["name"]
        reached = f"<br><b>dL/d{name} = {gradients[name]:.4f}</b>" if name in gradients else ""
        return f"<b>{name}</b> = {node['value']:.4f}<br>{node['operation'].removesuffix('Backward0')}{reached}"

    at = [places[node["name"]] for node in nodes]
    lit = [node["name"] in gradients for node in nodes]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [place.x for place in at],
        "y": [place.y for place in at],
        "text": [label(node) for node in nodes],
        "textfont": {"size": TEXT_SIZE},
        "textposition": ["middle left" if place.x == 0 else "middle right" for place in at],
        "marker": {
            "symbol": ["square" if node["operation"] == LEAF else "circle" for node in nodes],
            "size": [22 if reached else 14 for reached in lit],
            "color": [REACHED if reached else WAITING for reached in lit],
            "opacity": 1,  # with sizes of their own, markers are otherwise half transparent
        },
        "customdata": [[node["name"], node["operation"], node["value"]] for node in nodes],
        "hovertemplate": "%{customdata[0]} = %{customdata[2]:.6g}, made by %{customdata[1]}<extra></extra>",
    }
