"""Facts of this worker that placement and refusals need; quick enough to be asked before each `up`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict

from emulator.agent.networks import known_networks
from emulator.carriers.protocol import Answer, RunningCall
from emulator.engines.share import taken_vnis
from emulator.linux.machine.devices import network_devices
from emulator.linux.machine.resources import available_memory
from emulator.linux.underlay_ping import unfragmented
from emulator.state import state_root
from emulator.tasks import Plain
from emulator.version import __version__


def facts(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Return release, kernel, memory (bytes), processors, clock, underlay devices and known networks."""
    del call, arguments, data
    return Answer({
        "release": __version__,
        "kernel": os.uname().release,
        "root": os.geteuid() == 0,
        "memory": available_memory(),
        "processors": len(os.sched_getaffinity(0)),
        "clock": time.time(),
        "devices": [asdict(device) for device in network_devices()],
        "networks": known_networks(),
        "vnis": [dict(span) for span in taken_vnis()],
        "state": str(state_root()),
    })  # fmt: skip


def clock(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Return the time of day, in seconds since 1970."""
    del call, arguments, data
    return Answer(time.time())


def monotonic(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Return the machine's monotonic clock, in seconds; nothing ever sets it."""
    del call, arguments, data
    return Answer(time.monotonic())


def reaches(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Ping `addresses` from `source` by uncut packets of `size` bytes; return why not, by address."""
    del call, data
    words = unfragmented(arguments["addresses"], arguments["size"], arguments["source"], arguments["seconds"])
    return Answer(dict(words))


def findings(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Return what `emulator doctor` finds on this worker: name, found, value, basic, fix."""
    del call, arguments, data
    from emulator.linux.machine.checks import machine_checks

    return Answer([asdict(finding) for finding in machine_checks()])
