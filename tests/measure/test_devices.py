import pytest
import torch

from llm_explorer.measure import devices


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda n: f"GPU {n}")


def test_cpu_comes_first_and_meta_last(two_gpus: None) -> None:
    names = [name for name in devices.available_devices() if name != "mps"]
    assert names == ["cpu", "cuda:0", "cuda:1", "meta"]


def test_a_device_has_the_name_of_its_maker(two_gpus: None) -> None:
    assert devices.available_devices()["cuda:1"] == "GPU 1"


def test_cuda_alone_means_the_first(two_gpus: None) -> None:
    assert devices.find_device("cuda") == "cuda:0"


def test_a_device_that_is_not_there_is_not_found(two_gpus: None) -> None:
    assert devices.find_device("cuda:2") is None


def test_a_cpu_needs_no_waiting_and_only_cuda_tells_its_free_memory() -> None:
    devices.synchronizer("cpu")()
    assert devices.free_device_bytes("cpu") is None
