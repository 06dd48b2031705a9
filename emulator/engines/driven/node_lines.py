"""Settings of a node beyond the driven program's own: lines for `ip -batch`, each with its inverse. Pure.

Lines use the names of interfaces, not their indices: the program lets the kernel choose the indices.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from ipaddress import ip_address

from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT, Role, Route
from emulator.plan import Plan
from topologies.identifiers import bridge_name, interface_name, mac
from topologies.topology import Kind, Topology

Lines = dict[str, str]
"""Lines in the order of execution, each with its inverse ("" for none)."""

_NO_PORTS: frozenset[int] = frozenset()


def is_switch(plan: Plan, node: int) -> bool:
    """Return whether `node` is a switch of the program; the others are hosts, including routers."""
    return bool(plan.topology.kinds[node] == Kind.SWITCH) and not plan.forwarding.is_router(node)


def program_name(plan: Plan, node: int) -> str:
    """Return the program's name of `node`: a switch has the name of its bridge, 15 characters at most."""
    return bridge_name(plan.topology, node) if is_switch(plan, node) else plan.topology.names[node]


def device(topology: Topology, node: int, port: int) -> str:
    """Return the name of the interface behind `port`, including the bridge and the loopback."""
    if port == BRIDGE_PORT:
        return bridge_name(topology, node)
    return "lo" if port == LOOPBACK_PORT else interface_name(topology, node, port)


def node_lines(plan: Plan, node: int, down: AbstractSet[int] = _NO_PORTS) -> Lines:
    """Return all settings of `node`; routes don't use the ports in `down`."""
    topology, forwarding = plan.topology, plan.forwarding
    out: Lines = {}
    if forwarding.has_bridge(node):
        _bridge(plan, node, out)
    there = {BRIDGE_PORT, LOOPBACK_PORT}
    for link, _, port in topology.incident(node):
        there.add(port)
        mtu = topology.link_profile_of(link).mtu
        if mtu is not None:
            name = interface_name(topology, node, port)
            out[f"link set dev {name} mtu {mtu}"] = f"link set dev {name} mtu 1500"
    for address in forwarding.addresses(node):
        if address.port not in there:  # the address of a host without links
            continue
        words = f"{address.text}/{address.length} dev {device(topology, node, address.port)}"
        out[f"addr replace {words}" + (" nodad" if address.version == 6 else "")] = f"addr del {words}"
    return out | passing_lines(plan, node, down)


def passing_lines(plan: Plan, node: int, down: AbstractSet[int] = _NO_PORTS) -> Lines:
    """Return the lines that the kernel drops when a port goes down: routes and permanent neighbours."""
    topology, forwarding = plan.topology, plan.forwarding
    out: Lines = {}
    for route in sorted(forwarding.routes(node), key=lambda r: r.hops[0].gateway is not None):
        out |= _route(topology, node, route, down)
    for entry in forwarding.neighbours(node):
        if entry.port not in down:
            words = f"{ip_address(entry.packed)} dev {device(topology, node, entry.port)}"
            out[f"neigh replace {words} lladdr {entry.mac.hex(':')} nud permanent"] = f"neigh del {words}"
    return out


def after_up(
    plan: Plan, node: int, down: AbstractSet[int] = _NO_PORTS, ports: AbstractSet[int] | None = None
) -> list[str]:
    """Return the lines to repeat after a port of `node` has come up; the ports in `down` are still down.

    With `ports`, only lines that name one of these ports or an IPv6 address of theirs: the kernel has dropped
    nothing else.
    """
    lost = [line for line in node_lines(plan, node, down) if line.endswith(" nodad")]
    lines = lost + list(passing_lines(plan, node, down))
    if ports is None:
        return lines
    words = {f" dev {device(plan.topology, node, port)} " for port in ports}
    words |= {f" src {a.text} " for a in plan.forwarding.addresses(node) if a.port in ports}
    return [line for line in lines if any(word in f"{line} " for word in words)]


def changes(before: Lines, after: Lines) -> tuple[list[str], list[str]]:
    """Return the lines that remove, and the lines that add, to change `before` into `after`."""
    kept = set(after.values())
    removed = [
        back for line, back in reversed(before.items()) if back and line not in after and back not in kept
    ]
    return removed, [line for line in after if line not in before]


def _bridge(plan: Plan, node: int, out: Lines) -> None:
    """Add a node's bridge. Mininet creates a switch's, and its MAC is set here; a host's is created here."""
    topology = plan.topology
    name = bridge_name(topology, node)
    address = mac(topology, node, BRIDGE_PORT).hex(":")
    if is_switch(plan, node):
        if topology.node_profile_of(node).switch == "bridge":
            out[f"link set dev {name} address {address}"] = ""
        elif plan.forwarding.addresses(node):
            out[f"link set dev {name} up"] = ""
        return
    out[f"link add {name} type bridge mcast_snooping 0"] = f"link del {name}"
    out[f"link set dev {name} address {address}"] = ""  # separate: it may change while the bridge stays
    out[f"link set dev {name} up"] = ""
    for link, end, number in topology.incident(node):
        if plan.forwarding.roles[link, end] == Role.BRIDGED:
            port = interface_name(topology, node, number)
            out[f"link set dev {port} master {name}"] = f"link set dev {port} nomaster"


def _route(topology: Topology, node: int, route: Route, down: AbstractSet[int]) -> Lines:
    hops = [hop for hop in route.hops if hop.port not in down]
    if not hops:
        return {}
    prefix = f"{ip_address(route.packed)}/{route.length}"
    source = f" src {ip_address(route.source)}" if route.source else ""
    ways = [
        (f"via {ip_address(hop.gateway)} " if hop.gateway else "") + f"dev {device(topology, node, hop.port)}"
        for hop in hops
    ]
    words = ways[0] if len(ways) == 1 else " ".join(f"nexthop {way}" for way in ways)
    return {f"route replace {prefix}{source} {words}": f"route del {prefix}"}


def host_address(plan: Plan, node: int) -> str | None:
    """Return the address that the program gives a host: IPv4, on its interface with the lowest port."""
    topology = plan.topology
    ports = [end.port for end in topology.incident(node)]
    if not ports or is_switch(plan, node):
        return None
    for address in plan.forwarding.addresses(node):
        if address.version == 4 and address.port == min(ports):
            return f"{address.text}/{address.length}"
    return None
