import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch

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


CPUINFO = "processor\t: 0\nflags\t\t: fpu {flags}\n\nprocessor\t: 1\nflags\t\t: fpu {flags}\n"


@pytest.mark.parametrize(
    ("flags", "lacks"),
    [
        ("avx avx2 fma", True),
        ("avx avx2 fma avx512f avx512dq avx512bw avx512vl", False),
        ("avx avx2 fma avx512f", True),  # of Knights Landing: torch takes it for AVX2
        ("avx", False),  # torch multiplies as it does everywhere: not what products.py is for
    ],
)
def test_whether_it_lacks_bf16_is_read_from_its_flags(monkeypatch: pytest.MonkeyPatch, flags: str, lacks: bool) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "read_text", lambda self: CPUINFO.format(flags=flags))
    machine.lacks_bf16.cache_clear()
    assert machine.lacks_bf16() is lacks
    machine.lacks_bf16.cache_clear()


def test_torch_says_the_same_of_this_processor() -> None:
    is_known = sys.platform == "linux"  # elsewhere it is not read
    assert machine.lacks_bf16() is (is_known and torch.backends.cpu.get_cpu_capability() == "AVX2")


def test_the_processor_has_a_name_and_torch_a_version() -> None:
    assert machine.processor_name().strip()
    assert torch.__version__.startswith(machine.torch_version() or "unknown")
