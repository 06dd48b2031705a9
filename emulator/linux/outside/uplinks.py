"""Uplinks of nat nodes: a veth pair from the node to the machine, addressed at both ends.

The node's end has its default route. The machine has no route to the network behind the node: the node
masquerades what leaves it, and the machine what comes from the uplink. So the addresses of the emulated
network never meet those of the machine. The pair ends with the node's namespace.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Network
from pathlib import Path

from emulator.deviation import Deviation
from emulator.linux import nftables
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.nftables import Masquerade
from emulator.linux.observed.parse import Found
from emulator.linux.observed.read import DumpSelection, read_here
from emulator.linux.outside.machine import in_machine
from emulator.linux.outside.note import NODE_INTERFACE, Uplink
from emulator.node_namespaces import MACHINE_FILE

NODE_TABLE, NODE_COMMENT = "emulator", "emulator: way out of this node"
_INDEX = 9
"""Index of the uplink in the node: below those of ports, see `emulator.indices`."""
_THERE = frozenset({errno.EEXIST})
_ANYWHERE = bytes(4)


def interface_for(root: Path, network: str, node: str) -> str:
    """Return the name on the machine of the uplink of a network's node."""
    return f"emu-{sha256(f'{root}/{network}/{node}'.encode()).hexdigest()[:8]}"


def put_uplink(uplink: Uplink, store: NamespaceStore) -> None:
    """Create the uplink, or lead it back to what it should be. Call inside the store's mount namespace."""
    store.go(uplink.node)
    machine = store.open(MACHINE_FILE)
    try:
        with Netlink() as netlink:
            if _index(NODE_INTERFACE) is None:
                _make(netlink, uplink, machine)
            index = _index(NODE_INTERFACE) or _INDEX
            batch = _settings(uplink.node, index, uplink.inside.packed, uplink.length)
            batch.add(
                messages.route(_ANYWHERE, 0, [(index, uplink.machine.packed)]), "add route of", uplink.node
            )
            netlink.run(batch, ignore=_THERE)
    finally:
        os.close(machine)
    nftables.put_table(NODE_TABLE, NODE_COMMENT, [Masquerade(NODE_INTERFACE)])
    with in_machine(store), Netlink() as netlink:
        index = _index(uplink.interface) or 0
        netlink.run(_settings(uplink.interface, index, uplink.machine.packed, uplink.length), ignore=_THERE)


def _make(netlink: Netlink, uplink: Uplink, machine: int) -> None:
    """Create the pair; the kernel chooses the index on the machine, where any may be in use."""
    seed = sha256(uplink.interface.encode()).digest()
    pair = messages.veth_here(
        NODE_INTERFACE.encode(), _INDEX, b"\x02" + seed[:5], namespace=machine,
        peer_name=uplink.interface.encode(), peer_index=0, peer_mac=b"\x02" + seed[5:10],
    )  # fmt: skip
    batch = Batch()
    batch.add(pair, "make the uplink of", uplink.node)
    netlink.run(batch)


def _settings(name: str, index: int, packed: bytes, length: int) -> Batch:
    batch = Batch()
    batch.add(messages.no_link_local(index), "quieten the uplink of", name)
    batch.add(messages.address(index, packed, length), "address the uplink of", name)
    batch.add(messages.link_up(index), "bring up the uplink of", name)
    return batch


def _index(name: str) -> int | None:
    with suppress(OSError):
        return socket.if_nametoindex(name)
    return None


@dataclass(frozen=True)
class UplinkState:
    """What the kernel has of an uplink: its node's namespace, the machine's, and the rules in the node."""

    node: Found
    machine: Found
    marks: frozenset[str]

    def deviations(self, uplink: Uplink) -> Iterator[Deviation]:
        """Yield the differences from `uplink`."""
        name = uplink.node
        inside, outside = (
            self.node.interfaces.get(NODE_INTERFACE), self.machine.interfaces.get(uplink.interface)
        )  # fmt: skip
        if inside is None or outside is None:
            yield Deviation(name, f"uplink to the machine ({uplink.interface})", "present", "missing")
            return
        for word, found, end, address in (
            (NODE_INTERFACE, self.node, inside, uplink.inside),
            (uplink.interface, self.machine, outside, uplink.machine),
        ):
            if not end.up:
                yield Deviation(name, f"uplink {word}", "up", "down")
            elif (end.ifindex, address.packed, uplink.length) not in found.addresses:
                yield Deviation(name, f"address {address}/{uplink.length} on {word}", "present", "missing")
        hops = {hop for route in self.node.routes.get((_ANYWHERE, 0), ()) for hop in route.hops}
        if inside.up and (inside.ifindex, uplink.machine.packed) not in hops:
            yield Deviation(name, f"default route by {uplink.machine}", "present", "missing")
        if Masquerade(NODE_INTERFACE).mark not in self.marks:
            yield Deviation(name, f"masquerading by {NODE_INTERFACE}", "on", "off")


def uplink_deviations(uplink: Uplink, store: NamespaceStore) -> list[Deviation]:
    """Return what differs from `uplink`; call it inside the store's mount namespace, where its node exists."""
    selection = DumpSelection()
    store.go(uplink.node)
    node, marks = read_here(selection), frozenset(nftables.rule_marks(NODE_TABLE))
    store.go(MACHINE_FILE)
    return list(UplinkState(node, read_here(selection), marks).deviations(uplink))


def masquerades(uplinks: list[Uplink]) -> list[Masquerade]:
    """Return the rules on the machine for all uplinks of a network."""
    return [Masquerade(uplink.interface, IPv4Network(uplink.network)) for uplink in uplinks]
