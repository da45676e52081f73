from llm_explorer.charts.inference import inference_chart


def test_the_cache_stands_on_the_weights() -> None:
    figure = inference_chart("Weights and cache", [0, 512, 1024], 1000, [0, 300, 600])
    weights, cache = figure.data
    assert list(weights.y) == [1000] * 3
    assert list(cache.y) == [0, 300, 600]
    assert weights.stackgroup == cache.stackgroup
    assert figure.layout.yaxis.range[1] >= 1600
    assert cache.customdata[-1] == "600 B"
