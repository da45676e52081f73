"""What the lesson on automatic differentiation takes; without torch, for the page that asks for it."""

from typing import Final, NamedTuple


class Input(NamedTuple):
    """An input of the neuron: its limits, and where it starts."""

    lowest: float
    highest: float
    default: float


INPUTS: Final = {
    "x": Input(-3.0, 3.0, 1.1),
    "w": Input(-4.0, 4.0, 2.2),
    "b": Input(-3.0, 3.0, 0.0),
    "y": Input(0.0, 1.0, 1.0),
}
LARGEST_X: Final = 2.0  # of the chain rule's functions: beyond, squares of squares hide everything else
MOST_BACKWARDS: Final = 5
