"""Start the driver: inside the network's namespace, with mounts of its own, in a session of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.engines.mininet.place import ROOT, Place
from emulator.errors import UnableError
from emulator.linux import syscalls
from emulator.linux.execute import inside
from emulator.linux.mininet import mininet_python
from emulator.linux.namespaces import NamespaceStore
from emulator.linux.processes import stat
from emulator.linux.unix_sockets import bound

_BOOT = "import sys; sys.path.insert(0, sys.argv[2]); from driver.main import main; main()"
_WAITING = 64
"""Connections that wait for the driver."""

_children: set[int] = set()
"""Drivers that this very process started, and hasn't waited for."""


@dataclass(frozen=True)
class Running:
    """A driver: its process id, and when that process began (clock ticks since boot), which no other has."""

    pid: int
    began: int

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return began(self.pid) == self.began


def began(pid: int) -> int:
    """Return when process `pid` began, in clock ticks since boot; -1 when there is none."""
    found = stat(pid)
    return -1 if found is None or found.ended else found.start


def start(
    store: NamespaceStore, place: Place, hosts: Path, environment: Mapping[str, str], *, own_tmp: bool = False
) -> Running:
    """Start the driver in the namespace ROOT of `store`; return at once. UnableError when it can't be.

    All that it starts sees the network's own /etc/hosts, by which `down` finds it whatever namespace
    it is in. Its socket is bound here, so that it can be asked before it is ready. With `own_tmp` it has
    a /tmp of its own: Mininet's user switches have sockets there that are named like them only.
    """
    _reap()
    place.folder.mkdir(mode=0o700, exist_ok=True)
    listener = bound(place.socket)
    listener.listen(_WAITING)
    log = place.log.open("ab")

    def run() -> subprocess.Popen[bytes]:
        if own_tmp:
            flags = syscalls.MS_NOSUID | syscalls.MS_NODEV
            syscalls.mount("tmpfs", "/tmp", "tmpfs", flags, "mode=1777")  # noqa: S108 -- Mininet's choice
        words = [mininet_python(), "-I", "-c", _BOOT, str(listener.fileno()), str(Path(__file__).parent)]
        return subprocess.Popen(  # noqa: S603 -- our own words, no shell
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            pass_fds=(listener.fileno(),), env={**os.environ, **environment},
        )  # fmt: skip

    with listener, log:
        try:
            process = inside(store, ROOT, hosts, run)
        except OSError as error:
            raise UnableError(f"can't run {mininet_python()}: {error.strerror}") from error
    process.returncode = 0  # it stays: nobody is to be told that it still runs
    _children.add(process.pid)
    return Running(process.pid, began(process.pid))


def _reap() -> None:
    """Wait for the drivers that have ended: one who brings up network after network keeps no zombies."""
    for pid in list(_children):
        try:
            ended = os.waitpid(pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            ended = True
        if ended:
            _children.discard(pid)
