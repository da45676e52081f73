"""Tensors: where the numbers of a model live, and what it costs to move, stretch and multiply them."""

import streamlit as st

from llm_explorer.exercises.tensors import exercises
from llm_explorer.texts import tensors as texts
from llm_explorer.ui import tensors_boards, tensors_parts, tensors_playground
from llm_explorer.ui.lesson import Step, lesson
from llm_explorer.ui.lesson import exercises as show_exercises
from llm_explorer.ui.shell import Page


def exercises_on(page: Page) -> None:
    st.markdown(texts.EXERCISES_INTRO)
    show_exercises("tensors", exercises(page.model, page.run))


lesson(
    texts.TITLE,
    texts.QUESTION,
    (
        Step("Containers of numbers", tensors_parts.containers),
        Step("Dtypes", tensors_parts.dtypes),
        Step("One flat strip of memory", tensors_boards.storage),
        Step("Row by column", tensors_boards.product),
        Step("Broadcasting", tensors_boards.broadcasting),
        Step("The tensors of your model", tensors_parts.own_model),
        Step("PyTorch and NumPy", tensors_parts.numpy),
        Step("Playground", tensors_playground.playground),
        Step("Exercises", exercises_on),
    ),
)
