"""VLAN sub-interfaces of nodes: made on ports that exist, compared, and removed when they leave the file.

The kernel removes one with its port; what makes the port again calls `restore_vlans`. They are keyed by
namespace and by the names of interfaces, so it doesn't matter who made the port.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import ip_interface
from pathlib import Path

from emulator.atomic_write import write_atomically
from emulator.deviation import Deviation
from emulator.errors import MissingError
from emulator.linux.machine.features import fix_module, has_vlan
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import dumps, messages, vlan_messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.netlink.vlan_messages import FoundLink, read_link
from emulator.linux.observed import parse
from emulator.plan_part import PlanPart
from topologies.counting import some_names
from topologies.identifiers import interface_name
from topologies.nodes_having import nodes_having
from topologies.services import Vlan
from topologies.topology import Topology

_FIRST_INDEX = 1 << 26
_PER_PORT = 1 << 12

Links = dict[str, FoundLink]


def vlan_index(vlan: Vlan) -> int:
    """Return the index of the sub-interface: no port's, and no other sub-interface's of the node."""
    return _FIRST_INDEX + vlan.port * _PER_PORT + vlan.id


def wanted_vlans(part: PlanPart, nodes: Iterable[int] | None = None) -> dict[int, tuple[Vlan, ...]]:
    """Return the sub-interfaces of the part's nodes, by node."""
    found = nodes_having(part.topology, lambda profile: bool(profile.setup.vlans), part.nodes)
    chosen = set(found if nodes is None else nodes)
    return {node: part.topology.node_profile_of(node).setup.vlans for node in found if node in chosen}


def vlan_deviations(part: PlanPart, store: NamespaceStore) -> list[Deviation]:
    """Return the sub-interfaces that differ from the plan. Those whose port is missing aren't named."""
    wanted, out = wanted_vlans(part), []
    if not wanted:
        return []
    with store.entered():
        for node, vlans in wanted.items():
            with suppress(MissingError):  # reported as a missing node
                store.go(part.namespaces.file(node))
                with Netlink() as netlink:
                    out += list(_differences(netlink, part, node, vlans))
    return out


def _differences(netlink: Netlink, part: PlanPart, node: int, vlans: tuple[Vlan, ...]) -> Iterator[Deviation]:
    links, name = _links(netlink), part.topology.names[node]
    known = _addresses(netlink)
    for vlan in vlans:
        port = interface_name(part.topology, node, vlan.port)
        if port not in links:
            continue
        expected, found = f"VLAN {vlan.id} on {port}", links.get(vlan.name)
        if found is None:
            yield Deviation(name, f"interface {vlan.name}", expected, "missing")
        elif not _is_right(vlan, found, links[port]):
            yield Deviation(name, f"interface {vlan.name}", expected, "another interface")
        else:
            if not found.up and links[port].up:
                yield Deviation(name, f"interface {vlan.name}", "up", "down")
            for text in vlan.addresses:
                if _packed(text) not in known.get(found.device, set()):
                    yield Deviation(name, f"address {text} of {vlan.name}", "there", "missing")


def set_vlans(part: PlanPart, store: NamespaceStore, folder: Path) -> None:
    """Make the sub-interfaces of the part's nodes, and remove those that only an earlier plan had.

    What is made is noted in the network's folder first. KernelError if the kernel refuses one.
    """
    note, wanted = folder / "vlans.json", wanted_vlans(part)
    before: dict[str, list[str]] = json.loads(note.read_bytes()) if note.exists() else {}
    if not wanted and not before:
        return
    names = part.topology.names
    now = {names[node]: [vlan.name for vlan in vlans] for node, vlans in wanted.items()}
    either = dict.fromkeys((*before, *now))
    write_atomically(note, json.dumps({n: sorted({*before.get(n, ()), *now.get(n, ())}) for n in either}))
    here = dict(zip(part.names, part.nodes.tolist(), strict=True))
    with store.entered():
        for name in either:
            if name in here:
                gone = set(before.get(name, ())) - set(now.get(name, ()))
                _lead(part, store, here[name], wanted.get(here[name], ()), gone)
    write_atomically(note, json.dumps(now))


def restore_vlans(part: PlanPart, store: NamespaceStore, nodes: Iterable[int]) -> None:
    """Make the sub-interfaces of `nodes` whose ports were made again; call it inside the store's mounts."""
    for node, vlans in wanted_vlans(part, nodes).items():
        _lead(part, store, node, vlans, set())


def _lead(part: PlanPart, store: NamespaceStore, node: int, vlans: tuple[Vlan, ...], gone: set[str]) -> None:
    store.go(part.namespaces.file(node))
    quiet, name = part.topology.pools.ipv6 is None, part.topology.names[node]
    with Netlink() as netlink:
        links, removal = _links(netlink), Batch()
        wrong = {v.name for v in vlans if v.name in links and not _is_right(
            v, links[v.name], links.get(interface_name(part.topology, node, v.port)))}  # fmt: skip
        for each in (gone | wrong) & links.keys():
            removal.add(messages.link_delete(links[each].device), "remove", f"{each} of {name}")
        netlink.run(removal)
        known, batch = _addresses(netlink), Batch()
        for vlan in vlans:
            port = links.get(interface_name(part.topology, node, vlan.port))
            if port is None:
                continue
            there, index = vlan.name in links and vlan.name not in wrong, vlan_index(vlan)
            label = f"{vlan.name} of {name}"
            if not there:
                made = vlan_messages.vlan(vlan.name.encode(), index, port.device, vlan.id)
                batch.add(made, "make VLAN", label)
                if quiet:
                    batch.add(messages.no_link_local(index), "quieten", label)
            if port.up:  # the kernel refuses it otherwise, and brings it up with the port
                batch.add(messages.link_up(index), "bring up", label)
            for text in vlan.addresses:
                packed, length = _packed(text)
                if not there or (packed, length) not in known.get(index, set()):
                    batch.add(messages.address(index, packed, length), f"give {text} to", label)
        netlink.run(batch)


def _is_right(vlan: Vlan, found: FoundLink, port: FoundLink | None) -> bool:
    return port is not None and found[0:1] + found[2:] == (vlan_index(vlan), port.device, vlan.id)


def _links(netlink: Netlink) -> Links:
    return dict(read_link(body) for _, body in netlink.dump(dumps.LINKS))


def _addresses(netlink: Netlink) -> dict[int, set[tuple[bytes, int]]]:
    out: dict[int, set[tuple[bytes, int]]] = {}
    for _, body in netlink.dump(dumps.ADDRESSES):
        index, packed, length = parse.address(body)
        out.setdefault(index, set()).add((packed, length))
    return out


def _packed(text: str) -> tuple[bytes, int]:
    address = ip_interface(text)
    return address.ip.packed, address.network.prefixlen


def refused_vlans(topology: Topology) -> list[str]:
    """Return why nodes can't have VLAN sub-interfaces here: the kernel may lack them."""
    nodes = nodes_having(topology, lambda profile: bool(profile.setup.vlans))
    if not nodes or has_vlan() is not False:
        return []
    which = some_names([topology.names[node] for node in nodes])
    return [f"vlans of {which}: the kernel has no 8021q; {fix_module('8021q')}"]
