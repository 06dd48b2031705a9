"""A network's namespaces on this machine: open them, and remove everything of the network."""

from __future__ import annotations

import os
from pathlib import Path

from emulator.errors import UnableError
from emulator.linux import cgroups
from emulator.linux.ledgers.owners import Owner
from emulator.linux.ledgers.sysctl_ledger import SysctlLedger
from emulator.linux.machine.vni_ports import release_vnis
from emulator.linux.namespaces.mounts import ensure_private, require_lasting, unmount_all
from emulator.linux.namespaces.rights import lacking_rights
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.teardown import Sentinel, kill_inside
from emulator.linux.outside.ways import Ways
from emulator.linux.processes.interrupts import deferred
from emulator.network import Progress, silent
from emulator.services.control import end as end_services
from emulator.state import MOUNTS, NetworkState, shared_lock


def require_root() -> None:
    """Raise UnableError unless this process may create namespaces."""
    if os.geteuid() != 0:
        raise UnableError("making network namespaces needs root; run it under sudo")
    if reason := lacking_rights():
        raise UnableError(reason)


def store_of(state: NetworkState) -> NamespaceStore:
    """Return the namespaces of the network whose state this is."""
    return NamespaceStore(state.pin_path, state.folder / "ns")


def open_store(state: NetworkState) -> NamespaceStore:
    """Create the network's mount namespace and stay in it. Call inside `namespace_guard("mnt")`."""
    store = store_of(state)
    store.folder.mkdir(mode=0o700)
    with shared_lock(state.root):
        ensure_private(store.pin.parent)
        store.pin.touch(mode=0o600)
        store.create()
    return store


def take_down(state: NetworkState, progress: Progress = silent) -> None:
    """Remove everything that an engine on this machine could have created of a network, in any state."""
    require_root()
    require_lasting()
    with state.locked("down"), deferred():
        remove(state, progress)


def remove(state: NetworkState, progress: Progress) -> None:
    """Remove everything that exists; the caller holds the lock.

    The folder is removed last, so that a killed `down` can be repeated.
    """
    if state.exists:
        store = store_of(state)
        sentinel = Sentinel()
        inodes: dict[int, str] = {}
        if store.exists:
            with store.entered():
                inodes = store.inodes()
        progress("processes", 0, 1)
        end_services(state.folder)
        kill_inside(inodes, hosts=state.hosts_path)
        Ways(state, store).remove()
        store.release()
        cgroups.remove(state.root, state.name)
        progress("kernel", 0, 1)
        sentinel.wait()  # also for namespaces that a killed `down` released
        SysctlLedger().release(Owner.here(state.root, state.name))
        release_vnis(Owner.here(state.root, state.name))
        state.remove()
    sweep(state.root)


def sweep(root: Path) -> None:
    """Remove what no network needs any more: sysctls, controllers, the mount of the networks' mounts."""
    SysctlLedger().sweep()
    cgroups.release()
    if not root.is_dir():
        return
    with shared_lock(root):
        mounts = root / MOUNTS
        if mounts.is_dir() and not any(mounts.iterdir()):
            unmount_all(mounts)
            mounts.rmdir()
