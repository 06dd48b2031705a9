"""Search for leftovers of a test in the kernel and in the file system.

A network namespace lives as long as a process is in it, or a mount or a descriptor holds it. So the search
covers: the namespaces of all processes, the mounts that hold namespaces, processes that carry the test's
state directory in their environment, interfaces of the first namespace, the global sysctls that networks
raise, cgroups, BPF programs and maps, and files under /run.

On a shared machine (a browser creates namespaces too) only objects with the test's state directory count. On
a machine without other users (CI is set) everything new is a leak: of the test, or of the run where two
tests run at a time.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from support.bpf_objects import bpf_objects

_SYSCTLS = [
    *(f"net/ipv{v}/neigh/default/gc_thresh{n}" for v in (4, 6) for n in (1, 2, 3)),
    "net/core/netdev_max_backlog",
    # new namespaces inherit these: emulated hosts would forward
    "net/ipv4/ip_forward",
    *(f"net/ipv{v}/conf/{which}/forwarding" for v in (4, 6) for which in ("all", "default")),
    *(f"net/ipv4/conf/{which}/rp_filter" for which in ("all", "default")),
    *(f"net/ipv6/conf/{which}/disable_ipv6" for which in ("all", "default")),
]
_LEDGERS = Path("/run/topology-emulator-ledgers")
OF_TESTS = Path("/run/emulator-test-")
"""Start of the path of every test's state directory."""
_SETTLE = 3.0
_OF_OTHERS = {"/run/netns"}  # iproute2 creates it once, for the foreign namespaces of tests, and keeps it
_CGROUP_DEPTH = 3

Snapshot = dict[str, frozenset[str]]


@dataclass(frozen=True)
class Watch:
    """Watch of the machine for the test with the state directory `state`."""

    state: Path
    alone: bool

    def look(self) -> Snapshot:
        """Return the existing objects, by kind."""
        found = {
            "process": frozenset(self._processes()),
            "mount": frozenset(self._mounts()),
            "entry in": frozenset(self._entries()),
            "state file": frozenset(str(path) for path in self.state.glob("**/*")),
        }
        if self.alone:
            found |= {
                "network namespace": frozenset(_namespaces()),
                "interface": frozenset(name for _, name in socket.if_nameindex()),
                "sysctl": frozenset(_sysctls()),
                "cgroup": frozenset(_cgroups()),
                "": frozenset(map(str, bpf_objects())),
                "file in /run": frozenset(str(path) for path in Path("/run").iterdir()) - _OF_OTHERS,
            }
        return found

    def leaks(self, before: Snapshot) -> list[str]:
        """Return the objects that were not in `before`; vanishing objects get 3 s to disappear."""
        deadline = time.monotonic() + _SETTLE
        while True:
            now = self.look()
            new = [f"{kind} {name}" for kind, names in now.items() for name in sorted(names - before[kind])]
            if not new or time.monotonic() > deadline:
                return new
            time.sleep(0.05)

    def _processes(self) -> Iterator[str]:
        """Yield the processes that were started with this state directory in their environment."""
        mark = f"\0EMULATOR_STATE_DIR={self.state}".encode()
        for pid in _pids():
            with suppress(OSError):
                if pid != os.getpid() and mark in b"\0" + Path(f"/proc/{pid}/environ").read_bytes():
                    words = (
                        Path(f"/proc/{pid}/cmdline")
                        .read_bytes()
                        .replace(b"\0", b" ")
                        .decode(errors="replace")
                    )
                    yield f"{pid}: {words}"

    def _entries(self) -> Iterator[str]:
        """Yield the ledgers of the machine that know a network of the state directory."""
        for path in _LEDGERS.glob("*.json"):
            with suppress(OSError):
                if f" {self.state}" in path.read_text(encoding="utf-8"):
                    yield str(path)

    def _mounts(self) -> Iterator[str]:
        """Yield the mounts under the state directory; without other users, all that hold namespaces."""
        for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
            _, _, _, root, point, *_ = line.split(" ")
            if point.startswith(str(self.state)) or (self.alone and root.startswith(("net:[", "mnt:["))):
                yield f"{root} on {point}"


class Whole:
    """Watch of the machine for a whole run, whose tests have their state directories in one place."""

    def __init__(self) -> None:
        self._watch = Watch(OF_TESTS, alone=True)
        self._before = self._watch.look()

    def leaks(self) -> list[str]:
        """Return the objects that did not exist before the run."""
        return self._watch.leaks(self._before)


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _namespaces() -> Iterator[str]:
    for pid in _pids():
        with suppress(OSError):
            yield str(Path(f"/proc/{pid}/ns/net").readlink())


def _sysctls() -> Iterator[str]:
    for name in _SYSCTLS:
        with suppress(OSError):
            yield f"{name} = {Path('/proc/sys', name).read_text(encoding='ascii').strip()}"


def _cgroups() -> Iterator[str]:
    top = "/sys/fs/cgroup"
    for folder, names, _ in os.walk(top):
        yield folder
        if folder.removeprefix(top).count("/") >= _CGROUP_DEPTH:
            names.clear()
