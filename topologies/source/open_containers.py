"""Containers under construction while a file is read, from the outermost to the innermost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from topologies.errors import Loc

NO_KEY: Any = object()
DROPPED: Any = object()
"""Placeholders: for a key that hasn't arrived yet, and for a key whose value isn't kept."""


@dataclass(slots=True)
class OpenContainer:
    """Container under construction. `height` counts the levels below it, `started` the values before."""

    container: Any
    anchor: str | None
    started: int
    key: Any = NO_KEY
    height: int = 0
    is_key: bool = False


def path_of(stack: Sequence[OpenContainer]) -> Loc:
    """Return the path of the next value."""
    return tuple(
        len(one.container) if type(one.container) is list else one.key
        for one in stack
        if one.key is not NO_KEY or type(one.container) is list
    )


def so_far(stack: Sequence[OpenContainer], data: Any) -> tuple[Any, Loc]:
    """Return the data read until now, and the path of the value being read; `data` at the end.

    Values below a key that isn't kept are left out.
    """
    made: Any = NO_KEY
    for one in reversed(stack):
        if made is NO_KEY or one.key is DROPPED:
            made = one.container
        elif type(one.container) is list:
            made = [*one.container, made]
        else:
            made = {**one.container, one.key: made}
        if one.is_key:
            made = NO_KEY
    return (data if made is NO_KEY else made), path_of(stack)
