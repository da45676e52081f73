"""Backpropagation: how a network learns from its error."""

from llm_explorer.texts import backprop as texts
from llm_explorer.ui import backprop_gpt, backprop_parts, backprop_training
from llm_explorer.ui.lesson import Step, lesson

lesson(
    texts.TITLE,
    texts.QUESTION,
    (
        Step("The formulas", backprop_parts.formulas),
        Step("Five steps", backprop_parts.five_steps),
        Step("How far will the loss fall?", backprop_training.drop),
        Step("Close a neuron", backprop_parts.closing),
        Step("One sample teaches one answer", backprop_training.one_sample),
        Step("Forget zero_grad", backprop_training.zero_grad),
        Step("Many layers", backprop_training.depth),
        Step("Your GPT", backprop_gpt.own_gpt),
        Step("Exercises", backprop_gpt.exercises),
    ),
)
