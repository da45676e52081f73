"""Why a step takes what it takes, in words with the number; and what inference takes."""

from collections.abc import Iterator
from typing import Final

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.kv_cache import kv_cache_bytes
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.speed.explanations import dropout_cost, shares
from llm_explorer.texts import compute as texts
from llm_explorer.ui import parts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.runs.step_times import Times
from llm_explorer.ui.visit import config_buttons, state
from llm_explorer.ui.visit.page import Page

HEAD_RULES: Final = 0.4  # of the FLOPs: more than any part of a deep model takes
TAUGHT: Final = {"pages/concepts.py": 10, "pages/backprop.py": 8, "pages/pretraining.py": 1}  # page -> step


def draw(page: Page, times: Times) -> None:
    """A line a cause."""
    st.markdown(f"##### {texts.WHY}")
    for words in _causes(page.model, page.run):
        st.markdown(words)
    if times.calibration is None:
        return
    if times.calibration.products_in_fp32:
        st.markdown(texts.IN_FP32)
    cost = dropout_cost(times.calibration, page.model, page.run)
    if cost is not None:
        st.markdown(texts.DROPOUT.format(rate=page.model.drop_rate, step=cost.step, attention=cost.attention))
        config_buttons.button(texts.NO_DROPOUT, state.change, ({"drop_rate": 0.0},), key="without_dropout")


def _causes(model: ModelConfig, run: RunConfig) -> Iterator[str]:
    found = shares(model, run)
    head = texts.HEAD_RULES if found.head > HEAD_RULES else texts.HEAD_SHARE
    yield head.format(
        share=units.share(found.head),
        vocabulary=units.exact(model.vocab_size),
        layers=model.n_layers,
        width=model.emb_dim,
    )
    yield texts.SCORES.format(
        share=units.share(found.scores), length=units.exact(run.sequence(model)), even=units.exact(found.even_sequence)
    )


def inference(page: Page, times: Times) -> None:
    """Prefill and decode, measured, and the cache that decode needs."""
    run = page.run
    st.markdown(f"##### {texts.INFERENCE}", help=texts.INFERENCE_HELP)
    tokens = run.batch_size * run.sequence(page.model)
    grid = st.grid(3, min_column_width=appearance.wide(180))
    labels = (texts.PREFILL.format(tokens=units.exact(tokens)), texts.DECODE)
    prefill, decode = (times.measured.prefill_s, times.measured.decode_s) if times.measured else (None, None)
    for label, timing, made in zip(labels, (prefill, decode), (tokens, run.batch_size), strict=True):
        with grid.cell():
            seconds = timing.median if timing else None
            rate = texts.NOT_KNOWN if seconds is None else texts.PER_SECOND.format(rate=units.exact(made / seconds))
            parts.metric(label, units.seconds(seconds), rate)
    with grid.cell():
        label = texts.CACHE.format(length=units.exact(page.model.context_length))
        parts.metric(label, units.byte_size(kv_cache_bytes(page.model, run)), texts.COMPUTED)
    if prefill is None:
        st.caption(texts.NOT_MEASURED)


def taught() -> None:
    """Links to the steps of lessons that explain it."""
    lesson.links(texts.TAUGHT, TAUGHT)
