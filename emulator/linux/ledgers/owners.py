"""Owner of a ledger entry: a network, by its state directory and the namespaces where that path is valid.

One ledger serves all state directories of a machine, so a network's name isn't unique. A path has another
meaning in another mount namespace. Each command that reads a ledger drops the entries of removed networks:
their folder and mount were removed, or their container has ended.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from emulator.linux.namespaces.first_process import first_process
from emulator.linux.namespaces.guard import outside_mount
from emulator.linux.namespaces.mounts import is_mount
from emulator.locks import is_held
from emulator.state import NetworkState

_FIRST_PIDS = 0xEFFFFFFC
"""Inode of the initial PID namespace (PROC_PID_INIT_INO of linux/proc_ns.h). It contains all processes."""


class Owner(NamedTuple):
    """A network: inodes of the PID and mount namespaces where it was created, state directory, name."""

    pids: int
    mounts: int
    root: Path
    name: str

    def __str__(self) -> str:
        return f"{self.pids} {self.mounts} {self.root}/{self.name}"

    @classmethod
    def here(cls, root: Path, name: str) -> Owner:
        """Return the network `name` of the state directory `root`, as this process sees them."""
        return cls(_inode("/proc/self/ns/pid"), outside_mount(), root, name)

    @classmethod
    def parsed(cls, text: str) -> Owner:
        """Return the owner that `str` turned into text. Raises ValueError."""
        pids, mounts, path = text.split(" ", 2)
        root, _, name = path.rpartition("/")
        if not name:
            raise ValueError(text)
        return cls(int(pids), int(mounts), Path(root), name)

    def is_gone(self) -> bool:
        """Return whether the network has certainly been removed.

        With a folder but no mount, there are two cases. Either a command holds the network's lock and is
        creating or removing it, or the kernel holds nothing of it.
        """
        mine = _inode("/proc/self/ns/pid")
        if mine not in {self.pids, _FIRST_PIDS}:
            return False  # its processes aren't visible from here
        try:
            process = self._process()
            if process is None:
                return True  # the mount namespace and the network ended with the last process
            return self._is_gone_by(process)
        except PermissionError:  # root of a user namespace, or a process with fewer capabilities than others
            return False

    def _is_gone_by(self, process: str) -> bool:
        """Return whether the network is gone as seen by `process`, a process in its mount namespace."""
        inside = Path(f"/proc/{process}/root", self.root.relative_to("/"))
        state = NetworkState(inside, self.name)
        if not state.exists:
            return True
        return not is_held(state.lock_path) and not is_mount(
            self.root / state.pin_path.relative_to(inside), f"/proc/{process}/mountinfo"
        )

    def _process(self) -> str | None:
        """Return a process in the mount namespace of the network, as in /proc; None if none exists.

        Raises PermissionError if none of the readable processes is in it and unreadable processes exist.
        An unreadable process 1 doesn't count if another process shows the initial namespaces.
        """
        hidden = first_process() is None
        for pid in ["thread-self", "1", "2", *_pids()]:
            try:
                if os.stat(f"/proc/{pid}/ns/mnt").st_ino == self.mounts:
                    return pid
            except PermissionError:  # also for a process that has ended meanwhile (proc_ns_get_link)
                hidden = hidden or (pid != "1" and os.path.exists(f"/proc/{pid}"))
            except OSError:  # it has ended
                continue
        if hidden:
            raise PermissionError
        return None


def _pids() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]


def _inode(path: str) -> int:
    return os.stat(path).st_ino
