"""Owner of a ledger entry: a network, by its state directory and the namespaces where that path is valid.

One ledger serves all state directories of a machine, so a network's name says too little; and a path means
something else in another mount namespace. Whoever looks at a ledger drops the entries of networks that are
gone: their folder and mount were removed, or the container that they were in has ended.
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
"""The inode of the first PID namespace (PROC_PID_INIT_INO of linux/proc_ns.h): all processes are in it."""


class Owner(NamedTuple):
    """A network: the inodes of the PID and mount namespace that it was made in, state directory, name."""

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
        """Return what `str` made a text of; ValueError."""
        pids, mounts, path = text.split(" ", 2)
        root, _, name = path.rpartition("/")
        if not name:
            raise ValueError(text)
        return cls(int(pids), int(mounts), Path(root), name)

    def is_gone(self) -> bool:
        """Return whether nothing of the network is left for sure.

        A network whose folder is there and whose mount isn't is being made or removed, by a command
        that holds its lock, or nothing of it is in the kernel.
        """
        mine = _inode("/proc/self/ns/pid")
        if mine not in {self.pids, _FIRST_PIDS}:
            return False  # its processes can't be seen from here
        try:
            process = self._process()
            if process is None:
                return True  # the mount namespace ended with its last process, and the network with it
            return self._is_gone_by(process)
        except PermissionError:  # root of a user namespace, or one with fewer capabilities than others
            return False

    def _is_gone_by(self, process: str) -> bool:
        """Return whether nothing is left of it where `process` is, which is in its mount namespace."""
        inside = Path(f"/proc/{process}/root", self.root.relative_to("/"))
        state = NetworkState(inside, self.name)
        if not state.exists:
            return True
        return not is_held(state.lock_path) and not is_mount(
            self.root / state.pin_path.relative_to(inside), f"/proc/{process}/mountinfo"
        )

    def _process(self) -> str | None:
        """Return a process in the mount namespace of the network, as /proc has it; None when none is.

        PermissionError when none is among those that we may look at, and others live. Process 1 is none of
        these where another tells of the first namespaces.
        """
        hidden = first_process() is None
        for pid in ["thread-self", "1", "2", *_pids()]:
            try:
                if os.stat(f"/proc/{pid}/ns/mnt").st_ino == self.mounts:
                    return pid
            except PermissionError:  # also of a process that has ended meanwhile (proc_ns_get_link)
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
