from math import prod

import pytest

from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.charts import palette
from llm_explorer.charts.treemap import SHARED_COLOUR, TEXT_COLOUR, TILES, module_tree, tree_chart
from llm_explorer.config import ModelConfig
from tests.charts.test_palette import contrast
from tests.variants import VARIANTS


@pytest.mark.parametrize("name", VARIANTS)
def test_the_leaves_are_the_tensors_and_each_branch_is_what_is_in_it(name: str) -> None:
    parameters = count_parameters(VARIANTS[name])
    nodes = module_tree(parameters.rows)
    leaves = {node.path.removeprefix("model."): node.total for node in nodes if node.is_leaf}
    assert leaves == {row.name: row.total for row in parameters.rows if row.total}
    assert nodes[0].total == parameters.total
    for node in nodes:
        if not node.is_leaf:
            assert node.total == sum(each.total for each in nodes if each.parent == node.path)


def test_a_module_with_one_thing_in_it_has_no_branch_of_its_own() -> None:
    nodes = {node.path: node for node in module_tree(count_parameters(ModelConfig()).rows)}
    assert nodes["model.token_embedding.weight"].label == "token_embedding"
    assert nodes["model.token_embedding.weight"].parent == "model"
    assert nodes["model.blocks"].label == "blocks × 12"
    assert nodes["model.blocks.attention.qkv.weight"].label == "qkv"  # the book's config has no bias there
    assert nodes["model.blocks.attention.projection.weight"].parent == "model.blocks.attention.projection"


@pytest.mark.parametrize("look", ["icicle", "treemap"])
def test_the_chart_has_every_node_with_its_share(look: str) -> None:
    model = ModelConfig(tie_embeddings=True, qkv_bias=True)
    parameters = count_parameters(model)
    figure = tree_chart("title", parameters.rows, look)  # type: ignore[arg-type]
    (trace,) = figure.data
    assert trace.type == look
    assert sum(trace["values"]) == parameters.total == 124_439_808  # GPT-2 small as released
    assert "model.head.weight" not in trace.ids  # tied: it adds nothing
    whole = dict(zip(trace.ids, trace.text, strict=True))
    assert whole["model"] == "124.4 M · 100.0%"
    assert whole["model.token_embedding.weight"] == "38.6 M · 31.0%"
    assert figure.layout.height == tree_chart("", count_parameters(ModelConfig(n_layers=1)).rows).layout.height


def test_the_hover_tells_shape_and_repeats() -> None:
    nodes = {node.path: node for node in module_tree(count_parameters(ModelConfig()).rows)}
    up = nodes["model.blocks.mlp.up.weight"]
    assert up.hover == f"blocks.mlp.up.weight<br>3,072 × 768, 12 times: {12 * prod((3072, 768)):,} parameters"


@pytest.mark.parametrize("colour", [*TILES.values(), SHARED_COLOUR])
def test_text_on_a_tile_and_a_tile_on_both_backgrounds_can_be_read(colour: str) -> None:
    assert contrast(TEXT_COLOUR, colour) >= 4.5  # WCAG 2.1, 1.4.3
    assert contrast(colour, palette.LIGHT_BACKGROUND) >= 3
    assert contrast(colour, palette.DARK_BACKGROUND) >= 3


def test_a_tile_has_the_colour_of_its_component() -> None:
    assert set(TILES) == set(palette.COMPONENTS)
    nodes = {node.path: node for node in module_tree(count_parameters(ModelConfig()).rows)}
    figure = tree_chart("", count_parameters(ModelConfig()).rows)
    colours = dict(zip(figure.data[0].ids, figure.data[0].marker.colors, strict=True))
    assert colours["model.blocks.mlp"] == TILES["feed-forward"]
    assert nodes["model.blocks"].component == ""
    assert colours["model.blocks"] == SHARED_COLOUR
