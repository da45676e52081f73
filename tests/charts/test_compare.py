import pytest

from llm_explorer import units
from llm_explorer.charts.compare import LOOKS, Config, cache_lines, grouped_bars, stacked_bars

COLOURS = {"a": "#111111", "b": "#222222", "c": "#333333"}


def test_the_parts_of_a_bar_stand_on_one_another_and_their_sum_is_told() -> None:
    figure = stacked_bars("title", ["one", "two"], {"a": [1, 2], "b": [30, 4], "c": [0, 0]}, COLOURS, units.exact)
    *bars, sums = figure.data
    assert figure.layout.barmode == "stack"
    assert [(bar.name, tuple(bar.x), bar.marker.color) for bar in bars] == [
        ("a", (1, 2), "#111111"),
        ("b", (30, 4), "#222222"),
    ], "what nobody has is left out"
    assert [text.strip() for text in sums.text] == ["31", "6"]
    assert tuple(sums.x) == (31, 6)


def test_bars_of_nothing_at_all_can_be_drawn() -> None:
    figure = stacked_bars("title", ["one"], {"a": [0]}, COLOURS, units.exact)
    assert [trace.type for trace in figure.data] == ["scatter"]


def test_an_unknown_value_has_no_bar_and_no_words() -> None:
    figure = grouped_bars("title", ["one", "two"], {"predicted": [1.5, 2.0], "measured": [None, 3.0]}, units.seconds)
    assert [tuple(bar.x) for bar in figure.data] == [(1.5, 2.0), (None, 3.0)]
    assert [tuple(bar.text) for bar in figure.data] == [("1.5 s", "2 s"), ("", "3 s")]


def test_four_lines_differ_in_colour_dash_and_marker_and_each_ends_at_its_context() -> None:
    configs = [Config(f"config {n}", [16, 32 << n], [1024, 2048 << n]) for n in range(4)]
    lines = cache_lines("title", configs).data
    assert [tuple(line.x) for line in lines] == [(16, 32 << n) for n in range(4)]
    looks = [(line.line.color, line.line.dash, line.marker.symbol, line.line.width) for line in lines]
    assert looks == list(LOOKS)
    assert all(len(set(column)) == 4 for column in zip(*looks, strict=True))


@pytest.mark.parametrize("highest", [16, 1000, 131_072, 100_000_000])
def test_ticks_are_powers_of_two_and_few(highest: int) -> None:
    axis = cache_lines("title", [Config("one", [16, highest], [1, highest])]).layout.xaxis
    assert 1 <= len(axis.tickvals) <= 8
    assert all(tick & (tick - 1) == 0 for tick in axis.tickvals)
    assert axis.ticktext[0] == "16"


def test_each_bar_has_its_name_above_it() -> None:
    figure = stacked_bars("title", ["one", "two"], {"a": [1, 2]}, COLOURS, units.exact)
    assert [(words.text, words.y < row) for row, words in enumerate(figure.layout.annotations)] == [
        ("one", True),
        ("two", True),
    ]
    assert list(figure.data[0].y) == [0, 1]


def test_the_height_goes_by_the_number_of_configs_only() -> None:
    heights = {
        stacked_bars("", ["one", "two"], {"a": [size, 1]}, COLOURS, units.exact).layout.height for size in (1, 10**12)
    }
    assert len(heights) == 1
