"""How a token travels: a tiny real GPT stage by stage, and the shapes in the learner's own."""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from llm_explorer.charts import concepts as charts
from llm_explorer.config import ModelConfig
from llm_explorer.texts import concepts as texts
from llm_explorer.ui import parts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.lessons.concepts.cards import COLUMN, numbers_and_code
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit.page import Page

MODULE: Final = "concepts.journey"
PROBABILITIES: Final = "probabilities"


def draw(page: Page) -> None:
    """The text and the stage to look at on the left, the shapes of the learner's config on the right."""
    st.markdown(texts.JOURNEY_INTRO)
    is_told = lesson.guessed("concepts_journey", texts.JOURNEY_GUESS)
    left, right = appearance.two(COLUMN)
    with left:
        text = st.text_input("Text", "To be or not", max_chars=16, key="journey_text", persist_state="session")
        data = lesson.ask(MODULE, "journey", text=text, seed=page.run.seed)
        stages = [stage["name"] for stage in data["stages"]]
        if is_told:
            stages.append(PROBABILITIES)
        stage = parts.choose("Stage", stages, stages[0], key="journey_stage", wrap=True)
        numbers = _picture(data, stage)
        st.caption(texts.JOURNEY_NOISE)
        lesson.link("pages/pretraining.py", texts.PRETRAINING)
    with right:
        tokens = min(len(data["ids"]), page.model.context_length)
        st.markdown(f"{texts.JOURNEY_SHAPES}: B = 1, T = {tokens}.")
        st.markdown(shapes_table(page.model, tokens))
    numbers_and_code("journey", numbers, MODULE)


def shapes_table(model: ModelConfig, tokens: int) -> str:
    """A line a stage that there is: what happens, the shape in letters and in the numbers of the config."""
    shapes = lesson.ask(MODULE, "shapes", config=model.model_dump(), tokens=tokens)["shapes"]
    lines = ["| stage | shape | here |", "|---|---|---|"]
    for name in (name for name in texts.JOURNEY_ROWS if name in shapes):
        words, letters = texts.JOURNEY_ROWS[name]
        if name.endswith(".qkv") and shapes[name][-1] != 3 * model.emb_dim:
            letters = texts.JOURNEY_QKV
        sizes = " × ".join(f"{size:,}" for size in shapes[name])
        lines.append(f"| {words} | {letters.replace(', ', ' × ')} | {sizes} |")
    lines.append(f"| Blocks, one after another | L | {model.n_layers:,} |")
    return "\n".join(lines)


def _picture(data: dict[str, Any], stage: str) -> dict[str, Sequence[object]]:
    """The chart of a stage; returns its numbers."""
    if stage == PROBABILITIES:
        return _probabilities(data["likeliest"])
    rows = next(each["rows"] for each in data["stages"] if each["name"] == stage)
    labels = [f"{number}: {byte_words(token)}" for number, token in enumerate(data["ids"])]
    title = f"After: {stage}" if stage != "embeddings" else "Token embedding + position embedding"
    across = "token of the vocabulary" if stage == "logits" else "entry of the vector"
    parts.chart(
        charts.vectors(title, rows, labels, across=across),
        key="chart_journey",
        alt=f"{title}: {len(rows)} tokens by {len(rows[0])} numbers. {texts.SIGNS}",
    )
    st.caption(f"Ids: {' '.join(map(str, data['ids']))}. {texts.SIGNS}")
    return dict(zip(labels, rows, strict=True))


def _probabilities(likeliest: Sequence[dict[str, Any]]) -> dict[str, Sequence[object]]:
    labels = [byte_words(each["id"]) for each in likeliest]
    shares = [each["probability"] for each in likeliest]
    title = "The ten likeliest next tokens of 256"
    first = f"{labels[0]} with {shares[0]:.2%}"
    parts.chart(charts.likelihoods(title, labels, shares), key="chart_journey", alt=f"{title}; the first is {first}")
    st.caption(f"The likeliest is {parts.plain(first)}; 1/256 is {1 / 256:.2%}.")
    return {"token": labels, "probability": shares}


def byte_words(byte: int) -> str:
    """A byte as people know it: 97 -> 'a', 32 -> 'space', 10 -> 'byte 10'."""
    if byte == ord(" "):
        return "space"
    return chr(byte) if chr(byte).isascii() and chr(byte).isprintable() else f"byte {byte}"
