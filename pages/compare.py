"""Compare: how two to four configs differ, and what each difference costs."""

from llm_explorer.texts import compare as texts
from llm_explorer.ui.compare import charts, configs
from llm_explorer.ui.frame import shell
from llm_explorer.ui.visit.page import Page


def body(page: Page) -> None:
    compared = configs.draw(page)
    charts.draw(page, compared)


shell.page(texts.TITLE, texts.QUESTION, body)
