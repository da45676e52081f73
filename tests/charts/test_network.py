from llm_explorer.charts.network import network_drawing, network_map

ROWS: list[list[float | None]] = [  # 2 inputs, 2 neurons
    [0.5, -0.004, 0.0, -0.25],
    [0.0, 0.0, 0.0, 0.0],
    [None, None, 0.125, None],
]


def test_every_cell_has_its_place_its_number_and_its_name() -> None:
    cells, numbers = network_map("title", ROWS, 0.5).data
    assert [list(row) for row in cells.z] == ROWS
    assert list(cells.customdata[0]) == ["neuron 1, x1", "neuron 1, x2", "neuron 1, b", "neuron 1, out"]
    assert cells.customdata[2][2] == "output, b"
    placed = dict(zip(zip(numbers.x, numbers.y, strict=True), numbers.text, strict=True))
    assert placed[0, 0] == ".50"
    assert placed[3, 0] == "−.25"
    assert placed[2, 2] == ".12"
    assert len(placed) == 9  # the three empty places have none


def test_only_a_true_zero_is_written_as_zero() -> None:
    numbers = network_map("title", ROWS, 0.5).data[1].text
    assert numbers[1] == "~0"
    assert numbers[2] == "0"


def test_the_colours_go_to_the_largest_alike_on_both_sides_and_the_size_never_jumps() -> None:
    figure = network_map("title", ROWS, 2.0)
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-2.0, 2.0)
    empty = network_map("title", [[None] * 4] * 3, 2.0)
    assert empty.layout.height == figure.layout.height
    assert empty.layout.xaxis.range == figure.layout.xaxis.range
    assert empty.layout.yaxis.ticktext == figure.layout.yaxis.ticktext == ("neuron 1", "neuron 2", "output")
    assert len(empty.data[1].text) == 0


def test_the_drawing_has_a_line_for_each_weight_by_its_sign() -> None:
    above, below, nodes = network_drawing("title", ROWS).data
    # above or zero: x1-h1, x1-h2, x2-h2, h2-out; below: x2-h1, h1-out; each is two ends and a gap
    assert (len(above.x), len(below.x)) == (4 * 3, 2 * 3)
    assert list(below.x) == [0, 1, None, 1, 2, None]
    assert list(below.y) == [0.75, 0.25, None, 0.25, 0.5, None]
    assert list(nodes.text) == ["x1", "x2", "h1", "h2", "ŷ"]
    assert above.line.dash != below.line.dash
