import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer import units


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10.0 K"),
        (163_009_536, "163.0 M"),
        (-7_087_872, "-7.1 M"),
        (999_949, "999.9 K"),
        (999_950, "1.0 M"),
        (174_604_259_328, "174.6 B"),
        (10**15, "1,000.0 T"),
        (None, "unknown"),
    ],
)
def test_counts_are_scaled_by_thousands(value: float | None, text: str) -> None:
    assert units.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.0 KiB"),
        (163_009_536 * 4, "621.8 MiB"),  # the book's own figure, chapter 4: 621.83 MB
        (1024**3 - 1, "1.0 GiB"),
        (24 * 1024**3, "24.0 GiB"),
        (2**60 * 2000, "2,000.0 EiB"),
        (None, "unknown"),
    ],
)
def test_bytes_are_scaled_by_1024(value: float | None, text: str) -> None:
    assert units.byte_size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 µs"),
        (2.5e-6, "2.5 µs"),
        (0.01234, "12.3 ms"),
        (0.9994, "999 ms"),
        (0.99999, "1 s"),
        (1.5, "1.5 s"),
        (999.4, "999 s"),
        (999.99, "1,000 s"),
        (123_456.0, "123,456 s"),
        (None, "unknown"),
    ],
)
def test_seconds_have_three_digits(value: float | None, text: str) -> None:
    assert units.seconds(value) == text


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_seconds_are_never_in_scientific_notation(value: float) -> None:
    assert "e" not in units.seconds(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9.5e9, "301 years"),
        (2 * 365.25 * 86_400, "2 years"),
        (365.25 * 86_400, "365 days"),
        (86_400, "24 hours"),
        (5400, "90 minutes"),
        (120, "2 minutes"),
        (119, "119 s"),
        (0.0197, "19.7 ms"),
        (3.15576e15, "100,000,000 years"),
        (None, "unknown"),
    ],
)
def test_durations_are_told_in_the_largest_unit_of_which_there_are_two(value: float | None, text: str) -> None:
    assert units.duration(value) == text


def test_other_numbers_read_as_people_write_them() -> None:
    assert units.exact(163_009_536) == "163,009,536"
    assert units.flops(291_648_307_200) == "291.6 GFLOP"  # nanoGPT's notebook transformer_sizing: GPT-2 at T=1024
    assert units.relative_change(0.0312) == "+3.1%"
    assert units.relative_change(-0.00001) == "+0.0%"
    assert units.signed("7.1 M") == "+7.1 M"
    assert units.signed("-7.1 M") == "-7.1 M"
    assert units.exact(None) == units.flops(None) == units.relative_change(None) == "unknown"


@pytest.mark.parametrize(
    ("claimed", "true", "text"),
    [
        (98, 98.04, "-0.04%"),
        (98.04, 98, "+0.04%"),
        (98, 100, "-2.0%"),
        (5, 5, "exact"),
        (0, 0, "exact"),
        (1, 0, "not 0"),
        (0, 1, "-100.0%"),
        (100_000_001, 100_000_000, "0.000%"),
        (1e-300, 2e-300, "-50.0%"),
        (None, 1, ""),
        (1, None, ""),
    ],
)
def test_an_error_keeps_a_digit_however_small_it_is(claimed: float | None, true: float | None, text: str) -> None:
    assert units.error(claimed, true) == text


@given(st.integers(1, 10**15), st.integers(1, 10**15))
def test_an_error_is_never_rounded_to_none_with_a_sign(claimed: int, true: int) -> None:
    text, off = units.error(claimed, true), 100 * (claimed - true) / true
    if text in ("exact", "0.000%"):
        assert (claimed == true) == (text == "exact")
        assert abs(off) < 0.0005
    else:
        assert float(text.removesuffix("%")) == pytest.approx(off, rel=0.5, abs=0)
        assert (text[0] == "-") == (claimed < true)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("24GiB", 24 * 1024**3),
        ("24 GB", 24 * 10**9),
        ("1.5gib", 1536 * 1024**2),
        ("512 MiB", 512 * 1024**2),
        ("80B", 80),
    ],
)
def test_a_size_is_read_in_its_own_base(text: str, size: int) -> None:
    assert units.parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "24", "GiB", "0GB", "0.5B", "-1GiB", "1e9GB", "٣GB", "nanGB", "9" * 400 + "GB", "9" * 5000 + "GB"]
)
def test_what_is_no_size_is_none(text: str) -> None:
    assert units.parse_size(text) is None


@given(st.integers(1, 10**15 - 1), st.sampled_from(["B", "KiB", "MiB", "GiB", "TiB"]))
def test_a_whole_number_of_units_is_read_exactly(number: int, unit: str) -> None:
    assert units.parse_size(f"{number}{unit}") == number * 1024 ** ["B", "KiB", "MiB", "GiB", "TiB"].index(unit)
