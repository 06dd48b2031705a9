"""Where Mininet runs, and where its things stand."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from emulator.linux.namespaces import SHARED
from emulator.state import NetworkState

ROOT = SHARED
"""The namespace that Mininet calls the root: its own, and that of all switches."""

PYTHON = "/usr/bin/python3"
"""The Python that Debian's Mininet is installed for; EMULATOR_MININET_PYTHON names another."""


def python() -> str:
    """Return the path of the Python that has Mininet."""
    return os.environ.get("EMULATOR_MININET_PYTHON") or PYTHON


@dataclass(frozen=True)
class Place:
    """The folder of a network's Mininet."""

    folder: Path

    @property
    def socket(self) -> Path:
        """Where the driver answers."""
        return self.folder / "driver.sock"

    @property
    def log(self) -> Path:
        """What Mininet printed."""
        return self.folder / "driver.log"


def place_of(state: NetworkState) -> Place:
    """Return the folder of the Mininet of the network whose state this is."""
    return Place(state.folder / "mininet")
