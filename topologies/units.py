"""Quantities as people write them: `10 Gbit`, `500 us`, `2 %`, `64 MiB`.

Each parser accepts a string with a unit or a bare number in the base unit, and raises
ValueError with words that say what to write instead. Decimal prefixes are powers of 1000,
binary prefixes (Ki, Mi, Gi) powers of 1024 (IEC 80000-13).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_NUMBER = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)\s*([A-Za-zµ%/]*)\s*$")


@dataclass(frozen=True)
class Quantity:
    """A physical quantity: its units as factors of the base unit, and its range in base units."""

    name: str
    factors: dict[str, float]
    example: str
    low: float
    high: float

    def parse(self, value: object) -> float:
        """Return `value` in the base unit; raise ValueError saying what to write instead."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(f"is not a {self.name}; write for example `{self.example}`")
        found = _NUMBER.match(str(value))
        if not found:
            hint = "can't be negative; " if str(value).lstrip().startswith("-") else ""
            raise ValueError(f"{hint}`{value}` is not a {self.name}; write for example `{self.example}`")
        unit = found[2]
        if unit not in self.factors:
            units = ", ".join(u for u in self.factors if u)
            raise ValueError(f"`{unit}` is not a unit of {self.name}; use one of: {units}")
        number = float(found[1]) * self.factors[unit]
        if not self.low <= number <= self.high:
            raise ValueError(f"`{value}` is out of range; a {self.name} goes from {self.range}")
        return number

    @property
    def range(self) -> str:
        """The allowed range in words, in the base unit."""
        base = next(u for u, f in self.factors.items() if f == 1 and u)
        return f"{self.low:g} to {self.high:g} {base}"


_RATE_UNITS = {"bit": 1.0, "Kbit": 1e3, "kbit": 1e3, "Mbit": 1e6, "Gbit": 1e9, "Tbit": 1e12}
_RATE_UNITS |= {f"{unit}/s": factor for unit, factor in list(_RATE_UNITS.items())}
_RATE_UNITS |= {"bps": 1.0, "kbps": 1e3, "Mbps": 1e6, "Gbps": 1e9, "Tbps": 1e12, "": 1.0}

RATE = Quantity("rate", _RATE_UNITS, "100 Mbit", 1e3, 4e12)
TIME = Quantity(
    "time",
    {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "": 1.0},
    "500 us", 0.0, 86400.0,
)  # fmt: skip
SHARE = Quantity("share", {"%": 0.01, "": 1.0}, "2 %", 0.0, 1.0)
SIZE = Quantity(
    "size",
    {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1024.0, "MiB": 1024.0**2,
     "GiB": 1024.0**3, "TiB": 1024.0**4, "": 1.0},
    "64 MiB", 0.0, 2.0**50,
)  # fmt: skip


def _share(value: object) -> float:
    """Parse a share: `2 %` or a bare number from 0 to 1."""
    try:
        return SHARE.parse(value)
    except ValueError as error:
        if "out of range" in str(error):
            raise ValueError(f"`{value}` is out of range; a share goes from 0 % to 100 %") from None
        raise


def _schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": pattern}],
         "examples": [example]}
    )  # fmt: skip


Rate = Annotated[float, BeforeValidator(RATE.parse), _schema(r"^[0-9.]+ ?[kKMGT]?(bit|bps)(/s)?$", "1 Gbit")]
"""Bits per second."""
Duration = Annotated[float, BeforeValidator(TIME.parse), _schema(r"^[0-9.]+ ?(ns|us|ms|s|min|h)$", "5 ms")]
"""Seconds."""
Share = Annotated[float, BeforeValidator(_share), _schema(r"^[0-9.]+ ?%$", "2 %")]
"""A share from 0 to 1."""
Size = Annotated[
    int, BeforeValidator(lambda v: int(SIZE.parse(v))), _schema(r"^[0-9.]+ ?([kKMGT]i?)?B$", "64 MiB")
]
"""Bytes."""
