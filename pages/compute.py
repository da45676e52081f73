"""Compute: where the time of one step goes, and how long a real training run would take."""

from llm_explorer.texts import compute as texts
from llm_explorer.ui.compute import charts, explanations, training_run
from llm_explorer.ui.frame.shell import page
from llm_explorer.ui.runs import step_times
from llm_explorer.ui.visit.page import Page


def body(page: Page) -> None:
    times = step_times.times_of(page)
    step_times.draw(page, times)
    training_run.draw(page, times)
    charts.draw(page, times)
    explanations.draw(page, times)
    explanations.inference(page, times)
    explanations.taught()


page(texts.TITLE, texts.QUESTION, body)
