"""This machine, as far as it can be told without torch: processor, threads, free memory, the version of torch."""

import contextlib
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import psutil


@lru_cache(maxsize=1)
def processor_name() -> str:
    """The processor's name as its maker writes it, or its architecture: 'AMD EPYC', 'arm64'."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@lru_cache(maxsize=1)
def default_threads() -> int:
    """Physical cores - 1, at least 1: the server needs one, and two busy threads on two cores are 6 times slower."""
    return max(1, (psutil.cpu_count(logical=False) or 1) - 1)


def raise_file_limit() -> None:
    """Let this process open as many files as the system allows it at the most.

    A visit takes four: its connection, and three of the event loop that Streamlit (1.67) gives each session. The usual
    soft limit of 1,024 is reached by about 250 open tabs.
    """
    if sys.platform == "win32":  # it has no such limit
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # macOS allows less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@lru_cache(maxsize=1)
def lacks_bf16() -> bool:
    """Whether torch (2.13) multiplies bf16 in plain loops here: an x86 processor with AVX2 and not all of AVX-512.

    As torch itself decides it, by /proc/cpuinfo of Linux; elsewhere it is not known, and False.
    """
    if sys.platform != "linux":
        return False
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), set())
    return {"avx2", "fma"} <= flags and not {"avx512vl", "avx512bw", "avx512dq"} <= flags


def free_bytes() -> int:
    """Memory this process could still get, the system's or the container's when that is less."""
    return _reading.get()()


@contextlib.contextmanager
def one_reading() -> Iterator[None]:
    """Inside, free memory is read once: it changes all the time, and numbers of one screen are about the same."""
    outside = _reading.set(cache(_free_bytes))
    try:
        yield
    finally:
        _reading.reset(outside)


def _free_bytes() -> int:
    free: int = psutil.virtual_memory().available
    limits = (_cgroup_free(_CGROUP, *files) for files in _CGROUP_FILES)
    return min(free, *(limit for limit in limits if limit is not None), free)


_reading: ContextVar[Callable[[], int]] = ContextVar("_reading", default=_free_bytes)
_CGROUP: Final = Path("/sys/fs/cgroup")
_CGROUP_FILES: Final = (  # of version 2 and of version 1: limit, usage, the line of memory.stat that is file cache
    ("memory.max", "memory.current", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
)


def _cgroup_free(root: Path, limit_file: str, usage_file: str, cache_line: str) -> int | None:
    try:
        limit, usage = (root / limit_file).read_text(), (root / usage_file).read_text()
        statistics = (root / usage_file).with_name("memory.stat").read_text()
    except OSError:
        return None  # no such control group on this system
    if limit.strip() == "max":
        return None
    # the usage counts files the kernel would drop on demand; reading torch alone is hundreds of MB of them
    cache = dict(line.split() for line in statistics.splitlines()).get(cache_line, "0")
    return max(0, int(limit) - int(usage) + int(cache))


def children_bytes() -> int:
    """Memory that the processes started by this one hold, looked at once a second."""
    return _children_bytes(int(time.monotonic()))


@lru_cache(maxsize=1)
def _children_bytes(_second: int) -> int:
    held = 0
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            held += child.memory_info().rss
    return held


@lru_cache(maxsize=1)
def torch_version() -> str | None:
    """The version of torch that is installed, None without it."""
    try:
        return version("torch")
    except PackageNotFoundError:
        return None
