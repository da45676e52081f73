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
    assert row.memory_bytes == 24 * 1024**3
    assert row.bandwidth_bytes_per_s is None


def test_an_unknown_name_has_no_row() -> None:
    assert hardware.find("h1000") is None
