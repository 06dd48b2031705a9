"""Counters of the processes of a network, read on the machine where they run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psutil

from emulator.errors import EmulationError
from emulator.tasks import Nodes
from stress.process_usage import private_memory, usage

_BY_NAME = ("ovs-vswitchd", "ovsdb-server", "ovs-testcontroller", "ovs-controller", "iperf3")
_BY_WORD = ("ryu-manager", "osken-manager", "faucet", "pox.py", "onos", "karaf", "opendaylight", "floodlight")
OF_MACHINE = "machine."
"""Begin of the names of programs that run outside of the network."""
_LOOK = 10.0
"""Seconds between two searches for new processes."""


class ProcessCounters:
    """Task that reads counters of processes by name; those of processes with equal names are added up.

    Those of other networks don't count. A controller may run outside of the network: its name then begins
    with `machine.`, since nobody knows whose it is.
    """

    failure = None

    def __init__(self, nodes: Nodes, arguments: dict[str, Any]) -> None:
        del arguments
        self._nodes = nodes
        self._inside: Sequence[int] = ()
        self._known: dict[int, tuple[str, psutil.Process]] = {}
        self._looked = -_LOOK
        self._spent: dict[int, float] = {}
        self._totals: dict[str, float] = {}

    def ask(self, request: None = None) -> dict[str, Any]:
        """Return {"memory": bytes of all processes in the network, "named": {name: {counter: number}}}.

        The counters are `cpu`, the seconds since the name was first seen, `rss` in bytes, and `fds`.
        """
        del request
        if time.monotonic() - self._looked >= _LOOK:
            self._looked = time.monotonic()
            self._look()
        named: dict[str, dict[str, float]] = {}
        for pid, (name, process) in list(self._known.items()):
            try:
                used = usage(process)
            except psutil.Error:
                del self._known[pid]
                self._spent.pop(pid, None)
                continue
            spent = used.pop("cpu")
            self._totals[name] = self._totals.get(name, 0.0) + spent - self._spent.get(pid, spent)
            self._spent[pid] = spent
            of_name = named.setdefault(name, dict.fromkeys(used, 0.0))
            for key, number in used.items():
                of_name[key] += number
        for name, counters in named.items():
            counters["cpu"] = self._totals[name]
        return {"memory": sum(map(private_memory, self._inside)), "named": named}

    def stop(self) -> None:
        """Do nothing: nothing is open."""

    def _look(self) -> None:
        with suppress(EmulationError, OSError):  # the network may go down during a run
            self._inside = self._nodes.processes()
        inside = set(self._inside)
        for process in psutil.process_iter(["name", "cmdline"]):
            if process.pid not in self._known:
                with suppress(psutil.Error):
                    name = which(process.info["name"] or "", process.info["cmdline"] or [])
                    if name is not None and process.pid in inside:
                        self._known[process.pid] = (name, process)
                    elif name is not None and name not in _BY_NAME:
                        self._known[process.pid] = (f"{OF_MACHINE}{name}", process)


def which(name: str, words: list[str]) -> str | None:
    """Return the metric name of a process, None for unrelated ones. The kernel keeps 15 characters."""
    for known in _BY_NAME:
        if name in {known, known[:15]}:
            return known
    for word in words[:3]:
        last = word.rsplit("/", 1)[-1]
        for known in _BY_WORD:
            if last == known or last.startswith(f"{known}-"):
                return known.removesuffix(".py")
    return None
