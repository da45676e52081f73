"""Explore: move sliders, see what a GPT costs, then build it and see that the numbers were true."""

import streamlit as st

from llm_explorer.ui.http import MIDDLEWARE, lifespan

app = st.App(__file__, lifespan=lifespan, middleware=MIDDLEWARE)  # what `streamlit run` serves

if __name__ == "__main__":  # the page of it; Streamlit's caches must not be asked for before it runs
    from llm_explorer.texts import explore as texts
    from llm_explorer.ui.explore import costs
    from llm_explorer.ui.frame import shell

    shell.page(texts.TITLE, texts.QUESTION, costs.draw, without_answers=costs.without_answers)
