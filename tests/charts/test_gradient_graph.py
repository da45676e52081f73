from typing import Any

import pytest

from llm_explorer.charts.gradient_graph import (
    REACHED,
    WAITING,
    Place,
    gradient_graph,
    gradients_so_far,
    label_spot,
    place_nodes,
)

# u = w v, L = u w at w = 2, v = 3: dL/du = 2, dL/dw = u + (dL/du) v = 6 + 6
NODES: list[dict[str, Any]] = [
    {"name": "L", "operation": "MulBackward0", "value": 12.0, "gradient": 1.0},
    {"name": "u", "operation": "MulBackward0", "value": 6.0, "gradient": 2.0},
    {"name": "w", "operation": "AccumulateGrad", "value": 2.0, "gradient": 12.0},
]
EDGES: list[dict[str, Any]] = [
    {"source": "L", "target": "u", "local": 2.0, "flow": 2.0},
    {"source": "L", "target": "w", "local": 6.0, "flow": 6.0},
    {"source": "u", "target": "w", "local": 3.0, "flow": 6.0},
]


@pytest.mark.parametrize(
    ("visited", "gradients"),
    [
        (0, {"L": 1.0}),
        (1, {"L": 1.0, "u": 2.0, "w": 6.0}),
        (2, {"L": 1.0, "u": 2.0, "w": 12.0}),
        (3, {"L": 1.0, "u": 2.0, "w": 12.0}),
    ],
)
def test_gradients_arrive_step_by_step_and_add_up(visited: int, gradients: dict[str, float]) -> None:
    assert gradients_so_far(NODES, EDGES, {node["name"] for node in NODES[:visited]}) == gradients
    labels = dict(zip("Luw", gradient_graph(NODES, EDGES, visited).data[3].text, strict=True))
    for name in "Luw":
        told = f"dL/d{name} = {gradients[name]:.4f}" if name in gradients else None
        assert told in labels[name] if told else "dL/d" not in labels[name]


def test_what_backward_has_reached_is_larger_and_of_another_colour() -> None:
    waiting, lit, spots, nodes = gradient_graph(NODES, EDGES, 1).data
    assert [list(line.x).count(None) for line in (waiting, lit)] == [1, 2]
    assert (waiting.line.color, lit.line.color) == (WAITING, REACHED)
    assert list(nodes.marker.color) == [REACHED, REACHED, REACHED]
    assert list(spots.marker.color) == [REACHED, REACHED, WAITING]
    start = gradient_graph(NODES, EDGES, 0).data[3]
    assert list(start.marker.color) == [REACHED, WAITING, WAITING]
    assert start.marker.size[0] > start.marker.size[1]


def test_operations_are_below_one_another_and_a_leaf_is_beside_those_that_send_to_it() -> None:
    assert place_nodes(NODES, EDGES) == {"L": Place(0, 0), "u": Place(0, 1), "w": Place(1, 0.5)}


def test_nodes_and_edges_tell_their_numbers_under_the_pointer() -> None:
    _, _, spots, nodes = gradient_graph(NODES, EDGES, 3).data
    assert list(spots.customdata[2]) == ["du/dw", 3.0, 6.0]
    assert list(nodes.customdata[1]) == ["u", "MulBackward0", 6.0]
    assert "%{customdata[2]" in spots.hovertemplate
    assert "%{customdata[2]" in nodes.hovertemplate


def test_the_height_goes_by_the_operations_and_not_by_the_step() -> None:
    heights = {gradient_graph(NODES, EDGES, visited).layout.height for visited in range(4)}
    assert len(heights) == 1


@pytest.mark.parametrize(
    ("target", "share", "side"),
    [
        (Place(0, 1), 0.5, "middle left"),
        (Place(1, 0), 0.5, "top center"),
        (Place(1, 2), 0.6, "middle right"),
        (Place(1, -2), 0.45, "middle right"),
    ],
)
def test_a_label_is_on_its_edge(target: Place, share: float, side: str) -> None:
    spot, told = label_spot(Place(0, 0), target)
    assert spot == pytest.approx((share * target.x, share * target.y))
    assert told == side
