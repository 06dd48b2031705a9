"""Find and call the function that a call names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pkgutil import resolve_name

from emulator.carriers.protocol import Answer, RunningCall
from emulator.errors import BrokenError
from emulator.tasks import Plain
from topologies.errors import shortened

Function = Callable[[RunningCall, Mapping[str, Plain], bytes], Answer]

_ENTRY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def function_at(entry: str) -> Function:
    """Return the function that "module:function" names; BrokenError when there is none."""
    if not _ENTRY.fullmatch(entry):
        raise BrokenError(f"`{shortened(entry)}` isn't module:function")
    try:
        found = resolve_name(entry)
    except (ImportError, AttributeError) as error:
        raise BrokenError(f"no function `{shortened(entry)}` on this worker: {error}") from error
    function: Function = found
    return function
