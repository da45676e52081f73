"""Explore: move sliders, see what a GPT costs, then build it and see that the numbers were true."""

from llm_explorer.texts import explore as texts
from llm_explorer.ui import build_panel, explore, shell

page = shell.page(texts.TITLE, texts.QUESTION)
cost = explore.cost_of(page.model, page.run, page.reserve)
explore.headline(cost)
explore.metrics(cost, page.reserve)
explore.charts(cost)
explore.ways_out(cost)
build_panel.draw(page.model, page.run)
