"""Interfaces of the machine that nodes have until `down`: moved there, and given back with their settings.

The note has the settings before the interface moves, and for as long as it is away. So whoever finds the
note can give the machine back what it had. The kernel destroys a virtual interface with the namespace that
it is in, and brings a device of hardware to its first namespace: they are given back before a namespace is
released.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_interface
from pathlib import Path

from emulator.deviation import Deviation
from emulator.errors import KernelError, MissingError
from emulator.indices import BRIDGE_INDEX
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import dumps, messages
from emulator.linux.netlink.connection import NLM_F_REQUEST, Batch, Netlink
from emulator.linux.observed import parse
from emulator.linux.observed.parse import FoundInterface
from emulator.linux.outside.interface_settings import (
    InterfaceSettings,
    interfaces_of,
    put_settings,
    read_settings,
)
from emulator.linux.outside.machine import in_machine
from emulator.linux.outside.note import Lent, Note, read_note, write_note
from emulator.node_namespaces import MACHINE_FILE

_IFLA_NEW_IFINDEX = 49
_FIRST_INDEX = 1 << 25
"""In nodes: above those of ports, which may be made later. Kernels before 5.13 choose one by themselves."""
_THERE = frozenset({errno.EEXIST})
_INDEX_TAKEN = frozenset({errno.EBUSY, errno.EINVAL})


def lend(store: NamespaceStore, folder: Path, note: Note, nodes: Collection[str] | None = None) -> None:
    """Give the nodes of the note (None: all) their interfaces. Call inside the store's mount namespace.

    Those that are nowhere are left out: `lent_deviations` names them.
    """
    for place, lent in enumerate(note.lent):
        if nodes is not None and lent.node not in nodes:
            continue
        store.go(lent.node)
        with Netlink() as netlink:
            links = interfaces_of(netlink)
            if lent.name not in links and (settings := _settings_here(store, lent.name)) is not None:
                note.lent[place] = replace(lent, settings=settings)
                write_note(folder, note)
                _move_in(store, lent, settings.index)
                links = interfaces_of(netlink)
            if lent.name in links:
                _set_up(netlink, lent, links)


def _settings_here(store: NamespaceStore, name: str) -> InterfaceSettings | None:
    """Return the settings of an interface that is on the machine; None if it isn't."""
    with in_machine(store), Netlink() as there:
        found = interfaces_of(there).get(name)
        return None if found is None else read_settings(there, name, found)


def _move_in(store: NamespaceStore, lent: Lent, index: int) -> None:
    """Move an interface from the machine, where it has `index`, into its node."""
    namespace = store.open(lent.node)
    try:
        with in_machine(store), Netlink() as there:
            _move(there, index, namespace, _FIRST_INDEX + index, f"{lent.name} to {lent.node}")
    finally:
        os.close(namespace)


def _move(netlink: Netlink, index: int, namespace: int, wanted: int, words: str) -> None:
    """Move an interface of the socket's namespace to another one, where it has the index `wanted` if free."""
    for more in (messages.u32(_IFLA_NEW_IFINDEX, wanted), b""):
        body = messages.link_body(index) + messages.u32(messages.IFLA_NET_NS_FD, namespace) + more
        batch = Batch()
        batch.add(messages.message(messages.RTM_NEWLINK, NLM_F_REQUEST, body), "move", words)
        try:
            netlink.run(batch)
        except KernelError as error:
            if not more or error.errno not in _INDEX_TAKEN:
                raise
        else:
            return


def _set_up(netlink: Netlink, lent: Lent, links: dict[str, FoundInterface]) -> None:
    """Bring the interface up in its node, with its addresses there; on a switch as a port of its bridge."""
    found, batch = links[lent.name], Batch()
    if _has_bridge(links) and found.master != BRIDGE_INDEX:
        batch.add(messages.link_master(found.ifindex, BRIDGE_INDEX), "add to the bridge", lent.name)
    batch.add(messages.link_up(found.ifindex), "bring up", lent.name)
    for text in lent.addresses:
        packed, length = _packed(text)
        batch.add(messages.address(found.ifindex, packed, length), f"give {text} to", lent.name)
    netlink.run(batch, ignore=_THERE)


def _has_bridge(links: dict[str, FoundInterface]) -> bool:
    return any(link.ifindex == BRIDGE_INDEX and link.kind == "bridge" for link in links.values())


def _packed(text: str) -> tuple[bytes, int]:
    address = ip_interface(text)
    return address.ip.packed, address.network.prefixlen


def give_back(
    store: NamespaceStore, folder: Path, note: Note, which: Callable[[Lent], bool] = lambda _: True
) -> None:
    """Give the machine back those interfaces of the note that `which` accepts, with their settings.

    It may be repeated. Call inside the store's mount namespace.
    """
    for place, lent in enumerate(note.lent):
        if lent.settings is not None and which(lent):
            _move_out(store, lent, lent.settings.index)
            with in_machine(store):
                restore_settings(lent)
            note.lent[place] = replace(lent, settings=None)
            write_note(folder, note)


def give_back_of(store: NamespaceStore, nodes: Collection[str]) -> None:
    """Give back what `nodes` have, which are removed next. Call inside the store's mount namespace."""
    folder = store.folder.parent
    note = read_note(folder)
    if any(lent.node in nodes for lent in note.lent):
        give_back(store, folder, note, lambda lent: lent.node in nodes)


def _move_out(store: NamespaceStore, lent: Lent, index: int) -> None:
    """Move an interface from its node to the machine; nothing if it isn't there."""
    with suppress(MissingError):
        store.go(lent.node)
        machine = store.open(MACHINE_FILE)
        try:
            with Netlink() as netlink:
                found = interfaces_of(netlink).get(lent.name)
                if found is None:
                    return
                if found.master:
                    batch = Batch()
                    batch.add(messages.link_master(found.ifindex, 0), "take from the bridge", lent.name)
                    netlink.run(batch)
                _move(netlink, found.ifindex, machine, index, f"{lent.name} of {lent.node} to the machine")
        finally:
            os.close(machine)


def restore_settings(lent: Lent) -> None:
    """Lead an interface that is on the machine, in this thread's namespace, back to its settings."""
    with Netlink() as netlink:
        found = interfaces_of(netlink).get(lent.name)
        if found is not None and lent.settings is not None:
            put_settings(netlink, lent.name, found, lent.settings)


def lent_deviations(store: NamespaceStore, lent: Lent) -> Iterator[Deviation]:
    """Yield what differs of an interface in its node, which exists. Call inside the store's mounts."""
    store.go(lent.node)
    with Netlink() as netlink:
        links = interfaces_of(netlink)
        addresses = {parse.address(body) for _, body in netlink.dump(dumps.ADDRESSES)}
    found = links.get(lent.name)
    if found is None:
        yield Deviation(lent.node, f"interface {lent.name} of the machine", "here", "missing")
        return
    if not found.up:
        yield Deviation(lent.node, f"interface {lent.name} of the machine", "up", "down")
    if _has_bridge(links) and found.master != BRIDGE_INDEX:
        yield Deviation(lent.node, f"interface {lent.name} of the machine", "in the bridge", "not in it")
    for text in lent.addresses:
        if (found.ifindex, *_packed(text)) not in addresses:
            yield Deviation(lent.node, f"address {text} on {lent.name}", "present", "missing")
