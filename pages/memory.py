"""Memory: where the bytes of one training step go, and what would make them fewer."""

from llm_explorer.texts import memory as texts
from llm_explorer.ui.frame import shell
from llm_explorer.ui.memory import fit, inference, savings, tables
from llm_explorer.ui.runs import receipt, trace
from llm_explorer.ui.visit.page import Page


def body(page: Page) -> None:
    found = trace.of(page)
    traced = trace.comparable(page, found)
    tables.headline(page, traced)
    receipt.not_verified(page)
    trace.timeline(page, found)
    tables.draw(page, traced)
    savings.draw(page)
    fit.draw(page)
    inference.draw(page)
    receipt.draw(page, found, measure=True)
    tables.taught()


shell.page(texts.TITLE, texts.QUESTION, body)
