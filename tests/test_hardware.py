from pathlib import Path

import psutil
import pytest

from llm_explorer import hardware
from llm_explorer.hardware import ACCELERATORS, Hardware
from llm_explorer.units import parse_size

DTYPES = {"float32", "tensorfloat32", "bfloat16", "float16"}


@pytest.mark.parametrize("row", ACCELERATORS, ids=lambda row: row.name)
def test_every_row_is_sourced_dated_and_in_base_units(row: Hardware) -> None:
    assert row.title
    assert "https://" in row.source
    assert row.date == "2026-11-23"
    assert set(row.peak_flops) == DTYPES
    assert row.memory_bytes is not None
    assert row.bandwidth_bytes_per_s is not None
    assert 8 * 1024**3 < row.memory_bytes < 256 * 1024**3
    assert 1e11 <= row.bandwidth_bytes_per_s <= 1e13
    assert all(peak is None or 1e12 < peak < 1e16 for peak in row.peak_flops.values())


@pytest.mark.parametrize("row", ACCELERATORS, ids=lambda row: row.name)
def test_the_driver_reports_at_most_two_percent_above_and_seven_below_the_gb_of_the_name(row: Hardware) -> None:
    gigabytes = int(row.name.rsplit("-", 1)[1].removesuffix("gb"))
    assert row.memory_bytes is not None
    # GDDR6 cards with error correction keep 1/16 back
    assert 0.93 <= row.memory_bytes / (gigabytes * 1024**3) <= 1.02


@pytest.mark.parametrize("row", ACCELERATORS, ids=lambda row: row.name)
def test_a_shorter_format_is_never_slower(row: Hardware) -> None:
    rates = [row.peak_flops[name] for name in ("float32", "tensorfloat32", "bfloat16", "float16")]
    known = [rate for rate in rates if rate is not None]
    assert known == sorted(known)


# dense bf16 TFLOP/s on which torchtitan (tools/utils.py, get_peak_flops) and nanochat (common.py) agree,
# their rounding to 3 digits
@pytest.mark.parametrize(
    ("name", "tflops"),
    [
        ("a100-40gb", 312),
        ("a100-80gb", 312),
        ("h100-80gb", 989),
        ("h100-pcie-80gb", 756),
        ("h200-141gb", 989),
        ("b200-180gb", 2250),
        ("l40s-48gb", 362),
        ("l4-24gb", 121),
        ("rtx-4090-24gb", 165.2),
        ("rtx-3090-24gb", 71),
        ("rtx-5090-32gb", 209.5),
        ("mi300x-192gb", 1307),
    ],
)
def test_bfloat16_peaks_are_dense(name: str, tflops: float) -> None:
    row = hardware.find(name)
    assert row is not None
    assert row.peak_flops["bfloat16"] == pytest.approx(tflops * 1e12, rel=0.001)


def test_what_a_device_lacks_or_its_maker_keeps_quiet_is_unknown() -> None:
    rows = {row.name: row for row in ACCELERATORS}
    assert rows["t4-16gb"].peak_flops["bfloat16"] is None  # Turing has no bfloat16
    assert rows["v100-32gb"].peak_flops["tensorfloat32"] is None
    assert set(rows["macbook-m4-pro-24gb"].peak_flops.values()) == {None}


def test_names_are_unique_slugs_that_are_no_sizes() -> None:
    names = hardware.names()
    assert names[0] == "this machine"
    assert len(set(names)) == len(names)
    assert not any(parse_size(name) for name in names)
    assert all(name == name.lower() and " " not in name for name in names[1:])


def test_a_typed_size_is_a_hardware_of_that_memory() -> None:
    row = hardware.find("24GiB")
    assert row is not None
    assert row.memory_bytes == hardware.budget_bytes("24GiB") == 24 * 1024**3
    assert row.bandwidth_bytes_per_s is None


def test_an_unknown_name_has_no_row_and_no_budget() -> None:
    assert hardware.find("h1000") is None
    assert hardware.budget_bytes("h1000") is None


def test_the_budget_of_this_machine_is_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "free_bytes", lambda: 123)
    assert hardware.budget_bytes("this machine") == 123
    assert hardware.budget_bytes("t4-16gb") == 15_360 * 1024**2  # the total of nvidia-smi


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
    monkeypatch.setattr(hardware, "_CGROUP", container(tmp_path, "1000", 700, 200, version))
    assert hardware.free_bytes() == 1000 - 700 + 200  # the file cache is given up on demand


def test_a_container_over_its_limit_has_nothing_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_CGROUP", container(tmp_path, "1000", 1200, 0, 2))
    assert hardware.free_bytes() == 0


@pytest.mark.parametrize("limit", ["max", str(2**63 - 4096)])  # no limit: version 2, version 1
def test_without_a_limit_free_memory_is_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    class System:
        available = 4321

    monkeypatch.setattr(psutil, "virtual_memory", System)
    monkeypatch.setattr(hardware, "_CGROUP", container(tmp_path, limit, 700, 0, 2))
    assert hardware.free_bytes() == 4321
    monkeypatch.setattr(hardware, "_CGROUP", tmp_path / "absent")
    assert hardware.free_bytes() == 4321


def test_in_one_reading_free_memory_stays_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    class System:
        left = 4321

        @property
        def available(self) -> int:
            System.left -= 1
            return System.left

    monkeypatch.setattr(psutil, "virtual_memory", System)
    assert hardware.free_bytes() > hardware.free_bytes()
    with hardware.one_reading():
        assert hardware.free_bytes() == hardware.free_bytes()
    assert hardware.free_bytes() > hardware.free_bytes()
