"""Parameters: which tensors a model is made of, how large each is, and what a batch becomes on its way."""

from llm_explorer.texts import parameters as texts
from llm_explorer.ui import parameters, parameters_flow, shell


def body(page: shell.Page) -> None:
    parameters.draw(page)
    parameters_flow.draw(page)


shell.page(texts.TITLE, texts.QUESTION, body)
