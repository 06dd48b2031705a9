"""Counts in words: `1 link`, `2 links`, `1,024 hosts`."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 3


def plural(word: str, count: int) -> str:
    """Return the singular or plural of `word` for `count`."""
    if count == 1:
        return word
    if word.endswith("y") and word[-2:-1] not in {"", *"aeiou"}:
        return f"{word[:-1]}ies"
    return word + ("es" if word.endswith(("ch", "sh", "s", "x")) else "s")


def counted(count: int, word: str) -> str:
    """Return `1 link` or `1,024 links`; of several words the last one takes the plural."""
    return f"{count:,} {plural(word, count)}"


def some_names(names: Sequence[str], most: int = 8) -> str:
    """Return `h1, h2` or, of more than `most`, the first ones: `h1, h2, h3, …`."""
    return ", ".join((*names[:most], *(["…"] if len(names) > most else [])))


def counted_by_name(names: Sequence[str], word: str) -> str:
    """Return `1 host (h1)` or `5 hosts (h1, h2, h3, …)`."""
    return f"{counted(len(names), word)} ({some_names(names, _SHOWN)})"


def size_text(size: int) -> str:
    """Return bytes in readable units: `31 GiB`, `4.2 MiB`."""
    value, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
