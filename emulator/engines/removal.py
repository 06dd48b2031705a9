"""Take a network down, whatever state it is in, and put away what no network needs any more."""

from __future__ import annotations

from pathlib import Path

from emulator.engines.place import require_root, store_of
from emulator.linux import cgroups
from emulator.linux.interrupts import deferred
from emulator.linux.ledger_owners import Owner
from emulator.linux.mounts import require_lasting, unmount_all
from emulator.linux.sysctl_ledger import SysctlLedger
from emulator.linux.teardown import Sentinel, kill_inside
from emulator.network import Progress, silent
from emulator.state import MOUNTS, NetworkState, shared_lock


def take_down(state: NetworkState, progress: Progress = silent) -> None:
    """Remove all of a network that this engine made, whatever state it is in."""
    require_root()
    require_lasting()
    with state.locked("down"), deferred():
        remove(state, progress)


def remove(state: NetworkState, progress: Progress) -> None:
    """Remove everything, whatever was there; the caller holds the lock.

    The folder goes last: a `down` that was killed can be repeated.
    """
    if state.exists:
        store = store_of(state)
        sentinel = Sentinel()
        inodes: dict[int, str] = {}
        if store.exists:
            with store.entered():
                inodes = store.inodes()
        progress("processes", 0, 1)
        kill_inside(inodes, hosts=state.hosts_path)
        store.release()
        cgroups.remove(state.root, state.name)
        progress("kernel", 0, 1)
        sentinel.wait()  # also for what a `down` that was killed has let go of
        SysctlLedger().release(Owner.here(state.root, state.name))
        state.remove()
    sweep(state.root)


def sweep(root: Path) -> None:
    """Put away what no network needs any more: sysctls, controllers, the mount of the networks' mounts."""
    SysctlLedger().sweep()
    cgroups.release()
    if not root.is_dir():
        return
    with shared_lock(root):
        mounts = root / MOUNTS
        if mounts.is_dir() and not any(mounts.iterdir()):
            unmount_all(mounts)
            mounts.rmdir()
