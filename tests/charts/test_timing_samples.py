from llm_explorer.charts.palette import PHASES
from llm_explorer.charts.timings import HEIGHT, samples_chart

SAMPLES = {"forward": [0.010, 0.012], "backward": [0.02], "step": [0.03, 0.034, 0.5]}


def test_every_sample_is_drawn_in_milliseconds() -> None:
    figure = samples_chart(SAMPLES)
    drawn = {trace.name: [round(value, 9) for value in trace.x] for trace in figure.data}
    assert drawn == {"forward": [10, 12], "backward": [20], "step": [30, 34, 500]}
    assert all(trace.boxpoints == "all" for trace in figure.data)


def test_every_trace_has_a_hover_and_its_phase_s_colour() -> None:
    for trace in samples_chart(SAMPLES).data:
        assert "%{x" in trace.hovertemplate
        assert trace.name in trace.hovertemplate
        assert trace.marker.color == PHASES[trace.name]


def test_the_height_is_fixed() -> None:
    assert samples_chart(SAMPLES).layout.height == samples_chart({"step": [1.0]}).layout.height == HEIGHT
