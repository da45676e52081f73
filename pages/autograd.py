"""Automatic differentiation: how PyTorch knows every gradient."""

from llm_explorer.texts import autograd as texts
from llm_explorer.ui import autograd_costs, autograd_parts
from llm_explorer.ui.lesson import Step, lesson

lesson(
    texts.TITLE,
    texts.QUESTION,
    (
        Step("The chain rule", autograd_parts.chain_rule),
        Step("One neuron, three ways", autograd_parts.three_ways),
        Step("The graph that PyTorch keeps", autograd_parts.graph),
        Step("Drag the weight", autograd_parts.tangent),
        Step("Why not wiggle every weight?", autograd_costs.why),
        Step("How small a wiggle?", autograd_costs.step_size),
        Step("Four rules of autograd", autograd_costs.rules),
        Step("An engine of our own", autograd_costs.engine),
        Step("Exercises", autograd_costs.exercises),
    ),
)
