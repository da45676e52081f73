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


def container(root: Path, limit: str, usage: int, cache: int, version: int) -> Path:
    names = {1: ("memory.limit_in_bytes", "memory.usage_in_bytes"), 2: ("memory.max", "memory.current")}[version]
    folder = root / "memory" if version == 1 else root
    folder.mkdir(exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{usage}\n")
    prefix = "total_" if version == 1 else ""
    (folder / "memory.stat").write_text(f"anon 5\n{prefix}inactive_file {cache}\n")
    return root


@pytest.mark.parametrize("version", [1, 2])
def test_free_memory_is_the_containers_when_that_is_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    monkeypatch.setattr(machine, "_CGROUP", container(tmp_path, "1000", 700, 200, version))
    assert machine.free_bytes() == 1000 - 700 + 200  # the file cache is given up on demand


def test_a_container_over_its_limit_has_nothing_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_CGROUP", container(tmp_path, "1000", 1200, 0, 2))
    assert machine.free_bytes() == 0


@pytest.mark.parametrize("limit", ["max", str(2**63 - 4096)])  # no limit: version 2, version 1
def test_without_a_limit_free_memory_is_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    class System:
        available = 4321

    monkeypatch.setattr(psutil, "virtual_memory", System)
    monkeypatch.setattr(machine, "_CGROUP", container(tmp_path, limit, 700, 0, 2))
    assert machine.free_bytes() == 4321
    monkeypatch.setattr(machine, "_CGROUP", tmp_path / "absent")
    assert machine.free_bytes() == 4321


def test_in_one_reading_free_memory_stays_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    class System:
        left = 4321

        @property
        def available(self) -> int:
            System.left -= 1
            return System.left

    monkeypatch.setattr(psutil, "virtual_memory", System)
    assert machine.free_bytes() > machine.free_bytes()
    with machine.one_reading():
        assert machine.free_bytes() == machine.free_bytes()
    assert machine.free_bytes() > machine.free_bytes()
