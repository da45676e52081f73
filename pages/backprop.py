"""Backpropagation: how a network learns from its error."""

from llm_explorer.texts import backprop as texts
from llm_explorer.ui.lessons.backprop import network, own_gpt, training
from llm_explorer.ui.lessons.lesson import Step, lesson

lesson(
    texts.TITLE,
    texts.QUESTION,
    (
        Step("The formulas", network.formulas),
        Step("Five steps", network.five_steps),
        Step("How far will the loss fall?", training.drop),
        Step("Close a neuron", network.closing),
        Step("One sample teaches one answer", training.one_sample),
        Step("Forget zero_grad", training.zero_grad),
        Step("Many layers", training.depth),
        Step("Your GPT", own_gpt.own_gpt),
        Step("Exercises", own_gpt.exercises),
    ),
)
