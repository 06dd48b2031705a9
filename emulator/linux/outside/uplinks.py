"""Uplinks: a veth pair from a node of `kind: nat` or `kind: outside` to the machine, addressed at both ends.

A nat's end has its default route. The machine has no route to the network behind the node: the node
masquerades what leaves it, and the machine what comes from the uplink. So the addresses of the emulated
network never meet those of the machine.

By an outside node, the machine reaches the network: it has routes over its end, the node masquerades what
it sends, and sends TCP and UDP to the node's own address on to the machine. Moving the node's port into the
machine's namespace was rejected: its indices, addresses and sysctls would be the machine's.

The pair, with its routes, ends with the node's namespace.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from emulator.deviation import Deviation
from emulator.linux import nftables
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.nftables import Masquerade, Redirect, Rule
from emulator.linux.observed.parse import Found
from emulator.linux.observed.read import DumpSelection, read_here
from emulator.linux.outside.machine import in_machine
from emulator.linux.outside.note import NODE_INTERFACE, Uplink
from emulator.node_namespaces import MACHINE_FILE

PREFIX = "emu-"
"""Of names of our interfaces on the machine."""
NODE_TABLE, NODE_COMMENT = "emulator", "emulator: way out of this node"
_INDEX = 9
"""Index of the uplink in the node: below those of ports, see `emulator.indices`."""
_THERE = frozenset({errno.EEXIST})
_ANYWHERE = bytes(4)


def interface_for(root: Path, network: str, node: str) -> str:
    """Return the name on the machine of the uplink of a network's node."""
    return f"{PREFIX}{sha256(f'{root}/{network}/{node}'.encode()).hexdigest()[:8]}"


def put_uplink(uplink: Uplink, store: NamespaceStore) -> None:
    """Create the uplink, or lead it back to what it should be. Call inside the store's mount namespace."""
    store.go(uplink.node)
    machine = store.open(MACHINE_FILE)
    try:
        with Netlink() as netlink:
            if _index(NODE_INTERFACE) is None:
                _make(netlink, uplink, machine, store)
            index = _index(NODE_INTERFACE) or _INDEX
            batch = _settings(uplink.node, index, uplink.inside.packed, uplink.length)
            if uplink.is_nat:
                out = messages.route(_ANYWHERE, 0, [(index, uplink.machine.packed)])
                batch.add(out, "add route of", uplink.node)
            netlink.run(batch, ignore=_THERE)
    finally:
        os.close(machine)
    rules = node_rules(uplink)
    if not nftables.is_whole(NODE_TABLE, rules):
        nftables.put_table(NODE_TABLE, NODE_COMMENT, rules)
    with in_machine(store), Netlink() as netlink:
        index = _index(uplink.interface) or 0
        batch = _settings(uplink.interface, index, uplink.machine.packed, uplink.length)
        for network in map(IPv4Network, uplink.reached):
            way = messages.route(
                network.network_address.packed, network.prefixlen, [(index, uplink.inside.packed)]
            )
            batch.add(way, "add on the machine the route to", str(network))
        netlink.run(batch, ignore=_THERE)


def node_rules(uplink: Uplink) -> list[Rule]:
    """Return the rules in the node: what leaves a nat has its address, and so has what the machine sends."""
    if uplink.is_nat:
        return [Masquerade(NODE_INTERFACE)]
    return [
        Masquerade(NODE_INTERFACE, IPv4Network(uplink.network)),
        *(
            Redirect(NODE_INTERFACE, IPv4Address(place), uplink.machine, protocol)
            for place in uplink.places
            for protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP)
        ),
    ]


def _make(netlink: Netlink, uplink: Uplink, machine: int, store: NamespaceStore) -> None:
    """Create the pair; the kernel chooses the index on the machine, where any may be in use.

    The kernel deletes namespaces some time after they are left, so an earlier pair may still be there.
    """
    with in_machine(store), Netlink() as there:
        if old := _index(uplink.interface):
            batch = Batch()
            batch.add(messages.link_delete(old), "remove the earlier uplink of", uplink.node)
            there.run(batch, ignore=frozenset({errno.ENODEV}))
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
    """What the kernel has of an uplink: in its node, on the machine, whether the node's rules are there."""

    node: Found
    machine: Found
    ruled: bool

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
        if (
            uplink.is_nat
            and inside.up
            and not _has(self.node, _ANYWHERE, 0, (inside.ifindex, uplink.machine.packed))
        ):
            yield Deviation(name, f"default route by {uplink.machine}", "present", "missing")
        for network in map(IPv4Network, uplink.reached):
            hop = (outside.ifindex, uplink.inside.packed)
            if outside.up and not _has(self.machine, network.network_address.packed, network.prefixlen, hop):
                yield Deviation("machine", f"route to {network} by {uplink.interface}", "present", "missing")
        if not self.ruled:
            yield Deviation(name, f"rules of its nf_tables table {NODE_TABLE}", "those of the plan", "others")


def _has(found: Found, packed: bytes, length: int, hop: tuple[int, bytes]) -> bool:
    return any(hop in route.hops for route in found.routes.get((packed, length), ()))


def uplink_deviations(uplink: Uplink, store: NamespaceStore) -> list[Deviation]:
    """Return what differs from `uplink`, whose node exists; call it inside the store's mount namespace."""
    selection = DumpSelection()
    store.go(uplink.node)
    node, ruled = read_here(selection), nftables.is_whole(NODE_TABLE, node_rules(uplink))
    store.go(MACHINE_FILE)
    return list(UplinkState(node, read_here(selection), ruled).deviations(uplink))


def masquerades(uplinks: list[Uplink]) -> list[Rule]:
    """Return the rules on the machine for the nats of a network."""
    return [Masquerade(one.interface, IPv4Network(one.network)) for one in uplinks if one.is_nat]
