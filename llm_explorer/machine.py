"""What this machine is, as far as it can be told without torch: its processor, its threads, the version of torch."""

import contextlib
import platform
import sys
import time
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
