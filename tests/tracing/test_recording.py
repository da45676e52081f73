"""A step on fake tensors against the same step on real ones, and against what the allocator really did."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig, choices, replace
from llm_explorer.measure.memory import tensor_peak_bytes
from llm_explorer.measure.timing import garbage_collection_paused
from llm_explorer.model import build
from llm_explorer.parts import CATEGORIES
from llm_explorer.tracing.gpt import record_step
from llm_explorer.tracing.recording import Recording
from llm_explorer.tracing.routing import balanced_routing
from llm_explorer.tracing.timeline import Timeline
from llm_explorer.training import TrainingStep, random_batch
from tests.there import there
from tests.tracing.recordings import assert_same, traced_pairs
from tests.variants import VARIANTS

MODEL = ModelConfig(vocab_size=3000, context_length=64, emb_dim=96, n_heads=4, n_layers=2)
RUN = RunConfig(batch_size=2)
MIB = 1024**2


@settings(max_examples=6)
@given(traced_pairs(layers=st.integers(1, 4)))
def test_a_fake_step_takes_byte_for_byte_what_the_real_one_takes(configs: tuple[ModelConfig, RunConfig]) -> None:
    assert_same(record_step(*configs), record_step(*configs, fake=False))


EACH_KIND = (
    RunConfig(),
    RunConfig(precision="autocast", attention="materialized", checkpointing=True, optimizer="none"),
    RunConfig(precision="bfloat16", loss_chunk=17, optimizer="none"),
    RunConfig(precision="autocast", loss_chunk=17, sequence_length=6, optimizer="sgd"),
    RunConfig(attention="materialized", optimizer="none"),
)


@pytest.mark.parametrize(("place", "name"), [*enumerate(VARIANTS)], ids=VARIANTS)
def test_so_does_a_step_of_each_block_variant(place: int, name: str) -> None:
    model, run = replace(VARIANTS[name], drop_rate=0.1 * (place % 2)), EACH_KIND[place % len(EACH_KIND)]
    with balanced_routing():  # the one thing that fake tensors cannot know
        real = record_step(model, run, fake=False)
    assert_same(record_step(model, run), real)


@pytest.mark.parametrize("name", ["llama", "gemma2", "olmo2", "mixtral"])
def test_the_recorded_peak_of_a_variant_is_the_allocators(name: str) -> None:
    large = {"vocab_size": 3000, "context_length": 64, "emb_dim": 96, "n_layers": 2, "hidden_dim": 256}
    model = replace(VARIANTS[name], **large)
    with balanced_routing():
        assert recorded_peak(model, RUN) == pytest.approx(allocated(model, RUN), rel=0.001)


def test_new_modules_belong_to_the_parts_they_are_of() -> None:
    saved = {name: record_step(VARIANTS[name], RUN).saved for name in ("llama", "olmo2", "mixtral", "mistral")}
    tokens, layers = 2 * 32, 2
    # each RMSNorm: its input over its size, one size a vector, and its output, which linears keep
    assert saved["llama"]["norms"] == 4 * tokens * (2 * layers + 1) * (48 + 1 + 48)
    # those after attention and MLP, of queries and of keys: their output goes on to what keeps nothing of it
    assert saved["olmo2"]["norms"] == 4 * tokens * (layers * (2 * (48 + 1) + (48 + 1) + (24 + 1)) + 48 + 1 + 48)
    assert saved["mixtral"]["norms"] == saved["llama"]["norms"]
    assert saved["mixtral"]["feed-forward"] > saved["llama"]["feed-forward"]
    # one mask for all layers
    assert saved["mistral"]["attention"] == saved["llama"]["attention"] + 4 * 32 * 32


def allocated(model: ModelConfig, run: RunConfig) -> int:
    """The peak by the profiler's memory events: it sees scratch space inside kernels too."""
    step, batches = TrainingStep(build(model, run), run), [random_batch(model, run)] * run.accumulation
    step(batches)
    with garbage_collection_paused():  # what tests before left in cycles would be let go in the midst of the step
        return there(tensor_peak_bytes(step, batches))


def recorded_peak(model: ModelConfig, run: RunConfig) -> int:
    return int(Timeline(record_step(model, run)).peak()["peak_bytes"])


# each of the choices that changes what is alive, once or more, at sizes where bf16's scratch space does not show
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer_implementation": "foreach", "tie_embeddings": True},
        {"optimizer_implementation": "for_loop", "accumulation": 3},
        {"precision": "autocast", "tie_embeddings": True},  # tied under autocast: 13% off without in-place additions
        {"precision": "autocast", "checkpointing": True, "drop_rate": 0.0},
        {"precision": "autocast", "accumulation": 3, "attention": "materialized"},
        {"precision": "bfloat16", "optimizer_implementation": "foreach"},
        {"precision": "bfloat16_master", "tie_embeddings": True, "accumulation": 3},
        {"precision": "bfloat16_master", "optimizer_implementation": "for_loop", "loss_chunk": 50},
        {"optimizer": "none", "attention": "materialized", "checkpointing": True},
        {"optimizer": "sgd", "loss_chunk": 50, "tie_embeddings": True},
    ],
    ids=str,
)
def test_the_recorded_peak_is_the_allocators(changes: dict[str, Any]) -> None:
    model = replace(MODEL, **{name: value for name, value in changes.items() if name in ModelConfig.model_fields})
    run = replace(RUN, **{name: value for name, value in changes.items() if name in RunConfig.model_fields})
    # oneDNN packs bf16 matrices into scratch space of its own, at most 0.2 MB here
    within = 0.001 if run.precision == "float32" else 0.01
    assert recorded_peak(model, run) == pytest.approx(allocated(model, run), rel=within)


def test_checkpointings_random_states_are_in_the_peak_and_in_what_is_kept() -> None:
    recording = record_step(MODEL, replace(RUN, checkpointing=True))
    assert recording.saved["random states"] == MODEL.n_layers * 5056


def first_of(recording: Recording, phase: str) -> dict[str, int]:
    """Bytes by category at the first operation of a phase."""
    section = next(section for section in recording.sections if section.phase == phase and section.length)
    return dict(zip(CATEGORIES, section.alive[0].tolist(), strict=True))


@pytest.mark.parametrize(
    ("precision", "weights", "gradients", "states"),
    [("float32", 4, 4, 8), ("autocast", 4, 4, 8), ("bfloat16", 2, 2, 4), ("bfloat16_master", 2, 2, 12)],
)
def test_the_categories_are_the_recipes_bytes_a_parameter(
    precision: Any, weights: int, gradients: int, states: int
) -> None:
    recording, parameters = record_step(MODEL, replace(RUN, precision=precision)), count_parameters(MODEL).total
    tensors = 2 + 2 * 11 + 3  # embeddings, 11 a block without qkv bias, final norm and head: a 4-byte step count each
    start = first_of(recording, "forward")
    assert start["parameters"] == weights * parameters
    assert start["gradients"] == 0
    assert start["optimizer state"] == states * parameters + 4 * tensors
    assert start["batch"] == 2 * 8 * 2 * 64
    # masters' gradients turn to fp32 one after the other; the first new one stands beside all old ones
    before_update = first_of(recording, "optimizer")["gradients"]
    first_master = 4 * 3000 * 96 if precision == "bfloat16_master" else 0
    assert before_update == gradients * parameters + first_master


def test_what_forward_keeps_is_the_loss_and_each_parts_own_tensors() -> None:
    model, run = replace(MODEL, drop_rate=0.0, n_layers=1), replace(RUN, optimizer="none")
    saved, tokens = record_step(model, run).saved, 2 * 64
    of_one = 4 * tokens * 96  # B T D in fp32
    assert saved == {
        "embeddings": of_one + 8 * 64,  # the sum, which the first norm keeps, and the position ids
        "norms": 3 * (of_one + 2 * 4 * tokens),  # outputs, which the linears keep; means and deviations
        "attention": 4 * of_one + 4 * tokens * 4,  # q, k, v, output; log-sum-exp of each head
        "feed-forward": 2 * 4 * of_one,  # before and after GELU
        "residual stream": 2 * of_one,
        "loss": 4 * tokens * 3000 + 2 * 4,  # log-probabilities; the loss and the count of targets
    }


def test_recording_leaves_torch_as_it_was() -> None:
    rng_state, resize = torch.get_rng_state, torch.UntypedStorage.resize_
    record_step(MODEL, RUN)
    assert (torch.get_rng_state, torch.UntypedStorage.resize_) == (rng_state, resize)
    assert type(torch.zeros(1)) is torch.Tensor


@pytest.mark.parametrize("implementation", choices("optimizer_implementation"))
def test_the_state_made_by_hand_is_that_of_a_real_first_step(implementation: Any) -> None:
    run = replace(RUN, optimizer_implementation=implementation, precision="bfloat16_master")
    fake, real = (first_of(record_step(MODEL, run, fake=fake), "forward") for fake in (True, False))
    assert fake == real
