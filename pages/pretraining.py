"""Pre-training: how a model learns language from nothing but text."""

from llm_explorer.texts import pretraining as texts
from llm_explorer.ui import pretraining_own, pretraining_parts
from llm_explorer.ui.lesson import Step, lesson

lesson(
    texts.TITLE,
    texts.QUESTION,
    (
        Step("The next token", pretraining_parts.targets),
        Step("A run to scrub", pretraining_parts.recorded_run),
        Step("Let it write", pretraining_parts.writing),
        Step("Dropout", pretraining_parts.dropout),
        Step("Fine-tuning and forgetting", pretraining_parts.tuning),
        Step("Your own run", pretraining_own.draw),
        Step("Exercises", pretraining_parts.exercises),
    ),
)
