"""Automatic differentiation: how PyTorch knows every gradient."""

from llm_explorer.texts import autograd as texts
from llm_explorer.ui.lessons.autograd import costs, derivatives
from llm_explorer.ui.lessons.lesson import Step, lesson

lesson(
    texts.TITLE,
    texts.QUESTION,
    (
        Step("The chain rule", derivatives.chain_rule),
        Step("One neuron, three ways", derivatives.three_ways),
        Step("The graph that PyTorch keeps", derivatives.graph),
        Step("Drag the weight", derivatives.tangent),
        Step("Why not wiggle every weight?", costs.why),
        Step("How small a wiggle?", costs.step_size),
        Step("Four rules of autograd", costs.rules),
        Step("An engine of our own", costs.engine),
        Step("Exercises", costs.exercises),
    ),
)
