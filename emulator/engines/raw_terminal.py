"""Raw mode of the terminal of this process, while a program elsewhere reads its keys."""

from __future__ import annotations

import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def raw_terminal() -> Iterator[None]:
    """Pass on each key as it is typed, Ctrl-C too, until the end."""
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
