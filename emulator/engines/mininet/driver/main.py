"""Serve Mininet: collect its complaints, and say when it can't be asked."""

from __future__ import annotations

import logging

from mininet.log import lg, setLogLevel
from serving.server import Program, serve

from .build import Builder, empty_network
from .steps import Steps

_HARMLESS = ("quantum of class",)
"""Remarks that Mininet reports as errors: htb's on a fast link."""


class _Complaints(logging.Handler):
    """Collects what Mininet only prints when something fails."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the words."""
        words = record.getMessage().strip().lstrip("*").strip()
        if words and not any(part in words for part in _HARMLESS):
            self.said.append(words)


class MininetProgram(Program):
    """A Mininet network that has nothing in it yet."""

    title = "Mininet"
    untimed = frozenset({"cli"})

    def __init__(self) -> None:
        self._complaints = _Complaints()
        lg.addHandler(self._complaints)
        super().__init__(Steps(Builder(empty_network())))

    def busy(self) -> str:
        """Return why it can't be asked while somebody types."""
        if self.steps.console.is_open:
            return "Mininet's command line is open on another terminal; leave it first"
        return ""

    def complaints(self) -> list[str]:
        """Return what Mininet has printed as errors since this was last asked."""
        said, self._complaints.said = self._complaints.said, []
        return said


def main(descriptor: int) -> None:
    """Serve on the listening socket `descriptor`."""
    setLogLevel("warning")
    serve(descriptor, MininetProgram)
