"""Tensors: where the numbers of a model live, and what it costs to move, stretch and multiply them."""

from llm_explorer.exercises.tensors import exercises
from llm_explorer.texts import tensors as texts
from llm_explorer.ui.lessons.lesson import Step, lesson
from llm_explorer.ui.lessons.lesson import exercises as show_exercises
from llm_explorer.ui.lessons.tensors import containers, grids, playground
from llm_explorer.ui.visit.page import Page


def exercises_on(page: Page) -> None:
    show_exercises("tensors", texts.EXERCISES_INTRO, exercises(page.model, page.run))


lesson(
    texts.TITLE,
    texts.QUESTION,
    (
        Step("Containers of numbers", containers.containers),
        Step("Dtypes", containers.dtypes),
        Step("One flat strip of memory", grids.storage),
        Step("Row by column", grids.product),
        Step("Broadcasting", grids.broadcasting),
        Step("The tensors of your model", containers.own_model),
        Step("PyTorch and NumPy", containers.numpy),
        Step("Playground", playground.playground),
        Step("Exercises", exercises_on),
    ),
)
