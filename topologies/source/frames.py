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
class Frame:
    """Container under construction. `height` counts the levels below it, `started` the values before."""

    container: Any
    anchor: str | None
    started: int
    key: Any = NO_KEY
    height: int = 0
    is_key: bool = False


def path_of(stack: Sequence[Frame]) -> Loc:
    """Return the path of the next value."""
    return tuple(
        len(frame.container) if type(frame.container) is list else frame.key
        for frame in stack
        if frame.key is not NO_KEY or type(frame.container) is list
    )


def so_far(stack: Sequence[Frame], data: Any) -> tuple[Any, Loc]:
    """Return the data read until now, and the path of the value being read; `data` at the end.

    Values below a key that isn't kept are left out.
    """
    made: Any = NO_KEY
    for frame in reversed(stack):
        if made is NO_KEY or frame.key is DROPPED:
            made = frame.container
        elif type(frame.container) is list:
            made = [*frame.container, made]
        else:
            made = {**frame.container, frame.key: made}
        if frame.is_key:
            made = NO_KEY
    return (data if made is NO_KEY else made), path_of(stack)
