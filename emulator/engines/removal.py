"""Take a network down, whatever state it is in, and put away what no network needs any more."""

from __future__ import annotations

from pathlib import Path

from emulator.engines.place import require_root, store_of
from emulator.linux import cgroups
from emulator.linux.cgroup_ledger import CgroupLedger
from emulator.linux.interrupts import deferred
from emulator.linux.mounts import unmount_all
from emulator.linux.sysctl_ledger import SysctlLedger
from emulator.linux.teardown import Sentinel, kill_inside
from emulator.network import Progress, silent
from emulator.state import MOUNTS, NetworkState, names, shared_lock


def take_down(state: NetworkState, progress: Progress = silent) -> None:
    """Remove all of a network that this engine made, whatever state it is in."""
    require_root()
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
        SysctlLedger(state.root).release(state.name)
        state.remove()
    sweep(state.root)


def sweep(root: Path) -> None:
    """Put away what no network needs any more: sysctls, controllers, the mount of the networks' mounts."""
    if not root.is_dir():
        return
    ledger = SysctlLedger(root)
    for network in ledger.networks() - set(names(root)):
        ledger.release(network)
    for network in CgroupLedger(root).networks() - set(names(root)):
        cgroups.release(root, network)
    with shared_lock(root):
        mounts = root / MOUNTS
        if mounts.is_dir() and not any(mounts.iterdir()):
            unmount_all(mounts)
            mounts.rmdir()
