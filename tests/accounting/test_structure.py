"""Which choices make which structure."""

import pytest
from hypothesis import given

from llm_explorer.accounting.structure import structure_of
from llm_explorer.config import ModelConfig, replace
from tests.strategies import model_configs
from tests.variants import VARIANTS


@given(model_configs())
def test_sizes_and_biases_leave_gpt2s_shapes(model: ModelConfig) -> None:
    structure = structure_of(model)
    assert (structure.qkv, structure.queries, structure.keys) == ("3 * D", "D", "D")


@pytest.mark.parametrize(
    ("window", "every", "layers", "windows"),
    [
        (None, None, 4, "none"),
        (8, 1, 4, "none"),
        (8, None, 4, "all"),
        (8, 5, 4, "all"),
        (8, 2, 4, "last full"),
        (8, 3, 4, "last windowed"),
    ],
)
def test_which_layers_have_a_window(window: int | None, every: int | None, layers: int, windows: str) -> None:
    model = replace(VARIANTS["llama"], sliding_window=window, full_attention_every=every, n_layers=layers)
    structure = structure_of(model)
    assert structure.windows == windows
    assert structure.windowed == (model.window(0) is not None)
    assert structure.of_last_layer.windowed == (model.window(layers - 1) is not None)
    assert structure.of_full_layer.windowed == all(model.window(layer) is not None for layer in range(layers))
