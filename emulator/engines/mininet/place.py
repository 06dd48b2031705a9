"""Where Mininet runs, and where its things stand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emulator.node_namespaces import SWITCHES
from emulator.state import NetworkState

ROOT = SWITCHES
"""The namespace that Mininet calls the root: its own, and that of all switches."""


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
