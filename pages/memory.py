"""Memory: where the bytes of one training step go, and what would make them fewer."""

from llm_explorer.texts import memory as texts
from llm_explorer.ui import memory_fit, memory_help, memory_inference, memory_tables, memory_trace, receipt, shell


def body(page: shell.Page) -> None:
    found = memory_trace.of(page)
    traced = memory_trace.comparable(page, found)
    memory_tables.headline(page, traced)
    receipt.not_verified(page)
    memory_trace.timeline(page, found)
    memory_tables.draw(page, traced)
    memory_help.draw(page)
    memory_fit.draw(page)
    memory_inference.draw(page)
    receipt.draw(page, found, measure=True)
    memory_tables.taught()


shell.page(texts.TITLE, texts.QUESTION, body)
