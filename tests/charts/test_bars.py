from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer import units
from llm_explorer.accounting.memory import alive_by_category, count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.rows import by_component
from llm_explorer.charts.bars import parts_of_whole
from llm_explorer.charts.palette import CATEGORIES, COMPONENTS
from llm_explorer.config import ModelConfig, RunConfig

COLOURS = {"a": "#111111", "b": "#222222", "c": "#333333"}
sums = st.fixed_dictionaries(dict.fromkeys(COLOURS, st.integers(0, 10**15)))


@given(sums)
def test_the_bars_hold_the_sums_in_their_order_without_the_parts_of_no_size(given_sums: dict[str, int]) -> None:
    bar = parts_of_whole("title", given_sums, COLOURS, units.count).data[0]
    expected = {name: size for name, size in given_sums.items() if size}
    assert dict(zip(bar.y, bar.x, strict=True)) == expected
    assert list(bar.y) == list(expected)
    assert list(bar.marker.color) == [COLOURS[name] for name in expected]


def test_each_bar_tells_its_size_and_its_share() -> None:
    bar = parts_of_whole("title", {"a": 3000, "b": 1000, "c": 0}, COLOURS, units.exact).data[0]
    assert list(bar.text) == ["3,000 · 75.0%", "1,000 · 25.0%"]
    assert bar.hovertemplate.startswith("%{y}: %{text}")


@given(sums)
def test_the_height_never_jumps_and_the_labels_have_room(given_sums: dict[str, int]) -> None:
    figure = parts_of_whole("title", given_sums, COLOURS, units.count)
    assert (
        figure.layout.height == parts_of_whole("title", dict.fromkeys(COLOURS, 1), COLOURS, units.count).layout.height
    )
    assert figure.layout.margin.r > 100
    assert figure.layout.title.text == "title"


def test_every_component_and_category_of_the_core_has_a_colour() -> None:
    model, run = ModelConfig(qkv_bias=True), RunConfig(accumulation=2)
    assert set(by_component(count_parameters(model).rows)) <= set(COMPONENTS)
    assert set(alive_by_category(count_memory(model, run, "cpu").rows)) <= set(CATEGORIES)


@pytest.mark.parametrize("precision", ["float32", "autocast", "bfloat16", "bfloat16_master"])
def test_the_memory_chart_of_every_precision_can_be_drawn(precision: Any) -> None:
    sums = alive_by_category(count_memory(ModelConfig(), RunConfig(precision=precision), "cpu").rows)
    bar = parts_of_whole("peak", sums, CATEGORIES, units.byte_size).data[0]
    assert sum(bar.x) == sum(sums.values())
