"""Inference: weights in four formats, and the KV cache as the context fills."""

from typing import Final

import pandas as pd
import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.inference import InferenceWeights, inference_letters, inference_weights
from llm_explorer.accounting.kv_cache import kv_cache_bytes
from llm_explorer.charts.inference import inference_chart
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.texts import memory as texts
from llm_explorer.ui import parts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit.page import Page

POINTS: Final = 32  # of the chart: straight lines, bent where a window is full


def draw(page: Page) -> None:
    """The formats as a table, the cache of the run's own precision as a chart."""
    formats = inference_weights(page.model)
    st.markdown(f"##### {texts.INFERENCE}", help=texts.INFERENCE_HELP)
    grid = st.grid(2, min_column_width=appearance.wide(400))
    with grid.cell():
        _chart(page, formats)
    with grid.cell():
        st.table(pd.DataFrame([_line(page, weights) for weights in formats]), hide_index=True)
        context, batch = units.exact(page.model.context_length), units.exact(page.run.batch_size)
        st.caption(texts.INFERENCE_NOTE.format(context=context, batch=batch))
        parts.folded(
            texts.WEIGHT_FORMULAS,
            lambda: _formulas(page.model, formats),
            key="inference_formulas",
            icon=":material/function:",
        )


def cache_bytes(model: ModelConfig, run: RunConfig, weights: InferenceWeights, positions: int | None = None) -> int:
    """The cache after some positions, at full context unless told: in fp32 beside fp32 weights, else in bf16."""
    precision = "float32" if weights.format == "float32" else "bfloat16"
    return kv_cache_bytes(model, replace(run, precision=precision), positions)


def _chart(page: Page, formats: tuple[InferenceWeights, ...]) -> None:
    name = "float32" if page.run.precision == "float32" else "bfloat16"
    weights = next(each for each in formats if each.format == name)
    context, whole = page.model.context_length, cache_bytes(page.model, page.run, weights)
    tokens = sorted({context * point // POINTS for point in range(POINTS + 1)})
    cache = [cache_bytes(page.model, page.run, weights, count) for count in tokens]
    said = {"format": texts.FORMATS[name], "batch": units.exact(page.run.batch_size)}
    title = texts.CACHE_TITLE.format(**said)
    alt = texts.CACHE_ALT.format(
        title=title, weights=units.byte_size(weights.bytes), context=units.exact(context), cache=units.byte_size(whole)
    )
    parts.chart(inference_chart(title, tokens, weights.bytes, cache), key="inference_chart", alt=alt)
    columns = {"tokens": tokens, "weights (bytes)": [weights.bytes] * len(tokens), "KV cache (bytes)": cache}
    parts.folded_table(texts.NUMBERS, lambda: columns, file_name="kv_cache.csv", key="inference")


def _line(page: Page, weights: InferenceWeights) -> dict[str, str]:
    cache = cache_bytes(page.model, page.run, weights)
    return {
        "": texts.FORMATS[weights.format],
        "weights": units.byte_size(weights.bytes),
        "KV cache": units.byte_size(cache),
        "together": units.byte_size(weights.bytes + cache),
        "how": texts.VERIFIED if weights.verified else texts.NOT_VERIFIED_WEIGHTS,
    }


def _formulas(model: ModelConfig, formats: tuple[InferenceWeights, ...]) -> None:
    letters = inference_letters(model)
    for weights in formats:
        st.markdown(f"**{texts.FORMATS[weights.format]}**")
        parts.formula_table(weights.rows, letters, units.byte_size)
    st.caption(texts.WEIGHT_LETTERS)
