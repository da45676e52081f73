from llm_explorer.charts.receipt import receipt_figure

COLUMNS = {"item": ["weights", "peak"], "computed": ["1 B", "<b>2</b>"]}


def test_the_table_has_the_cells_and_no_text_is_markup() -> None:
    table = receipt_figure("A <i>title</i>", ["small print"], COLUMNS).to_plotly_json()
    cells = table["data"][0]["cells"]["values"]
    assert [list(column) for column in cells] == [["weights", "peak"], ["1 B", "&lt;b&gt;2&lt;/b&gt;"]]
    assert [line["text"] for line in table["layout"]["annotations"]] == [
        "<b>A &lt;i&gt;title&lt;/i&gt;</b>",
        "small print",
    ]


def test_long_lines_are_broken_and_get_their_room() -> None:
    short, long = (receipt_figure("x", ["y" * letters], COLUMNS) for letters in (10, 300))
    assert len(long.layout.annotations) == len(short.layout.annotations) + 2
    assert long.layout.height == short.layout.height + 2 * 18


def test_the_paper_is_white_in_both_themes() -> None:
    figure = receipt_figure("x", [], COLUMNS)
    assert figure.layout.paper_bgcolor == "#ffffff"
    assert figure.data[0].cells.font.color == "#1d2128"
