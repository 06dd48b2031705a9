"""Metrics of the processes of a network: this runner, Open vSwitch, controllers, traffic.

The memory of a run is the private memory of processes (resident less shared, proc_pid_statm(5)). The
kernel counts its own memory for namespaces, links and routes for the whole machine only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from emulator.errors import EmulationError
from emulator.network import Network

Numbers = dict[str, float]

_PAGE = os.sysconf("SC_PAGE_SIZE")
_BY_NAME = ("ovs-vswitchd", "ovsdb-server", "ovs-testcontroller", "ovs-controller", "iperf3")
_BY_WORD = ("ryu-manager", "osken-manager", "faucet", "pox.py", "onos", "karaf", "opendaylight", "floodlight")
_LOOK = 10.0
"""Seconds between two searches for new processes."""


class Processes:
    """CPU, memory and descriptors of these processes by name; processes with equal names are added up.

    Open vSwitch and iperf3 belong to `network`; controllers may run anywhere on the machine.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._inside: Sequence[int] = ()
        self._known: dict[int, tuple[str, psutil.Process]] = {}
        self._looked = -_LOOK
        self._spent: dict[int, float] = {}

    def measure(self, now: float, seconds: float | None) -> Numbers:
        """Return the numbers; CPU as a share of one core over the last `seconds`, None the first time."""
        if now - self._looked >= _LOOK:
            self._looked = now
            self._look()
        found: Numbers = {"run.memory": float(sum(map(private_memory, (os.getpid(), *self._inside))))}
        for pid, (name, process) in list(self._known.items()):
            try:
                with process.oneshot():
                    times, memory, descriptors = process.cpu_times(), process.memory_info(), process.num_fds()
            except psutil.Error:
                del self._known[pid]
                self._spent.pop(pid, None)
                continue
            spent = times.user + times.system
            before = self._spent.get(pid)
            self._spent[pid] = spent
            parts: Numbers = {"rss": memory.rss, "fds": descriptors}
            if before is not None and seconds:
                parts["cpu"] = (spent - before) / seconds
            for part, number in parts.items():
                key = f"process.{name}.{part}"
                found[key] = found.get(key, 0.0) + number
        return found

    def _look(self) -> None:
        with suppress(EmulationError, OSError):  # the network may go down during a run
            self._inside = self._network.processes()
        inside, own = set(self._inside), psutil.Process()
        self._known.setdefault(own.pid, ("runner", own))
        for process in psutil.process_iter(["name", "cmdline"]):
            if process.pid not in self._known:
                with suppress(psutil.Error):
                    name = which(process.info["name"] or "", process.info["cmdline"] or [])
                    if name is not None and (name not in _BY_NAME or process.pid in inside):
                        self._known[process.pid] = (name, process)


def private_memory(pid: int) -> int:
    """Return the private memory of a process in bytes; 0 when it has ended."""
    try:
        words = Path(f"/proc/{pid}/statm").read_bytes().split()
    except OSError:
        return 0
    return (int(words[1]) - int(words[2])) * _PAGE


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
