"""Serve Distrinet: find its package, import it in the run's own folder, and collect its errors."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from serving.server import Program, serve

HOME = "EMULATOR_DISTRINET_HOME"
RUN = "EMULATOR_DISTRINET_RUN"
"""Variables: the user's copy of Distrinet, and the folder of the run, where it writes `provision.log`."""


def package_folder(home: str) -> str:
    """Return the folder in `home` that holds Distrinet's package, which is called `mininet`."""
    for folder in (Path(home, "mininet"), Path(home)):
        if (folder / "mininet" / "distrinet.py").is_file():
            return str(folder)
    raise ImportError(f"no Distrinet in {home}: it holds no mininet/distrinet.py")


class DistrinetProgram(Program):
    """A Distrinet network, empty at first."""

    title = "Distrinet"
    beside = frozenset({"execute", "terminal", "info"})
    abandonable = frozenset({"open", "create", "add"})
    passing = frozenset({"look", "clean"})

    def __init__(self) -> None:
        os.chdir(os.environ.get(RUN, "/tmp"))  # noqa: S108 -- when run by hand
        sys.path.insert(0, package_folder(os.environ[HOME]))
        from .steps import Steps

        super().__init__(Steps())

    def complaints(self) -> list[str]:
        """Return the errors that were only printed since the last call."""
        transport: Any = self.steps.transport
        return [] if transport is None else list(transport.complaints.taken())


def main(descriptor: int) -> None:
    """Serve on the listening socket `descriptor`."""
    serve(descriptor, DistrinetProgram)
