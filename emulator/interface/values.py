"""Values that scripts give, checked where they come in: what isn't right is a UsageError that names it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from emulator.errors import UsageError
from topologies.errors import shortened
from topologies.quantities import TIME


def text_of(value: object, what: str) -> str:
    """Return `value` if it is text without zero bytes."""
    if not isinstance(value, str):
        raise UsageError(f"{what} is {_shown(value)}; give a text")
    if "\0" in value:
        raise UsageError(f"{what} has a zero byte; leave it out")
    return value


def path_of(value: object, what: str) -> Path:
    """Return `value`, a text or an `os.PathLike`, as a path."""
    return Path(text_of(os.fspath(value) if isinstance(value, os.PathLike) else value, what))


def seconds_of(value: object, what: str) -> float:
    """Return a time above 0 in seconds, from a number of seconds or a text with a unit: `30 s`."""
    try:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        seconds = float(value) if is_number else TIME.parse(value)  # type: ignore[arg-type]
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{what}: {error}") from None
    if not (math.isfinite(seconds) and seconds > 0):
        raise UsageError(f"{what} is {_shown(value)}; it must be more than 0, for example `30 s`")
    return seconds


def timeout_of(value: object) -> float | None:
    """Return the seconds of a timeout; None for no limit."""
    return None if value is None else seconds_of(value, "timeout")


def whole_of(value: object, what: str, least: int, most: int) -> int:
    """Return `value` if it is a whole number in this range."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise UsageError(f"{what} is {_shown(value)}; give a whole number from {least:,} to {most:,}")
    return value


def options_of(value: object) -> Mapping[str, object] | None:
    """Return `value` if it is a mapping with texts as keys, or None."""
    if value is None or (isinstance(value, Mapping) and all(isinstance(key, str) for key in value)):
        return value
    raise UsageError(f"options is {_shown(value)}; give a dict of the engine's options by name")


def function_of(value: object, what: str) -> Callable[[str], None]:
    """Return `value` if it can be called."""
    if not callable(value):
        raise UsageError(f"{what} is {_shown(value)}; give a function that takes a line, such as print")
    return value


def _shown(value: object) -> str:
    return f"`{shortened(repr(value))}`"
