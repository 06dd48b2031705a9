"""Read what a command prints, line by line, while it runs."""

from __future__ import annotations

import os
import selectors
import subprocess
from collections.abc import Callable

from emulator.commands import ERRORS, OUTPUT

Hear = Callable[[bytes, int], None]
"""Called with a line without its end, and where it was printed: OUTPUT or ERRORS."""

_CHUNK = 65536
_SLICE = 0.5
"""Interval in seconds at which `over()` is asked."""


def follow(process: subprocess.Popen[bytes], hear: Hear, over: Callable[[], bool]) -> bool:
    """Call `hear` for each line until both outputs end (True) or `over()` says so (False).

    A last line without an end counts.
    """
    rest: dict[int, bytes] = {}
    with selectors.DefaultSelector() as selector:
        for pipe, number in ((process.stdout, OUTPUT), (process.stderr, ERRORS)):
            if pipe is not None:
                selector.register(pipe.fileno(), selectors.EVENT_READ, number)
                rest[pipe.fileno()] = b""
        while selector.get_map():
            if over():
                return False
            for key, _ in selector.select(_SLICE):
                data = os.read(key.fd, _CHUNK)
                whole, _, rest[key.fd] = (rest[key.fd] + data).rpartition(b"\n")
                if not data:
                    selector.unregister(key.fd)
                    whole = rest.pop(key.fd)
                for line in whole.splitlines():
                    hear(line, key.data)
    return True
