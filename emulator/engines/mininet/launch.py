"""Start Mininet's driver inside the network's own namespaces, with mounts of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from emulator.engines.driven import launch
from emulator.engines.driven.launch import DriverPaths, DriverProcess, Recipe, Start
from emulator.engines.store import store_of
from emulator.linux.machine.mininet import mininet_python
from emulator.linux.namespaces import syscalls
from emulator.linux.processes.execute import inside
from emulator.node_namespaces import SWITCHES
from emulator.state import NetworkState

TITLE = "Mininet"
ROOT = SWITCHES
"""The namespace that Mininet calls the root: its own, and that of all switches."""

_DRIVER = Path(__file__).with_name("driver")


def paths_of(state: NetworkState) -> DriverPaths:
    """Return where the driver of a network is reached."""
    return DriverPaths(state.folder / "mininet")


def start(state: NetworkState, environment: Mapping[str, str], *, own_tmp: bool = False) -> DriverProcess:
    """Start the driver in the network's namespace ROOT; return at once. UnableError when it can't be.

    All that it starts sees the network's own /etc/hosts, by which `down` finds it whatever namespace
    it is in. With `own_tmp` it has a /tmp of its own: Mininet's user switches have sockets there that are
    named like them only.
    """

    def entered(run: Start) -> subprocess.Popen[bytes]:
        def mounted() -> subprocess.Popen[bytes]:
            if own_tmp:
                flags = syscalls.MS_NOSUID | syscalls.MS_NODEV
                syscalls.mount("tmpfs", "/tmp", "tmpfs", flags, "mode=1777")  # noqa: S108 -- Mininet's choice
            return run()

        return inside(store_of(state), ROOT, state.hosts_path, mounted)

    return launch.start(Recipe(mininet_python(), _DRIVER, environment), paths_of(state), entered)
