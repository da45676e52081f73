"""The devices that torch finds on this machine."""

from collections.abc import Callable
from typing import Final

import torch

from llm_explorer.machine import processor_name

META_TITLE: Final = "counts only, no memory"


def available_devices() -> dict[str, str]:
    """Names a RunConfig takes, each with what it is: {'cpu': 'AMD EPYC', 'meta': 'counts only, no memory'}."""
    found = {"cpu": processor_name()}
    if torch.cuda.is_available():
        found |= {f"cuda:{n}": torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())}
    if torch.backends.mps.is_available():
        found["mps"] = f"{processor_name()} GPU"
    return found | {"meta": META_TITLE}


def find_device(name: str) -> str | None:
    """The name as it is listed ('cuda' is 'cuda:0'), None when it is not there."""
    listed = "cuda:0" if name == "cuda" else name
    return listed if listed in available_devices() else None


def absence(name: str) -> str | None:
    """The sentence on a device that is not there, None where it is."""
    if find_device(name) is not None:
        return None
    return f"{name} is not on this machine; there are {', '.join(available_devices())}"


def synchronizer(device: str) -> Callable[[], None]:
    """What waits until the device has done its work; a CPU's is done when its call returns."""
    if device.startswith("cuda"):
        return lambda: torch.cuda.synchronize(device)
    if device == "mps":
        return torch.mps.synchronize
    return lambda: None


def free_device_bytes(device: str) -> int | None:
    """Free memory of a CUDA device; None for the others, which the server judges before it starts anything."""
    return torch.cuda.mem_get_info(device)[0] if device.startswith("cuda") else None
