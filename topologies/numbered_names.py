"""Names that are one word and a number each, such as s1, s2, s10."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBERED = re.compile(r"(.*?)([1-9][0-9]{0,14})", re.ASCII)


def are_numbered(names: Iterable[str]) -> bool:
    """Return whether all names are the same word with a number from 1 on, without zeros before it."""
    words = {match[1] if (match := _NUMBERED.fullmatch(name)) else None for name in names}
    return len(words) == 1 and None not in words


def number_of(name: str) -> int:
    """Return the number at the end of such a name."""
    match = _NUMBERED.fullmatch(name)
    if match is None:
        raise ValueError(f"{name} has no number")
    return int(match[2])
