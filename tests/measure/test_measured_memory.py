import subprocess
import sys
from typing import Any

import psutil
import pytest
import torch

from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure import memory
from llm_explorer.model import build
from llm_explorer.training import TrainingStep, random_batch

MODEL = ModelConfig(vocab_size=1000, context_length=64, emb_dim=64, n_heads=4, n_layers=2)
RUN = RunConfig(batch_size=2)


def warm_step(model: ModelConfig, run: RunConfig) -> tuple[TrainingStep, list[Any]]:
    step, batches = TrainingStep(build(model, run), run), [random_batch(model, run)] * run.accumulation
    step(batches)
    return step, batches


def test_the_peak_of_two_tensors_and_a_third_that_comes_later_is_counted_by_hand() -> None:
    def work() -> None:
        first = torch.empty(1000)  # 4,000 bytes
        second = torch.empty(1000)  # 8,000
        del first
        _ = second, torch.empty(1000)  # 8,000 again, not 12,000

    assert memory.added_peak_bytes(work) == 8000


def test_storage_that_several_tensors_share_counts_once() -> None:
    whole = torch.zeros(10, 10)
    assert memory.storage_bytes([whole, whole[2:], whole.T, torch.zeros(5)]) == 400 + 20


# Bytes alive between steps, by hand from training.py's table: P parameters in K tensors (AdamW counts its steps in a
# 4-byte scalar each), tokens and targets of 8 bytes.
@pytest.mark.parametrize(
    ("changes", "per_parameter", "per_tensor"),
    [
        ({"optimizer": "sgd"}, 4, 0),
        ({"optimizer": "none"}, 4, 0),
        ({"optimizer": "adamw"}, 4 + 8, 4),
        ({"precision": "bfloat16"}, 2 + 4, 4),
        ({"precision": "bfloat16_master"}, 2 + 12, 4),
        ({"precision": "autocast", "accumulation": 3}, 4 + 8, 4),
    ],
)
def test_what_is_alive_between_steps_is_weights_optimizer_and_batch(
    changes: dict[str, Any], per_parameter: int, per_tensor: int
) -> None:
    step, batches = warm_step(MODEL, replace(RUN, **changes))
    tensors = len(list(step.gpt.parameters()))
    expected = per_parameter * count_parameters(MODEL).total + per_tensor * tensors + 2 * 8 * 2 * 64
    assert memory.storage_bytes(memory._alive_between_steps(step, batches)) == expected


def test_tied_weights_are_alive_once() -> None:
    tied = replace(MODEL, tie_embeddings=True)
    alive = [memory.storage_bytes(memory._alive_between_steps(*warm_step(model, RUN))) for model in (MODEL, tied)]
    assert alive[0] - alive[1] == 12 * 1000 * 64 + 4  # weight and two moments of V D, one step count


def test_the_peak_of_a_model_that_is_nearly_all_logits_is_counted_by_hand() -> None:
    model = ModelConfig(vocab_size=20_000, context_length=64, emb_dim=1, n_heads=1, n_layers=1, drop_rate=0.0)
    step, batches = warm_step(model, replace(RUN, optimizer="sgd"))
    logits = 4 * 2 * 64 * 20_000
    # at the start of backward: the log-probabilities (kept), their gradient and the logits' gradient; the logits
    # themselves have gone after the softmax was taken
    assert memory.tensor_peak_bytes(step, batches) == pytest.approx(3 * logits, rel=0.02)


@pytest.mark.parametrize("precision", ["float32", "autocast", "bfloat16", "bfloat16_master"])
def test_the_measured_peak_is_the_computed_one_within_five_percent(precision: Any) -> None:
    run = replace(RUN, precision=precision)
    peak = memory.tensor_peak_bytes(*warm_step(MODEL, run))
    assert peak == pytest.approx(count_memory(MODEL, run, "cpu").peak_bytes, rel=0.05)


def test_measuring_the_peak_leaves_the_step_as_it_was() -> None:
    step, batches = warm_step(MODEL, RUN)
    assert memory.tensor_peak_bytes(step, batches) == memory.tensor_peak_bytes(step, batches)


def test_a_device_that_cannot_tell_its_peak_gives_unknown() -> None:
    run = replace(RUN, device="meta")
    step, batches = TrainingStep(build(MODEL, run), run), [random_batch(MODEL, run)]
    assert memory.tensor_peak_bytes(step, batches) is None


def test_a_cuda_workspace_is_what_the_first_products_add_and_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that is not here: its tensors are the CPU's, and its first product takes 8 MiB that stay."""
    ones, mm, taken = torch.ones, torch.mm, [0]

    def first_product(*operands: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        taken[0] = 8 * 1024**2
        return mm(*operands, out=out)

    monkeypatch.setattr(torch, "ones", lambda *size, device, dtype: ones(*size, dtype=dtype))
    monkeypatch.setattr(torch, "mm", first_product)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 1000 + taken[0])
    monkeypatch.setattr(memory, "_workspaces", {})
    assert memory.workspace_bytes("cuda:0", torch.bfloat16) == 8 * 1024**2
    assert memory.workspace_bytes("cuda:0", torch.float32) == 8 * 1024**2  # not 0, though nothing is added now
    assert memory.workspace_bytes("cpu", torch.float32) is None


BEYOND_THE_LIMIT = """
import sys
import torch
from llm_explorer.measure.memory import limited_memory
refused = ""
try:
    with limited_memory(100 * 1024**2):
        torch.empty(10**8)
except RuntimeError as error:
    refused = str(error)
assert ("DefaultCPUAllocator" in refused) == (sys.platform == "linux"), refused  # alone in enforcing RLIMIT_DATA
assert torch.empty(10**8).nbytes == 4 * 10**8  # never touched, so it takes no memory
"""


def test_a_limit_ends_in_an_error_and_holds_no_longer_than_the_block() -> None:
    # in a process of its own, as in the app: what other tests left here is given back at any moment, and makes room
    subprocess.run([sys.executable, "-c", BEYOND_THE_LIMIT], check=True, timeout=300)


def test_the_process_peak_is_of_the_past_and_stays_when_memory_is_given_back() -> None:
    room = memory.process_peak_bytes() - psutil.Process().memory_info().rss
    block = bytearray(room + 100 * 1024**2)
    high = memory.process_peak_bytes()
    assert high >= room + 100 * 1024**2
    del block
    assert memory.process_peak_bytes() >= high - 1024**2  # the kernel counts pages in batches a processor
