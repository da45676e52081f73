"""Numbers as people read them: the only place that rounds or converts.

Bytes count in 1024 (KiB, MiB, GiB), everything else in 1000. ``None`` is unknown and reads "unknown".
"""

import re
from collections.abc import Callable

UNKNOWN = "unknown"
Writer = Callable[[float], str]
_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_COUNT_UNITS = ("", "K", "M", "B", "T")
_FLOP_UNITS = ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP", "ZFLOP")
_SIZE = re.compile(r" *(\d{1,15}(?:\.\d{1,15})?) *(B|KiB|MiB|GiB|TiB|PiB|KB|MB|GB|TB|PB) *", re.I | re.A)


def count(value: float | None) -> str:
    """163009536 -> '163.0 M'; below 10,000 the exact number."""
    if value is not None and abs(value) < 10_000:
        return f"{value:,.0f}"
    return _scaled(value, 1000, _COUNT_UNITS)


def exact(value: float | None) -> str:
    """163009536 -> '163,009,536'."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def byte_size(value: float | None) -> str:
    """652038144 -> '621.8 MiB' (1 MiB = 1,048,576 bytes)."""
    if value is not None and abs(value) < 1024:
        return f"{value:,.0f} B"
    return _scaled(value, 1024, _BYTE_UNITS)


def flops(value: float | None) -> str:
    """291648307200 -> '291.6 GFLOP' (one multiply-add is 2)."""
    return _scaled(value, 1000, _FLOP_UNITS)


def seconds(value: float | None) -> str:
    """0.01234 -> '12.3 ms'."""
    if value is None:
        return UNKNOWN
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        scaled = value / size
        # 0.9995 would print as 1000 of the smaller unit, and 999.5 as 1e+03
        if abs(scaled) >= 0.9995 or unit == "µs":
            return f"{scaled:.3g} {unit}" if abs(scaled) < 999.5 else f"{scaled:,.0f} {unit}"
    raise AssertionError("unreachable")


def duration(value: float | None) -> str:
    """9.5e9 -> '301 years', 5400 -> '90 minutes': seconds in the largest unit of which there are at least two."""
    for size, unit in ((31_557_600, "years"), (86_400, "days"), (3600, "hours"), (60, "minutes")):
        if value is not None and value >= 2 * size:
            return f"{value / size:,.0f} {unit}" if value >= 100 * size else f"{value / size:.3g} {unit}"
    return seconds(value)


def relative_change(ratio: float | None) -> str:
    """0.0312 -> '+3.1%': by how much something changes, with its sign; for an error there is ``error``."""
    return UNKNOWN if ratio is None else f"{100 * ratio:+z.1f}%"


def share(ratio: float | None) -> str:
    """0.0312 -> '3.1%', 0.64 -> '64%': a part of a whole."""
    if ratio is None:
        return UNKNOWN
    return f"{100 * ratio:.0f}%" if ratio >= 0.0995 else f"{100 * ratio:.2g}%"


def error(claimed: float | None, true: float | None) -> str:
    """How far a claim is from the truth, the same text wherever a pair stands; '' where either is not known.

    >>> error(98, 100), error(98, 98.04), error(5, 5)
    ('-2.0%', '-0.04%', 'exact')
    """
    if claimed is None or true is None or claimed == true:
        return "" if claimed is None or true is None else "exact"
    if true == 0:
        return "not 0"
    off = 100 * (claimed - true) / true
    if abs(off) < 0.0005:
        return "0.000%"
    return f"{off:+.1f}%" if abs(off) >= 0.95 else f"{off:+.1g}%"


def signed(text: str) -> str:
    """'7.1 M' -> '+7.1 M': a formatted number as a change."""
    return text if text.startswith("-") else f"+{text}"


def parse_size(text: str) -> int | None:
    """'24GiB' -> 25769803776, '24 GB' -> 24000000000; None when it is no size above zero."""
    found = _SIZE.fullmatch(text)
    if found is None:
        return None
    unit = found[2].lower()
    base = 1024 if "i" in unit else 1000
    power = "bkmgtp".index(unit[0])
    return int(float(found[1]) * base**power) or None


def _scaled(value: float | None, base: int, units: tuple[str, ...]) -> str:
    if value is None:
        return UNKNOWN
    size, power = float(value), 0
    # 0.05 under the next unit would print as 1000.0 or 1024.0 of this one
    while abs(size) >= base - 0.05 and power < len(units) - 1:
        size, power = size / base, power + 1
    return f"{size:,.1f} {units[power]}".rstrip()
