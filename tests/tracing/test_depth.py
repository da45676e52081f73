"""Depth, micro-batches and chunks of the loss: what is said of them from a few against the full trace."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.tracing import depth, trace
from llm_explorer.tracing.chunks import few_chunks
from llm_explorer.tracing.depth import UnlikeBlocksError, at_depth
from llm_explorer.tracing.gpt import TraceableGPT, record_step
from llm_explorer.tracing.micro_batches import with_micro_batches
from llm_explorer.tracing.recording import Recording, Section, record
from llm_explorer.tracing.timeline import Timeline
from llm_explorer.tracing.traceable import Traceable
from llm_explorer.tracing.tracker import Operation
from tests.tracing.recordings import assert_same, traced_pairs
from tests.variants import VARIANTS

MODEL = ModelConfig(vocab_size=300, context_length=32, emb_dim=32, n_heads=4, n_layers=7)


def at_two_depths(model: ModelConfig, run: RunConfig) -> tuple[Recording, Recording]:
    shallow, deep = (record_step(replace(model, n_layers=layers), run) for layers in (3, 4))
    return shallow, deep


@settings(max_examples=4)
@given(traced_pairs(layers=st.integers(6, 24)))
def test_any_depth_from_two_small_ones_is_byte_for_byte_the_full_trace(configs: tuple[ModelConfig, RunConfig]) -> None:
    model, run = configs
    assert_same(at_depth(*at_two_depths(model, run), model.n_layers), record_step(model, run))


# a peak in each place that grows with depth in its own way: the first and the last block, the optimizer's loops
@pytest.mark.parametrize(
    "run",
    [
        RunConfig(optimizer="sgd", checkpointing=True),
        RunConfig(optimizer_implementation="foreach", batch_size=1, sequence_length=1),
        RunConfig(optimizer_implementation="for_loop", precision="bfloat16_master", batch_size=1, sequence_length=1),
        RunConfig(precision="autocast", accumulation=3, attention="materialized"),
    ],
    ids=["checkpointing", "foreach", "masters", "autocast"],
)
def test_a_depth_of_19_is_exact_in_each_kind_of_step(run: RunConfig) -> None:
    model = replace(MODEL, n_layers=19, tie_embeddings=True)
    assert_same(at_depth(*at_two_depths(model, run), 19), record_step(model, run))


@pytest.mark.parametrize(
    ("name", "layers", "run", "traced"),
    [
        # 11 layers: five times one with a window and one without, and one more
        ("gemma2", 11, RunConfig(optimizer="none"), [7, 9]),
        ("mixtral", 6, RunConfig(optimizer_implementation="foreach"), [3, 4]),
        ("olmo2", 6, RunConfig(precision="autocast", optimizer="sgd", checkpointing=True), [3, 4]),
    ],
    ids=["gemma2", "mixtral", "olmo2"],
)
def test_a_deeper_variant_is_exact_too(name: str, layers: int, run: RunConfig, traced: list[int]) -> None:
    model = replace(VARIANTS[name], n_layers=layers)
    recording_, traced_depths = trace.record_from_few(TraceableGPT(model, run))
    assert traced_depths == traced
    assert_same(recording_, record_step(model, run))


def depths(model: ModelConfig, **run: Any) -> depth.Depths | None:
    return depth.depths(model.n_layers, TraceableGPT(model, RunConfig(**run)).period)


def test_a_pattern_of_windows_is_one_block() -> None:
    gemma3 = ModelConfig(n_layers=62, sliding_window=128, full_attention_every=6)
    assert depths(gemma3) == (20, 26, 10)
    assert depths(gemma3, sequence_length=128) == (3, 4, 62)
    assert depths(replace(gemma3, n_layers=26)) is None  # those 26 would be traced either way
    assert depths(replace(gemma3, full_attention_every=63)) == (3, 4, 62)


def test_blocks_left_out_of_a_very_deep_model_change_neither_peak_nor_length(monkeypatch: pytest.MonkeyPatch) -> None:
    two, run = at_two_depths(MODEL, RunConfig()), RunConfig()
    all_blocks = Timeline(at_depth(*two, 50))
    monkeypatch.setattr(depth, "KEPT_BLOCKS", 9)
    some_blocks = Timeline(at_depth(*two, 50))
    assert some_blocks.peak() == all_blocks.peak()
    assert some_blocks.length == all_blocks.length == Timeline(record_step(replace(MODEL, n_layers=50), run)).length


def section(*bytes_alive: int) -> Section:
    """One operation of the same name for each number of bytes, all in one category."""
    alive = np.array(bytes_alive, np.int64)[:, None] * np.array([1, 0, 0, 0, 0, 0])
    operations = [Operation("aten.mm.default", "attention")] * len(bytes_alive)
    return Section("forward", operations, alive, np.arange(len(bytes_alive)), len(bytes_alive))


def recording(one: Section) -> Recording:
    return Recording([one], {}, 4)


def test_blocks_that_grow_alike_are_continued() -> None:
    deep = at_depth(recording(section(10, 11, 13, 14)), recording(section(10, 11, 13, 15, 16)), 6)
    assert deep.sections[0].alive[:, 0].tolist() == [10, 11, 13, 15, 17, 19, 20]
    assert deep.sections[0].places.tolist() == list(range(7))


@pytest.mark.parametrize(
    ("shallow", "deep"),
    [
        ((10, 12, 14), (10, 12, 14, 17)),  # the last of them
        ((10, 12, 14), (10, 13, 15, 17)),  # all but the first differ with the depth
    ],
)
def test_blocks_that_do_not_grow_alike_are_not_continued(shallow: tuple[int, ...], deep: tuple[int, ...]) -> None:
    with pytest.raises(UnlikeBlocksError):
        at_depth(recording(section(*shallow)), recording(section(*deep)), 6)


def test_where_depth_tells_nothing_all_layers_are_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    model, run = replace(MODEL, vocab_size=301), RunConfig()
    usual = trace.record_from_few(TraceableGPT(model, run))

    def unlike(*_: object) -> Recording:
        raise UnlikeBlocksError

    monkeypatch.setattr(trace, "at_depth", unlike)
    full = trace.record_from_few(TraceableGPT(model, run))
    assert (usual[1], full[1]) == ([3, 4], [7])
    assert_same(usual[0], full[0])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("optimizer", ["adamw", "none"])
def test_seven_micro_batches_from_three_are_exact(precision: Any, optimizer: Any) -> None:
    model, run = replace(MODEL, n_layers=2), RunConfig(precision=precision, optimizer=optimizer, accumulation=7)
    full = record_step(model, run)
    of_three = with_micro_batches(record_step(model, replace(run, accumulation=3)), 7)
    assert_same(of_three, full._replace(sections=full.sections[:4] + full.sections[12:]))
    # those that are left out lie between: the last one's bytes, less a loss for each that comes after
    for later, section_ in enumerate(reversed(full.sections[4:14:2])):
        np.testing.assert_array_equal(
            section_.alive.sum(1), of_three.sections[4].alive.sum(1) - later * full.loss_bytes
        )
    assert Timeline(of_three).peak() == Timeline(full).peak()


def test_forty_micro_batches_run_three(monkeypatch: pytest.MonkeyPatch) -> None:
    run_with: list[int] = []

    def counted(model: Traceable, n_layers: int, accumulation: int) -> Recording:
        run_with.append(accumulation)
        return record(model, n_layers, accumulation)

    monkeypatch.setattr(trace, "record", counted)
    trace.record_from_few(TraceableGPT(MODEL, RunConfig(accumulation=40)))
    assert run_with == [3, 3]


# 64 positions: many chunks and a smaller last one, three, two and one
@pytest.mark.parametrize(("size", "left_out"), [(5, 10), (22, 0), (32, 0), (64, 0), (100, 0)])
@pytest.mark.parametrize("precision", ["float32", "autocast"])
def test_a_loss_in_few_chunks_takes_the_memory_of_all(precision: Any, size: int, left_out: int) -> None:
    run = RunConfig(batch_size=2, precision=precision, loss_chunk=size, accumulation=2)
    model = replace(MODEL, n_layers=1, vocab_size=3000)  # so that the peak is in a chunk
    full = record_step(model, run)
    with few_chunks():
        few = record_step(model, run)
    assert few.saved == full.saved
    assert Timeline(few).peak() == Timeline(full).peak()
    for one, other in zip(few.sections, full.sections, strict=True):
        missing = other.length - one.length
        assert missing % 10 == 0 if left_out and one.phase == "forward" else missing == 0
        assert {*map(tuple, one.alive)} == {*map(tuple, other.alive)}  # the states that memory goes through
