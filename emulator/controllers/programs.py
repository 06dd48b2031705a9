"""Programs of each kind of controller, and their arguments."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from emulator.controllers.openflow import VERSIONS
from emulator.errors import UnableError
from emulator.find_program import find_program
from topologies.openflow import Controller

_NAMES = ("ovs-testcontroller", "openvswitch-testcontroller")
"""Debian has used both names for the package and its program."""

MARK = "EMULATOR_CONTROLLERS"
"""Variable with the owner of a controller process: the folder of its record, which may be lost."""

_PYTHON = (sys.executable, "-P", "-m")
"""Python's options: no imports from the current folder of `emulator up` (-P)."""

MOST_SWITCHES = 16
"""Maximum for Open vSwitch's learning controller; the 17th waits forever (MAX_SWITCHES in its source)."""


def argv_of(
    controller: Controller, port: int, *,
    outside: int, protocols: Sequence[str], switches: int | None,
) -> list[str]:  # fmt: skip
    """Return the arguments that start `controller` so that it listens on 127.0.0.1:`port`.

    `outside` is the descriptor of the machine's network namespace, for relays. `protocols` are the OpenFlow
    versions of the switches, `switches` their number (None: unknown). UnableError if no learning
    controller on this machine supports them.
    """
    if controller.kind == "command":
        return list(controller.command)
    if controller.kind == "remote":
        return [*_PYTHON, "emulator.controllers.relay", "--listen", str(port),
                "--to", controller.address, str(controller.port), "--outside", str(outside)]  # fmt: skip
    return _learning(port, protocols, switches)


def environment_of(controller: Controller, port: int, folder: Path) -> dict[str, str]:
    """Return the environment of a controller.

    It is the machine's, with this interpreter first in PATH: `python3` of a command finds the packages
    installed there, under sudo too. OPENFLOW_PORT is the port to listen on.
    """
    environment = dict(os.environ)
    path = environment.get("PATH", os.defpath)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{path}"
    environment["OPENFLOW_PORT"] = str(port)
    environment[MARK] = str(folder.absolute())
    environment["PYTHONUNBUFFERED"] = "1"  # its last words are in the log when it dies
    if controller.kind == "learning":
        environment["OVS_RUNDIR"] = environment["OVS_LOGDIR"] = str(folder)
    if controller.kind != "command":
        environment["PYTHONPATH"] = _package_path(environment)
    return environment


def find_learning() -> str | None:
    """Return the path of Open vSwitch's learning controller, None if it isn't installed."""
    return next((found for name in _NAMES if (found := find_program(name))), None)


def _learning(port: int, protocols: Sequence[str], switches: int | None) -> list[str]:
    """Return Open vSwitch's learning controller for up to 16 switches, otherwise the built-in one."""
    program = find_learning()
    few = switches is not None and switches <= MOST_SWITCHES
    if program is not None and few:
        return [program, "-O", ",".join(protocols), "--unixctl=none", f"ptcp:{port}:127.0.0.1"]
    if not VERSIONS.keys() & set(protocols):
        fix = f"with at most {MOST_SWITCHES} switches, `apt-get install openvswitch-testcontroller` would do"
        raise UnableError(
            f"the learning controller speaks {', '.join(VERSIONS)}, not {', '.join(protocols)}: "
            f"write one of these under `protocols`; {fix}"
        )
    return [*_PYTHON, "emulator.controllers.learning", "--listen", str(port)]


def _package_path(environment: Mapping[str, str]) -> str:
    """Return a PYTHONPATH that finds this very package first, wherever the program is started."""
    here = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, (here, environment.get("PYTHONPATH"))))
