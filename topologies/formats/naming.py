"""Node names from the labels of other programs, with spaces, accents, brackets and duplicates.

A label keeps its letters and digits (accents are removed, NFKD of Unicode TR 15); every run of other
characters becomes one dash. A duplicate name gets `-2`, `-3`, … in file order, so that the same file
always gives the same names. A label that is a valid name is kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from topologies.names import NODE_NAME

_OTHER = re.compile(r"(?:[^A-Za-z0-9_.]|\.(?![A-Za-z0-9]))+")
_LONGEST = 63


def sanitised(label: str) -> str:
    """Return the node name for `label`; "" when it has no letter or digit to keep."""
    if NODE_NAME.fullmatch(label):
        return label
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    return _OTHER.sub("-", plain).strip("-._")[:_LONGEST].rstrip("-._")


def unique_names(labels: Iterable[tuple[str, str]]) -> list[str]:
    """Return one name for each (label, id): of the label, of the id when it gives none, else `node`.

    A unique label that is a valid name keeps its text, whatever comes before it.
    """
    wanted = [sanitised(label) or sanitised(key) or "node" for label, key in labels]
    counts: dict[str, int] = {}
    for name in wanted:
        counts[name] = counts.get(name, 0) + 1
    taken = {name for name, count in counts.items() if count == 1}
    last: dict[str, int] = {}
    out = []
    for name in wanted:
        if counts[name] > 1:
            name = _free(name, taken, last)  # noqa: PLW2901 -- the name that it gets
            taken.add(name)
        out.append(name)
    return out


def _free(name: str, taken: set[str], last: dict[str, int]) -> str:
    number = last.get(name, 0) + 1
    while True:
        tail = f"-{number}" if number > 1 else ""
        candidate = name[: _LONGEST - len(tail)] + tail
        if candidate not in taken:
            last[name] = number
            return candidate
        number += 1


def host_prefix(names: Iterable[str]) -> str:
    """Return a prefix for hosts numbered from 1 that no numbered name has yet: h, else host, …."""
    taken = {name.rstrip("0123456789") for name in names if name[-1:].isdigit()}
    prefix = next((p for p in ("h", "host", "host-") if p not in taken), None)
    number = 2
    while prefix is None:
        prefix = None if (word := f"host-{number}-") in taken else word
        number += 1
    return prefix
