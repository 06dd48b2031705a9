"""What there is: `nodes`, `net`, `links`, `ports`, `intfs` and `dump`, as people know them from Mininet."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.interface.network import Network as Handle
from emulator.network import LinkState, Network
from topologies.identifiers import has_interface, interface_name
from topologies.topology import Kind


def _nodes(handle: Handle, network: Network, rest: str) -> int:
    del handle, rest
    for node, name in enumerate(network.topology.names):
        print(name, *network.addresses(node))
    return 0


def _links(handle: Handle, network: Network, rest: str) -> int:
    del handle, rest
    topology, states = network.topology, network.link_changes
    for link, (ends, ports) in enumerate(zip(topology.ends.tolist(), topology.ports.tolist(), strict=True)):
        a, b = (interface_name(topology, node, port) for node, port in zip(ends, ports, strict=True))
        word = "OK" if states.get(link, LinkState()).up else "down"
        print(f"{a}<->{b} ({word} {word})")
    return 0


def _net(handle: Handle, network: Network, rest: str) -> int:
    del handle, rest
    topology = network.topology
    for node, name in enumerate(topology.names):
        print(name, *(f"{here}:{there}" for here, there in _pairs(network, node)))
    return 0


def _pairs(network: Network, node: int) -> Iterator[tuple[str, str]]:
    """Yield (interface here, interface at the other end) of a node."""
    topology = network.topology
    for link, end, port in topology.incident(node):
        other, its = int(topology.ends[link, 1 - end]), int(topology.ports[link, 1 - end])
        if has_interface(topology, link, end):
            there = interface_name(topology, other, its) if has_interface(topology, link, 1 - end) else ""
            yield interface_name(topology, node, port), there or topology.names[other]


def _ports(handle: Handle, network: Network, rest: str) -> int:
    """Print the port numbers of switches."""
    del handle, rest
    topology = network.topology
    for node in (topology.kinds == Kind.SWITCH).nonzero()[0].tolist():
        ports = [(interface_name(topology, node, port), port) for _, _, port in topology.incident(node)]
        print(topology.names[node], *(f"{name}:{port}" for name, port in ports))
    return 0


def _intfs(handle: Handle, network: Network, rest: str) -> int:
    del handle, rest
    for node, name in enumerate(network.topology.names):
        print(f"{name}: {','.join(here for here, _ in _pairs(network, node))}")
    return 0


def _dump(handle: Handle, network: Network, rest: str) -> int:
    """Print each node with its interfaces and their addresses."""
    del network, rest
    for node in handle:
        interfaces = ",".join(
            f"{one.name}:{one.addresses[0].partition('/')[0] if one.addresses else None}"
            for one in node.interfaces
        )
        print(f"<{node.kind.capitalize()} {node.name}: {interfaces}>")
    return 0


LISTINGS = {"nodes": _nodes, "links": _links, "net": _net, "ports": _ports, "intfs": _intfs, "dump": _dump}
"""Command -> function of the network's handle, the network and the rest of the line."""
