"""Parameters: which tensors a model is made of, how large each is, and what a batch becomes on its way."""

from llm_explorer.texts import parameters as texts
from llm_explorer.ui.frame import shell
from llm_explorer.ui.parameters import counts, flow
from llm_explorer.ui.visit.page import Page


def body(page: Page) -> None:
    counts.draw(page)
    flow.draw(page)


shell.page(texts.TITLE, texts.QUESTION, body)
