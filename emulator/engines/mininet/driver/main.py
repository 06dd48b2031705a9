"""Serve Mininet: collect its error messages, and report when it is busy."""

from __future__ import annotations

import logging

from mininet.log import lg, setLogLevel
from serving.server import Program, serve

from .build import Builder, empty_network
from .steps import Steps

_HARMLESS = ("quantum of class",)
"""Warnings that Mininet logs as errors: htb's on a fast link."""


class _Complaints(logging.Handler):
    """Collects messages that Mininet only prints when something fails."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Store the message."""
        words = record.getMessage().strip().lstrip("*").strip()
        if words and not any(part in words for part in _HARMLESS):
            self.said.append(words)


class MininetProgram(Program):
    """A Mininet network, empty at first."""

    title = "Mininet"
    untimed = frozenset({"cli"})
    abandonable = frozenset({"nodes", "links"})
    """Alone in a request, they make nodes or links that a later one gives their settings: a dead client sends
    none. The last links come with their settings. That request is finished: a killed session leaves no link
    that exists but joins nothing.
    """

    def __init__(self) -> None:
        self._complaints = _Complaints()
        lg.addHandler(self._complaints)
        super().__init__(Steps(Builder(empty_network())))

    def busy(self) -> str:
        """Return why no request can be served while its command line is open."""
        if self.steps.console.is_open:
            return "Mininet's command line is open on another terminal; leave it first"
        return ""

    def complaints(self) -> list[str]:
        """Return the errors that Mininet has printed since the last call."""
        said, self._complaints.said = self._complaints.said, []
        return said


def main(descriptor: int) -> None:
    """Serve on the listening socket `descriptor`."""
    setLogLevel("warning")
    serve(descriptor, MininetProgram)
