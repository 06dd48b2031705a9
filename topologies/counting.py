"""Counts as people read them: `1 link`, `2 links`, `1,024 hosts`."""

from __future__ import annotations


def plural(word: str, count: int) -> str:
    """Return the word for `count` of them."""
    if count == 1:
        return word
    if word.endswith("y") and word[-2:-1] not in {"", *"aeiou"}:
        return f"{word[:-1]}ies"
    return word + ("es" if word.endswith(("ch", "sh", "s", "x")) else "s")


def counted(count: int, word: str) -> str:
    """Return `1 link` or `1,024 links`; of several words the last is the one that changes."""
    return f"{count:,} {plural(word, count)}"
