from llm_explorer import units
from llm_explorer.charts.palette import PAIR
from llm_explorer.charts.published import published_values

FAMILIES = {"One, 2019": [("small", 100.0), ("large", 9000.0)], "Two, 2020": [("giant", 12288.0)]}


def test_each_model_is_a_point_in_the_row_of_its_family_and_the_own_is_a_diamond() -> None:
    figure = published_values("title", FAMILIES, ("Your config", 768.0), units.exact)
    rows = {trace.y[0]: list(trace.x) for trace in figure.data}
    assert rows == {"One, 2019": [100, 9000], "Two, 2020": [12288], "Your config": [768]}
    assert [trace.marker.symbol for trace in figure.data] == ["circle", "circle", "diamond"]
    assert figure.data[-1].marker.color == PAIR[1] != figure.data[0].marker.color
    assert list(figure.data[0].text) == ["small: 100", "large: 9,000"]


def test_wide_ranges_are_logarithmic_and_those_with_a_zero_are_not() -> None:
    assert published_values("title", FAMILIES, ("own", 1.0), units.exact).layout.xaxis.type == "log"
    near = {"One, 2019": [("small", 100.0), ("large", 200.0)]}
    assert published_values("title", near, ("own", 150.0), units.exact).layout.xaxis.type == "linear"
    assert published_values("title", near, ("own", 0.0), units.exact).layout.xaxis.type == "linear"


def test_ticks_stand_at_real_values_few_enough_to_read() -> None:
    many = {"One, 2019": [(str(value), float(value)) for value in range(1, 40)]}
    axis = published_values("title", many, ("own", 40.0), units.exact).layout.xaxis
    assert len(axis.tickvals) <= 6
    assert axis.tickvals[-1] == 40
    assert axis.ticktext[-1] == "40"


def test_the_height_goes_by_the_rows_alone() -> None:
    one = published_values("title", FAMILIES, ("own", 1.0), units.exact).layout.height
    assert one == published_values("title", FAMILIES, ("own", 10.0**12), units.exact).layout.height
