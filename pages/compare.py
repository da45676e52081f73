"""Compare: how two to four configs differ, and what each difference costs."""

from llm_explorer.texts import compare as texts
from llm_explorer.ui import compare, compare_charts, shell


def body(page: shell.Page) -> None:
    compared = compare.draw(page)
    compare_charts.draw(page, compared)


shell.page(texts.TITLE, texts.QUESTION, body)
