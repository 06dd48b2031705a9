"""The driver of a network on workers: start it, find it by the run record, end it."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from dataclasses import asdict

from emulator.engines.driven import launch
from emulator.engines.driven.client import Driver
from emulator.engines.driven.launch import DriverPaths, DriverProcess
from emulator.engines.remote.program import RemoteProgram
from emulator.plan import Plan
from emulator.state import NetworkState, Record

DRIVER = "driver"
"""The option of the run record for the driver's process id and start time."""
CLEANING = "cleaning"
"""The option of the run record that is set once its driver is one that was started to clean up."""
OPENED = "opened"
"""The option of the run record for the program's answer to `open`: its version, the datapath."""
_ENDS_WITHIN = 5.0
"""Seconds that a killed process may take to end."""


def paths_of(state: NetworkState) -> DriverPaths:
    """Return the paths of a network's driver."""
    return DriverPaths(state.folder / "driver")


def process_of(record: Record) -> DriverProcess:
    """Return the driver's process by the record; one that never runs if none was started."""
    recorded = record.options.get(DRIVER) or {}
    return DriverProcess(int(recorded.get("pid", -1)), int(recorded.get("began", -2)))


def datapath_of(record: Record) -> str:
    """Return the datapath (kernel or user) that the program told for the workers' Open vSwitch."""
    return str((record.options.get(OPENED) or {}).get("datapath", "kernel"))


def driver_of(state: NetworkState, record: Record, program: RemoteProgram) -> Driver:
    """Return the client of the network's driver."""
    return Driver(state.name, program.title, paths_of(state), process_of(record), lost="everything")


def start_driver(plan: Plan, state: NetworkState, record: Record, program: RemoteProgram) -> Driver:
    """Start a driver, record it, and return its client."""
    paths = paths_of(state)
    record.options[DRIVER] = asdict(launch.start(program.recipe(plan.options, paths), paths))
    state.write(record)
    return driver_of(state, record, program)


def end(process: DriverProcess) -> None:
    """Kill a driver with everything that it started here, and wait: it leads a process group of its own."""
    if not process.alive:
        return
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(process.pid)
        try:
            if process.alive:  # still, so the handle isn't of a later process with this number
                os.killpg(process.pid, signal.SIGKILL)
                select.select([handle], [], [], _ENDS_WITHIN)
        finally:
            os.close(handle)
