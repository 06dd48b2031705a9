"""Numbers with units for people."""

from __future__ import annotations

_BINARY = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"))
_BITS = ((1e9, "Gbit"), (1e6, "Mbit"), (1e3, "kbit"))
_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def format_value(value: float, unit: str) -> str:
    """Return `value` in its unit: `0.31 ms`, `12.5 MiB`, `3.4 %`, `9,812 /s`."""
    if unit == "seconds":
        return _scaled(value, _TIMES, "s")
    if unit in {"bytes", "byterate"}:
        return _scaled(value, _BINARY, "B") + ("/s" if unit == "byterate" else "")
    if unit == "share":
        return f"{value * 100:.4g} %"
    if unit == "bitrate":
        return _scaled(value, _BITS, "bit")
    return _plain(value) + (" /s" if unit == "rate" else "")


def _scaled(value: float, scales: tuple[tuple[float, str], ...], least: str) -> str:
    for factor, name in scales:
        if abs(value) >= factor * 0.99995:
            return f"{value / factor:.4g} {name}"
    return f"{value:.4g} {least}"


def _plain(value: float) -> str:
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
