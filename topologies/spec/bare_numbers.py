"""Numbers without a unit that programs read in different ways.

Mininet takes a bandwidth of 10 as 10 Mbit/s and a loss of 1 as 1 %; tc(8), and so Mininet, takes a delay of 5
as 5 us. Here they would be 10 bit/s, 100 % and 5 s. So a file says which it means.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from topologies.errors import Loc

_SHARES = ("loss", "duplicate", "reorder", "corrupt")
_TIMES = ("delay", "jitter")
_DIRECTIONS = ("forward", "backward")
_FEW_BITS = 1e6


def bare_numbers(data: Any) -> Iterator[tuple[Loc, str]]:
    """Yield the numbers without a unit in the properties of a link that others read differently."""
    if not isinstance(data, dict):
        return
    for key, value in data.items():
        if key in _DIRECTIONS:
            yield from (((key, *loc), words) for loc, words in bare_numbers(value))
        elif words := readings(key, value):
            yield (key,), words


def readings(key: str, value: Any) -> str:
    """Return both readings of a number without a unit for the property `key`; empty if there is only one."""
    number = _bare(value)
    words = "" if number is None else _readings(key, f"{value}", number)
    return words and f"`{value}` has no unit: {words}"


def _bare(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except ValueError:  # it has a unit, or is no number
        return None


def _readings(key: str, text: str, number: float) -> str:
    if key in _SHARES and number == 1:
        return f"it would be 100 % here, and Mininet reads 1 %; write `100 %` or `{text} %`"
    if key in _TIMES and 1 <= number < float("inf"):
        words = f"it would be {text} s here, and Mininet reads {text} us"
        return f"{words}; write `{text} s`, `{text} ms` or `{text} us`"
    if key == "bandwidth" and 1e3 <= number < _FEW_BITS:
        words = f"it would be {text} bit/s here, and Mininet reads {text} Mbit/s"
        return f"{words}; write `{text} bit` or `{text} Mbit`"
    return ""
