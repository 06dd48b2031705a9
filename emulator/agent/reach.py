"""Access to this worker's nodes in single calls: commands, pings, filters."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import cast

from emulator.access import Echo
from emulator.agent.networks import network_named
from emulator.carriers.protocol import Answer, RunningCall
from emulator.engines.namespaced_access import NamespacedAccess
from emulator.errors import BrokenError
from emulator.linux.processes.interrupts import Stopped
from emulator.tasks import Plain


def access_of(arguments: Mapping[str, Plain]) -> NamespacedAccess:
    """Return the access to the nodes of the network that the arguments name."""
    return cast("NamespacedAccess", network_named(arguments["name"]).access)


def execute(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Run `argv` in each of `nodes`; return [exit code, output, errors] of each, in base64.

    When nobody waits for the answer any more, the commands are ended.
    """
    del data
    nodes = access_of(arguments).nodes
    try:
        results = nodes.execute(
            arguments["nodes"], arguments["argv"], arguments["timeout"], lambda: call.is_cancelled
        )
    except Stopped as error:
        raise BrokenError("the command was stopped: its client went away") from error
    return Answer([[one.code, text(one.output), text(one.errors)] for one in results])


def ping(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Send `echoes` ([source, target, expected]); return the round-trip time of each in seconds, or None."""
    del call, data
    echoes = [Echo(*echo) for echo in arguments["echoes"]]
    return Answer(list(access_of(arguments).ping(echoes, arguments["timeout"])))


def check_filter(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Check a pcap filter: UsageError, UnableError."""
    del call, data
    access_of(arguments).check_filter(arguments["expression"])
    return Answer()


def text(data: bytes) -> str:
    """Return bytes as text that JSON carries."""
    return base64.b64encode(data).decode("ascii")
