"""Compute: where the time of one step goes, and how long a real training run would take."""

from llm_explorer.texts import compute as texts
from llm_explorer.ui import compute_causes, compute_charts, compute_plan, compute_times
from llm_explorer.ui.shell import Page, page


def body(page: Page) -> None:
    times = compute_times.times_of(page)
    compute_times.draw(page, times)
    compute_plan.draw(page, times)
    compute_charts.draw(page, times)
    compute_causes.draw(page, times)
    compute_causes.inference(page, times)
    compute_causes.taught()


page(texts.TITLE, texts.QUESTION, body)
