import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer.accounting.fit import apply
from llm_explorer.accounting.flops import step_flops
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.sibling import Room, largest_sibling, smaller_by
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.presets import PRESETS, Preset
from tests.strategies import model_configs, modern_models

MIB = 1024**2
BOOK, RUN = ModelConfig(), RunConfig()


def peak(model: ModelConfig, run: RunConfig) -> int:
    return count_memory(model, run, "cpu").peak_bytes


def test_depth_is_given_up_first_and_only_as_much_as_it_takes() -> None:
    way = largest_sibling(BOOK, RUN, Room(peak(replace(BOOK, n_layers=7), RUN)))
    assert way is not None
    assert way.changes == {"n_layers": 7}
    assert (way.model, way.run) == (replace(BOOK, n_layers=7), RUN)
    fewer = largest_sibling(BOOK, RUN, Room(way.peak_bytes - 1))
    assert fewer is not None
    assert fewer.changes == {"n_layers": 6}


def test_then_the_batch_then_the_sequence_then_the_vocabulary() -> None:
    model, run = replace(BOOK, vocab_size=5000), RunConfig(batch_size=32, sequence_length=512)
    one_layer = replace(model, n_layers=1)
    smaller_batch = largest_sibling(model, run, Room(peak(one_layer, replace(run, batch_size=5))))
    half = replace(run, batch_size=1, sequence_length=256)
    shorter = largest_sibling(model, run, Room(peak(one_layer, half)))
    fewer_words = largest_sibling(BOOK, RUN, Room(400 * MIB))
    assert smaller_batch is not None
    assert smaller_batch.changes == {"n_layers": 1, "batch_size": 5}
    assert shorter is not None
    assert shorter.changes == {"n_layers": 1, "batch_size": 1, "sequence_length": 256}
    assert fewer_words is not None
    assert fewer_words.changes == {"n_layers": 1, "vocab_size": 10240}


def test_fewer_heads_are_as_wide_as_before_and_everything_else_is_narrower_by_the_same_share() -> None:
    llama = next(preset for preset in PRESETS if preset.name == "llama-3-8b")
    way = largest_sibling(llama.model, llama.run, Room(250 * MIB))
    assert way is not None
    small, share = way.model, way.model.n_heads / llama.model.n_heads
    assert share < 1
    assert small.head_width == llama.model.head_width
    assert small.hidden_dim == int(llama.model.feed_forward_dim * share)
    assert small.n_heads % small.kv_heads == 0


@pytest.mark.parametrize("budget", [120 * MIB, 400 * MIB, 2048 * MIB])
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_has_a_sibling_on_the_smallest_server(preset: Preset, budget: int) -> None:
    if peak(preset.model, preset.run) > budget:
        way = largest_sibling(preset.model, preset.run, Room(budget))
        assert way is not None
        assert peak(way.model, way.run) == way.peak_bytes <= budget
        assert way.peak_bytes > budget / 2, "it is far from the largest"


@given(st.one_of(model_configs(), modern_models()), st.floats(0.05, 1.5))
def test_a_sibling_fits_is_smaller_and_of_the_same_recipe(model: ModelConfig, share: float) -> None:
    run = RunConfig(batch_size=3, sequence_length=model.context_length)
    budget = int(share * peak(model, run))
    way = largest_sibling(model, run, Room(budget))
    if way is None:
        return
    assert peak(way.model, way.run) == way.peak_bytes <= budget
    assert (way.model, way.run) == apply(model, run, way.changes)
    assert smaller_by(model, run, way.model, way.run) == way.changes


def test_where_not_even_the_smallest_fits_there_is_none() -> None:
    assert largest_sibling(BOOK, RUN, Room(1000)) is None


@pytest.mark.parametrize(
    ("model", "run"),
    [(BOOK, RUN), (replace(BOOK, n_layers=13), RUN), (replace(BOOK, qkv_bias=True, n_layers=4), RUN)],
    ids=["the same", "larger", "of another kind"],
)
def test_what_is_no_smaller_sibling(model: ModelConfig, run: RunConfig) -> None:
    assert smaller_by(BOOK, RUN, model, run) is None


def test_where_time_is_short_a_step_of_few_flops_is_found() -> None:
    run = replace(RUN, accumulation=8)
    way = largest_sibling(BOOK, run, Room(100 * 1024**3, 5 * 10**10))
    assert way is not None
    assert 4 * 10**10 < step_flops(way.model, way.run) <= 5 * 10**10
    assert way.changes == {"n_layers": 3, "accumulation": 1, "batch_size": 1, "sequence_length": 128}
    assert Room(2**60, 10**18).has(BOOK, run)
    assert not Room(2**60, 10**9).has(BOOK, run)
