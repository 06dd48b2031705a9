"""Serve MaxiNet: collect the errors that it only logs."""

from __future__ import annotations

import logging

from serving.server import Program, serve

from .steps import Steps


class _Complaints(logging.Handler):
    """Collects messages that MaxiNet only logs when something fails."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Store the message."""
        self.said.append(record.getMessage().strip())


class MaxinetProgram(Program):
    """MaxiNet, not connected at first."""

    title = "MaxiNet"
    beside = frozenset({"execute", "terminal"})
    abandonable = frozenset({"open", "create", "add"})
    passing = frozenset({"look", "clean"})

    def __init__(self) -> None:
        self._complaints = _Complaints()
        logging.getLogger().addHandler(self._complaints)
        super().__init__(Steps())

    def complaints(self) -> list[str]:
        """Return the errors that were logged since the last call."""
        said, self._complaints.said = self._complaints.said, []
        return said


def main(descriptor: int) -> None:
    """Serve on the listening socket `descriptor`."""
    serve(descriptor, MaxinetProgram)
