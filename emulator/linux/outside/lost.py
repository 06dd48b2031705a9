"""Interfaces of the machine that no `down` can give back: they are in no namespace that is known any more."""

from __future__ import annotations

from emulator.errors import MissingError
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink.connection import Netlink
from emulator.linux.outside.interface_settings import interfaces_of
from emulator.linux.outside.machine import found_again, in_machine
from emulator.linux.outside.note import Lent, read_note
from emulator.node_namespaces import MACHINE_FILE


def lost_interfaces(store: NamespaceStore) -> list[str]:
    """Return lines for people on the network's interfaces that are neither in their nodes nor on the machine.

    Somebody deleted or moved them, or the kernel destroyed them with a namespace. Needs root.
    """
    note = read_note(store.folder.parent)
    away = [lent for lent in note.lent if lent.settings is not None]
    if not away:
        return []
    if not store.exists:
        with found_again(note.machine) as there:
            lost = [lent for lent in away if there and lent.name not in _names()]
    else:
        with store.entered():
            lost = [lent for lent in away if not _is_there(store, lent)]
    return [
        f"{lent.name} of {lent.node} can't be given back to the machine: it was deleted, or moved elsewhere"
        for lent in lost
    ]


def _is_there(store: NamespaceStore, lent: Lent) -> bool:
    """Return whether an interface is in its node or on the machine. Call inside the store's mounts."""
    files = store.files()
    if MACHINE_FILE in files:
        with in_machine(store):
            if lent.name in _names():
                return True
    try:
        store.go(lent.node)
    except MissingError:
        return False
    return lent.name in _names()


def _names() -> set[str]:
    with Netlink() as netlink:
        return set(interfaces_of(netlink))
