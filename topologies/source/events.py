"""Events of YAML text, from libyaml where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import yaml

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TOO_DEEP = "nesting depth"  # of libyaml's words


def events_of(text: str) -> Iterator[yaml.Event]:
    """Yield the events of `text`.

    libyaml reads up to 1,024 characters ahead in search of a `:`. Since 0.2.6 it gives up at 1,000 nested
    brackets without an event for any of them; the parser without such a limit then finds the place.
    """
    done = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            done += 1
            yield event
    except yaml.YAMLError as error:
        if _TOO_DEEP not in str(error):
            raise
        yield from islice(yaml.parse(text, Loader=yaml.SafeLoader), done, None)


def place_of(event: yaml.Event) -> tuple[int, int]:
    """Return the line and column, from 1, at which `event` starts."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
