"""Explore: move sliders, see what a GPT costs, then build it and see that the numbers were true."""

from llm_explorer.texts import explore as texts
from llm_explorer.ui import explore, shell

shell.page(texts.TITLE, texts.QUESTION, explore.draw, without_answers=explore.without_answers)
