"""The Parameters page without a browser."""

import json
from typing import Any

import pandas as pd
import pytest

from llm_explorer import units
from llm_explorer.accounting.flow import flow
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.texts import parameters as texts
from llm_explorer.ui.parameters.flow import letters_of
from tests.ui.app_visit import Visit


class ParametersVisit(Visit):
    script = "parameters"

    def table(self, column: str) -> pd.DataFrame | None:
        """The table with such a column."""
        frames: list[pd.DataFrame] = [table.value for table in self.page.table]
        return next((frame for frame in frames if column in frame.columns), None)

    def tree(self) -> dict[str, Any]:
        """The chart of modules."""
        traces = [json.loads(chart.proto.spec)["data"][0] for chart in self.page.get("plotly_chart")]
        (found,) = [trace for trace in traces if trace["type"] in ("icicle", "treemap")]
        return dict(found)


def test_the_counts_are_those_of_the_book_and_the_largest_part_is_named() -> None:
    visit = ParametersVisit()
    # chapter 4: 163,009,536 with a head of its own, 124,412,160 without; V D = 38,597,376
    assert "**163,009,536 parameters**" in visit.words()
    assert visit.metrics()[texts.TOTAL] == "163.0 M"
    assert visit.metrics()[texts.TIED] == "124.4 M"
    assert visit.changes()[texts.TIED] == "-38.6 M against now"
    assert visit.changes()[texts.ACTIVE] == texts.ALL_ACTIVE
    assert "the largest part is the feed-forward with 35%" in visit.words()  # 12 x 4,722,432 of it


def test_the_tree_follows_a_slider_and_can_be_a_treemap() -> None:
    visit = ParametersVisit()
    assert sum(visit.tree()["values"]) == 163_009_536
    visit.slide("n_layers", 13)
    assert sum(visit.tree()["values"]) == count_parameters(ModelConfig(n_layers=13)).total
    assert visit.tree()["type"] == "icicle"
    visit.page.session_state["tree_look"] = "treemap"
    assert visit.run().tree()["type"] == "treemap"


def test_every_tensor_has_its_line_when_the_table_is_opened() -> None:
    visit = ParametersVisit(set="qkv_bias=true tie_embeddings=true")
    assert visit.table("formula") is None
    visit.open("tensors_open")
    rows = count_parameters(ModelConfig(qkv_bias=True, tie_embeddings=True)).rows
    table = visit.table("formula")
    assert table is not None
    assert list(table["tensor"]) == [*(f"`{row.name}`" for row in rows), "**all**"]
    assert list(table["total"])[-1] == "**124,439,808**"  # GPT-2 small as released
    qkv = table[table["tensor"] == "`blocks.attention.qkv.weight`"].iloc[0]
    assert list(qkv)[1:] == ["2,304 × 768", r"$3\,D\,D$", r"$3 \times 768 \times 768$", "1,769,472", "12", "21,233,664"]
    assert texts.TIED_NOTE in visit.words()
    visit.open("tensors_numbers")
    assert list(visit.page.dataframe[0].value["total"]) == [row.total for row in rows]


def test_the_shapes_are_those_of_the_run() -> None:
    visit = ParametersVisit(batch_size="3", sequence_length="128")
    table = visit.table("here")
    assert table is not None
    shown = [tuple(line) for line in table.itertuples(index=False)]
    for step in flow(ModelConfig(), RunConfig(batch_size=3, sequence_length=128)):
        shape = " × ".join(f"{size:,}" for size in step.shape)
        size = texts.NEVER_WHOLE if step.bytes is None else units.byte_size(step.bytes)
        words = f"{'· ' if step.in_block else ''}{texts.STEPS[step.name]}"
        assert (words, letters_of(step), shape, size) in shown
    assert ("**each of the 12 blocks**", "", "", "") in shown
    visit.open("flow_numbers")
    assert list(visit.page.dataframe[0].value["shape"])[:2] == ["3 x 128", "3 x 128 x 768"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("n_kv_heads=4", "B, T, (N + 2 K) H"),
        ("n_experts=8 activation=swiglu", "scores of the router"),
        ("norm_place=sandwich norm=rmsnorm", "norm after attention"),
    ],
)
def test_a_modern_block_is_told_too(settings: str, told: str) -> None:
    table = ParametersVisit(set=settings).table("here")
    assert table is not None
    assert told in "\n".join([*table["tensor"], *table["shape"]])


def test_every_chart_has_a_text() -> None:
    charts = ParametersVisit().page.get("plotly_chart")
    assert len(charts) == 2
    assert all(chart.proto.alt for chart in charts)


def test_every_step_of_the_flow_has_words() -> None:
    names = {
        step.name
        for model in (ModelConfig(), ModelConfig(n_experts=4, n_shared_experts=1, norm_place="sandwich"))
        for step in flow(model, RunConfig())
    }
    assert names <= set(texts.STEPS)
