"""Which kernel set is meant, and how the two differ."""

from typing import Any

import pytest

from llm_explorer.accounting.fit import memory_on_hardware
from llm_explorer.accounting.kernels import KernelSet, kernels_of_device, kernels_of_hardware
from llm_explorer.accounting.memory import count_memory, kept_rows
from llm_explorer.config import ModelConfig, RunConfig, replace

BOOK, RUN = ModelConfig(), RunConfig()
BTNT = 2 * 12 * 256**2  # attention weights of the book's model in RUN, one layer


@pytest.mark.parametrize(
    ("device", "hardware", "runs", "sized"),
    [
        ("cpu", "this machine", "cpu", "cpu"),
        ("cuda:1", "this machine", "cuda", "cuda"),
        ("cpu", "h100-80gb", "cpu", "cuda"),
        ("cpu", "mi300x-192gb", "cpu", "cuda"),
        ("cpu", "24GiB", "cpu", "cpu"),  # a size says nothing of kernels
        ("cuda", "24GiB", "cuda", "cuda"),
        ("mps", "macbook-m4-16gb", "cpu", "cpu"),
        ("meta", "t4-16gb", "cpu", "cuda"),
    ],
)
def test_what_runs_goes_by_the_device_and_what_it_is_sized_for_by_the_hardware(
    device: str, hardware: str, runs: KernelSet, sized: KernelSet
) -> None:
    run = replace(RUN, device=device, hardware=hardware)
    assert (kernels_of_device(device), kernels_of_hardware(run)) == (runs, sized)
    assert memory_on_hardware(BOOK, run) == count_memory(BOOK, run, sized)


def kept(kernels: KernelSet, **changes: Any) -> dict[str, int]:
    """Bytes of each row in one layer."""
    model = replace(BOOK, drop_rate=changes.pop("drop_rate", 0.1))
    return {row.name: row.count for row in kept_rows(model, replace(RUN, **changes), kernels)}


def test_attention_with_dropout_is_fused_on_cuda_alone() -> None:
    assert kept("cpu")["attention weights"] == 4 * BTNT
    cuda = kept("cuda")
    assert "attention weights" not in cuda
    assert cuda["log-sum-exp of scores"] == 4 * 2 * 256 * 12


def test_masks_of_dropout_are_a_byte_a_value_on_cuda() -> None:
    masks = [kept(kernels)["feed-forward output dropout masks"] for kernels in ("cpu", "cuda")]
    assert masks == [4 * 2 * 256 * 768, 2 * 256 * 768]


def test_autocast_of_cuda_has_the_textbooks_softmax_in_fp32() -> None:
    cpu, cuda = (kept(kernels, precision="autocast", attention="materialized") for kernels in ("cpu", "cuda"))
    assert (cpu["attention weights"], cpu["attention weights as multiplied"]) == (2 * BTNT, 2 * BTNT)
    assert (cuda["attention weights"], cuda["attention weights as multiplied"]) == (4 * BTNT, 2 * BTNT)


@pytest.mark.parametrize("drop_rate", [0.0, 0.1])
def test_what_a_product_reads_is_called_the_same_with_fewer_heads_of_keys(drop_rate: float) -> None:
    run = replace(RUN, precision="autocast", attention="materialized")
    for model in (BOOK, replace(BOOK, n_kv_heads=4)):
        names = {row.name for row in kept_rows(replace(model, drop_rate=drop_rate), run, "cuda")}
        assert "attention weights as multiplied" in names
        assert "attention weights in bf16" not in names


def test_random_states_are_in_the_cpus_memory() -> None:
    assert kept("cpu", checkpointing=True)["random states"] == 5056
    assert "random states" not in kept("cuda", checkpointing=True)


def test_without_dropout_and_autocast_there_is_no_difference() -> None:
    model = replace(BOOK, drop_rate=0.0)
    for changes in ({}, {"precision": "bfloat16"}, {"attention": "materialized"}):
        run = replace(RUN, **changes)
        assert count_memory(model, run, "cuda") == count_memory(model, run, "cpu")
