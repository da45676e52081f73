"""The contract with torch: each private name that the app stands on is there, and without it the rest goes on."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from llm_explorer import torch_private
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.lessons.autograd import graph as autograd_graph
from llm_explorer.measure.bf16_on_old_cpus import are_own, fast_products
from llm_explorer.measure.measurement import measure
from llm_explorer.measure.memory import added_peak_bytes
from llm_explorer.tracing.trace import trace
from llm_explorer.worker.child import question
from llm_explorer.worker.child.job import JobError

MODEL, RUN = ModelConfig(vocab_size=50, context_length=8, emb_dim=8, n_heads=2, n_layers=1), RunConfig(batch_size=1)
ALL_NAMES = torch_private.TRACING + torch_private.KERNELS + torch_private.MEMORY_EVENTS


class Without:
    """A module or a class of torch as it is, but for one dotted name below it."""

    def __init__(self, whole: Any, name: str) -> None:
        self._whole, (self._first, _, self._rest) = whole, name.partition(".")

    def __getattr__(self, name: str) -> Any:
        if name == self._first and not self._rest:
            raise AttributeError(name)
        found = getattr(self._whole, name)
        return Without(found, self._rest) if name == self._first else found


@pytest.fixture
def torch_lacks(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Takes one name from the torch that torch_private looks into."""
    return lambda name: monkeypatch.setattr(torch_private, "torch", Without(torch, name.removeprefix("torch.")))


@pytest.mark.parametrize("name", ALL_NAMES)
def test_torch_has_each_private_name(name: str) -> None:
    assert torch_private.first_missing((name,)) is None


def test_a_name_that_torch_does_not_have_is_missed() -> None:
    assert torch_private.first_missing(("torch.Tensor._use_count", "torch.Tensor._no")) == "torch.Tensor._no"


@pytest.mark.parametrize("name", torch_private.TRACING)
def test_without_it_the_traced_tier_says_so_and_a_measurement_goes_on(
    name: str, torch_lacks: Callable[[str], None]
) -> None:
    torch_lacks(name)
    sentence = f"not available with this torch ({torch.__version__}): it has no {name}"
    job = {"model": MODEL.model_dump(), "run": RUN.model_dump()}
    with pytest.raises(JobError) as told:
        question.trace(job, lambda _: None)
    with pytest.raises(ValueError) as refused:
        trace(MODEL, RUN)
    assert str(told.value) == str(refused.value) == sentence
    assert measure(MODEL, RUN, budget_s=0.1, report=lambda *_: None).status == "ok"


def test_another_version_is_not_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert torch_private.why_not() is None
    monkeypatch.setattr(torch, "__version__", "2.14.0+cpu")
    assert torch_private.why_not() == "not available with this torch (2.14.0+cpu): verified only with 2.13.x"


@pytest.mark.parametrize("name", torch_private.KERNELS)
def test_without_it_torch_multiplies_with_its_own_kernels(
    name: str, torch_lacks: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    with fast_products("bfloat16", "cpu"):
        assert are_own()
    torch_lacks(name)
    with fast_products("bfloat16", "cpu"):
        assert not are_own()


@pytest.mark.parametrize("name", torch_private.MEMORY_EVENTS)
def test_without_it_the_measured_peak_is_unknown(name: str, torch_lacks: Callable[[str], None]) -> None:
    assert added_peak_bytes(lambda: torch.empty(1000)) == 4000
    torch_lacks(name)
    assert added_peak_bytes(lambda: torch.empty(1000)) is None
    measured = measure(MODEL, RUN, budget_s=0.1, report=lambda *_: None)
    assert (measured.status, measured.peak_bytes) == ("ok", None)


def test_without_the_profilers_results_too(monkeypatch: pytest.MonkeyPatch) -> None:
    profiled = torch.profiler.profile()
    profiled.profiler = None
    assert torch_private.memory_events(profiled) is None


def test_operations_keep_numbers_under_the_prefix_and_without_it_the_lesson_shows_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def kept() -> list[str]:
        nodes = autograd_graph.graph("one neuron", 1.1, 2.2, 0.0, 1.0)["nodes"]
        return [name for node in nodes for name in node["kept"]]

    assert "result" in kept()  # of the sigmoid
    monkeypatch.setattr(torch_private, "SAVED", "_of_another_torch_")
    assert kept() == []
