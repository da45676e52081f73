"""Concepts: what each number in a config means, and what it costs."""

import streamlit as st

from llm_explorer.exercises.concepts import exercises
from llm_explorer.texts import concepts as texts
from llm_explorer.ui import concepts_config, concepts_journey, concepts_matrix
from llm_explorer.ui.concepts_parts import card
from llm_explorer.ui.lesson import Step, lesson, link
from llm_explorer.ui.lesson import exercises as show_exercises
from llm_explorer.ui.shell import Page


def exercises_on(page: Page) -> None:
    st.markdown(texts.EXERCISES_INTRO)
    show_exercises("concepts", exercises(page.model, page.run))
    link("streamlit_app.py", texts.EXPLORE)


lesson(
    texts.TITLE,
    texts.QUESTION,
    (
        *(Step(text.title, card(name)) for name, text in texts.CARDS.items()),
        Step("The effect matrix", concepts_matrix.draw),
        Step("The config as people write it", concepts_config.draw),
        Step("How a token travels", concepts_journey.draw),
        Step("Exercises", exercises_on),
    ),
)
