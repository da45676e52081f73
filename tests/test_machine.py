from collections.abc import Iterator

import psutil
import pytest

from llm_explorer import machine


@pytest.fixture
def forgotten() -> Iterator[None]:
    machine.default_threads.cache_clear()
    yield
    machine.default_threads.cache_clear()


@pytest.mark.parametrize(("cores", "threads"), [(8, 7), (2, 1), (1, 1), (None, 1)])
def test_one_core_is_left_to_the_server(
    monkeypatch: pytest.MonkeyPatch, forgotten: None, cores: int | None, threads: int
) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: cores)
    assert machine.default_threads() == threads


def test_the_processor_has_a_name_and_torch_a_version() -> None:
    torch = pytest.importorskip("torch")
    assert machine.processor_name().strip()
    assert torch.__version__.startswith(machine.torch_version())
