"""Quantities with units: `10 Gbit`, `500 us`, `2 %`, `64 MiB`.

Each parser accepts a string with a unit or a bare number in the base unit, and raises
ValueError with a message that says what to write instead. Decimal prefixes are powers of 1000,
binary prefixes (Ki, Mi, Gi) powers of 1024 (IEC 80000-13).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from topologies.errors import shortened

_SCALARS = (str, int, float)
_BYTES = re.compile(r"B(ps|/s|$)")
"""Bytes in a unit of rate: 10 MB/s are no 10 Mbit/s."""
_NUMBER = re.compile(
    r"\s*([-+]?)([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?)\s*([A-Za-zµμ%/]*)\s*", re.ASCII
)


@dataclass(frozen=True)
class Quantity:
    """Physical quantity: its units as factors of the base unit, and its range in base units.

    Messages suggest `units`, smallest first; `aliases` are other spellings.
    """

    name: str
    units: dict[str, float]
    aliases: dict[str, float]
    example: str
    low: float
    high: float

    def parse(self, value: object) -> float:
        """Return `value` in the base unit; ValueError with what to write instead."""
        shown = f"`{shortened(_text(value))}`" if isinstance(value, _SCALARS) else "this"
        found = None if isinstance(value, bool | None) else _NUMBER.fullmatch(_text(value))
        if not found:
            raise ValueError(f"{shown} is not a {self.name}; write for example `{self.example}`")
        sign, digits, unit = found.groups()
        factor = self._factor(unit.replace("μ", "µ"))
        number = _product(digits, factor)
        if sign == "-" and number:
            raise ValueError(f"{shown} is negative; a {self.name} must be from {self.range}")
        if not self.low <= number <= self.high:
            hint = "" if unit else self._hint(digits, number)
            raise ValueError(f"{shown} is out of range; a {self.name} must be from {self.range}{hint}")
        return number

    def _hint(self, digits: str, number: float) -> str:
        """Return a guess at what a number without a unit means that is out of range."""
        if self is SHARE and number <= 100:
            return f"; did you mean `{digits} %`?"
        return f"; did you mean `{digits} Mbit`?" if self is RATE and 0 < number < self.low else ""

    def _factor(self, unit: str) -> float:
        factor = self.units.get(unit, self.aliases.get(unit))
        if factor is None and not (self is RATE and _BYTES.search(unit)):
            factor = self._in_any_case.get(unit.lower())
        if factor is not None:
            return factor
        known = [u for u in (*self.units, *self.aliases) if u]
        near = [u for u in known if u.lower() == unit.lower()]
        near = near or [u for u in self.units if u.lower().startswith(unit.lower())]
        other = next((q for q in (RATE, TIME, SHARE, SIZE) if unit in q.units), None)
        hint = f"did you mean `{near[0]}`?" if len(near) == 1 else f"use one of: {', '.join(self.units)}"
        what = f"is a unit of {other.name}, not of {self.name}" if other else f"is not a unit of {self.name}"
        raise ValueError(f"`{shortened(unit)}` {what}; {hint}")

    @cached_property
    def _in_any_case(self) -> dict[str, float]:
        return {unit.lower(): factor for unit, factor in (*self.aliases.items(), *self.units.items())}

    def text(self, number: float) -> str:
        """Return `number`, in the base unit, with a unit; `parse` gives the same number back."""
        known = (*reversed(self.units.items()), *self.aliases.items())
        base = next(unit for unit, factor in known if factor == 1)
        for unit, factor in self.units.items() if number == 0 else known:
            words = f"{number / factor:.12g} {unit}"
            if (number >= factor or number == 0) and self._exact(words) == number:
                return words
        unit, factor = min(self.units.items(), key=lambda item: item[1])
        words = f"{number / factor:.12g} {unit}"
        return words if self._exact(words) == number else f"{number!r} {base}".rstrip()

    def _exact(self, words: str) -> float:
        digits, _, unit = words.partition(" ")
        return _product(digits, self._factor(unit))

    @property
    def range(self) -> str:
        """Allowed range as text."""
        return f"{self.text(self.low)} to {self.text(self.high)}"

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the values that `parse` accepts; it can't check the range of a text."""
        names = dict.fromkeys(unit.lower() for unit in (*self.units, *self.aliases) if unit)
        units = "|".join(map(_any_case, names))
        return {
            "anyOf": [
                {"type": "number", "minimum": self.low, "maximum": self.high},
                {
                    "type": "string",
                    "pattern": rf"^\s*\+?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?\s*({units})?\s*$",
                },
            ],
            "examples": [self.example],
        }


def _any_case(unit: str) -> str:
    """Return a pattern for a unit in any case: JSON schema has no flags."""
    return "".join(f"[{c.upper()}{c}]" if c.isascii() and c.isalpha() else re.escape(c) for c in unit)


def _product(digits: str, factor: float) -> float:
    """Return digits x factor rounded once: 5 us is 5e-06, not 4.9999999999999996e-06."""
    return float(Decimal(digits) * Decimal(repr(factor)))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value!r}" if isinstance(value, int | float) else f"a {type(value).__name__}"


_PREFIXED = {"bit": 1.0, "kbit": 1e3, "Mbit": 1e6, "Gbit": 1e9, "Tbit": 1e12}
_RATE_ALIASES = {"Kbit": 1e3, "": 1.0}
_RATE_ALIASES |= {f"{unit}/s": factor for unit, factor in (*_PREFIXED.items(), ("Kbit", 1e3))}
_RATE_ALIASES |= {"bps": 1.0, "kbps": 1e3, "Kbps": 1e3, "Mbps": 1e6, "Gbps": 1e9, "Tbps": 1e12}

RATE = Quantity("rate", _PREFIXED, _RATE_ALIASES, "100 Mbit", 1e3, 4e12)
TIME = Quantity(
    "time",
    {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0},
    {"µs": 1e-6, "": 1.0},
    "500 us", 0.0, 86400.0,
)  # fmt: skip
SHARE = Quantity("share", {"%": 0.01}, {"": 1.0}, "2 %", 0.0, 1.0)
SIZE = Quantity(
    "size",
    {"B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40},
    {"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "": 1.0},
    "64 MiB", 2.0**20, 2.0**50,
)  # fmt: skip
