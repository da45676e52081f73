"""Words of the guess that the first visit opens with."""

from typing import Final

TITLE: Final = "First, a guess"
QUESTION: Final = (
    "This model's weights are **{weights}**. How much memory does it take to train it?\n\n"
    "{name}, {parameters} parameters, {work}, {batch} sequences of {sequence} tokens at a time."
)
LABEL: Final = "Your guess"
SHOW: Final = "Show the answer"
SKIP: Final = "Skip, for good"
GO_ON: Final = "On to the sliders"
ANSWER: Final = "**{peak}: {times} times the weights.** Your guess was {guess}."
WHY: Final = (
    "The optimizer keeps two numbers beside every weight, {optimizer} in all, and backward needs what forward "
    "computed, {activations} of activations; with the weights and {temporary} of passing values that is the peak, "
    "{phase}. Then the activations go and the gradients come, as large as the weights: {gradients}."
)
CHART: Final = "{peak} alive at the peak"
