"""Start Mininet's driver inside the network's own namespaces, with its own mounts."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from emulator.engines.driven import launch
from emulator.engines.driven.launch import DriverPaths, DriverProcess, Recipe, Start
from emulator.engines.store import store_of
from emulator.linux.machine.mininet import mininet_python
from emulator.linux.namespaces import syscalls
from emulator.linux.processes.execute import Place, inside
from emulator.node_namespaces import SWITCHES
from emulator.state import NetworkState

TITLE = "Mininet"
ROOT = SWITCHES
"""Mininet's root namespace: that of Mininet itself and of all switches."""

_DRIVER = Path(__file__).with_name("driver")


def paths_of(state: NetworkState) -> DriverPaths:
    """Return the paths of a network's driver."""
    return DriverPaths(state.folder / "mininet")


def start(state: NetworkState, environment: Mapping[str, str], *, own_tmp: bool = False) -> DriverProcess:
    """Start the driver in the network's namespace ROOT; return at once. UnableError when it can't be started.

    All its child processes see the network's own /etc/hosts. `down` finds them by that, whatever their
    network namespace is. With `own_tmp` the driver has its own /tmp: Mininet's user switches have sockets
    there, named only after the switch.
    """

    def entered(run: Start) -> subprocess.Popen[bytes]:
        def mounted() -> subprocess.Popen[bytes]:
            if own_tmp:
                flags = syscalls.MS_NOSUID | syscalls.MS_NODEV
                syscalls.mount("tmpfs", "/tmp", "tmpfs", flags, "mode=1777")  # noqa: S108 -- Mininet's choice
            return run()

        return inside(store_of(state), Place(ROOT), state.hosts_path, mounted)

    return launch.start(Recipe(mininet_python(), _DRIVER, environment), paths_of(state), entered)
