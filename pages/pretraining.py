"""Pre-training: how a model learns language from nothing but text."""

from llm_explorer.texts import pretraining as texts
from llm_explorer.ui.lessons.lesson import Step, lesson
from llm_explorer.ui.lessons.pretraining import own_run, recorded_runs

lesson(
    texts.TITLE,
    texts.QUESTION,
    (
        Step("The next token", recorded_runs.targets),
        Step("A run to scrub", recorded_runs.recorded_run),
        Step("Let it write", recorded_runs.writing),
        Step("Dropout", recorded_runs.dropout),
        Step("Fine-tuning and forgetting", recorded_runs.tuning),
        Step("Your own run", own_run.draw),
        Step("Exercises", recorded_runs.exercises),
    ),
)
