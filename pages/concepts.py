"""Concepts: what each number in a config means, and what it costs."""

from llm_explorer.exercises.concepts import exercises
from llm_explorer.texts import concepts as texts
from llm_explorer.ui.lessons.concepts import config_text, effect_matrix, journey
from llm_explorer.ui.lessons.concepts.cards import card
from llm_explorer.ui.lessons.lesson import Step, lesson, link
from llm_explorer.ui.lessons.lesson import exercises as show_exercises
from llm_explorer.ui.visit.page import Page


def exercises_on(page: Page) -> None:
    show_exercises("concepts", texts.EXERCISES_INTRO, exercises(page.model, page.run))
    link("streamlit_app.py", texts.EXPLORE)


lesson(
    texts.TITLE,
    texts.QUESTION,
    (
        *(Step(text.title, card(name)) for name, text in texts.CARDS.items()),
        Step("The effect matrix", effect_matrix.draw),
        Step("The config as people write it", config_text.draw),
        Step("How a token travels", journey.draw),
        Step("Exercises", exercises_on),
    ),
)
