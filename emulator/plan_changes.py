"""Text of the changes that `up` makes on remaining nodes of a running network. Pure.

MACs and automatic addresses depend on a node's position in the file (`topologies.identifiers`,
`topologies.addressing`). A node or a branch added before others changes theirs; those changes are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT
from emulator.plan import Plan
from topologies.counting import counted, size_text
from topologies.identifiers import interface_name, mac
from topologies.profiles import NodeProfile
from topologies.services import Setup

_MOST = 10
"""Maximum number of nodes named one by one; beyond it only the first few are, with the total."""
_FIRST = 3


def limit_changes(old: Plan, new: Plan) -> list[str]:
    """Return the changed limits and settings of remaining nodes: `h1: cpu 0.5 → 0.2`, one line per node."""
    old, new, found = old.full, new.full, []
    if old.topology.node_profiles != new.topology.node_profiles or len(new.topology.node_profiles) > 1:
        before = {name: old.topology.node_profile_of(node) for node, name in _named(old)}
        for node, name in _named(new):
            was = before.get(name)
            words = ", ".join(_limits(was, new.topology.node_profile_of(node))) if was else ""
            if words:
                found.append(f"{name}: {words}")
    return shortened(found, "changed limits or settings")


def _limits(was: NodeProfile, now: NodeProfile) -> Iterator[str]:
    if was.cpu != now.cpu:
        yield f"cpu {_number(was.cpu)} → {_number(now.cpu)}"
    if was.memory != now.memory:
        yield f"memory {_size(was.memory)} → {_size(now.memory)}"
    if was.setup != now.setup:
        yield from _setups(was.setup, now.setup)


def _setups(was: Setup, now: Setup) -> Iterator[str]:
    """Yield the changes of services, variables and sysctls, each by its name."""
    before, after = ({service.name: service for service in setup.run} for setup in (was, now))
    yield from _by_name("service", before, after)
    yield from _by_name("variable", dict(was.environment), dict(now.environment))
    yield from _by_name("file", dict(was.files), dict(now.files))
    yield from _by_name("private directory", dict.fromkeys(was.private), dict.fromkeys(now.private))
    before_vlans, after_vlans = ({vlan.name: vlan for vlan in setup.vlans} for setup in (was, now))
    yield from _by_name("VLAN interface", before_vlans, after_vlans)
    yield from _by_name("sysctl", dict(was.sysctl), dict(now.sysctl))


def _by_name(what: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        if name not in before or name not in after or before[name] != after[name]:
            verb = "removed" if name not in after else "changed" if name in before else "added"
            yield f"{what} {name} {verb}"


def _number(value: float | None) -> str:
    return "unlimited" if value is None else f"{value:g}"


def _size(value: int | None) -> str:
    return "unlimited" if value is None else size_text(value)


def identity_changes(old: Plan, new: Plan) -> list[str]:
    """Return the changed MACs and addresses of remaining nodes, one line per node.

    `h1: MAC 02:00:00:05:00:00 → 02:00:00:06:00:00, address 10.0.0.4/8 → 10.0.0.5/8`. Ports in only one of the
    plans don't count: they come or go with their links. Light ports have lines of their own. Nodes on other
    machines are left to these.
    """
    old, new, found = old.full, new.full, []
    index = {name: node for node, name in _named(old)}
    for node, name in _named(new):
        before = index.get(name)
        if before is None:
            continue
        if words := ", ".join(_identity(old, before, new, node)):
            found.append(f"{name}: {words}")
    return shortened(found, "changed MACs or addresses")


def _named(plan: Plan) -> Iterator[tuple[int, str]]:
    """Return the nodes on this machine with their names."""
    return zip(plan.here.nodes.tolist(), plan.here.names, strict=True)


def _identity(old: Plan, before: int, new: Plan, after: int) -> Iterator[str]:
    was, now = _macs(old, before), _macs(new, after)
    changed = [port for port in now if port in was and was[port] != now[port]]
    if changed:
        more = f" and {counted(len(changed) - 1, 'port')} more" if len(changed) > 1 else ""
        port = changed[0]
        yield f"MAC {was[port]} → {now[port]}{more}"
    had, has = _addresses(old, before), _addresses(new, after)
    if had == has:
        return
    gone = [text for text in had if text not in has]
    come = [text for text in has if text not in had]
    yield f"address {_first_of(gone)} → {_first_of(come)}"


def _first_of(texts: list[str]) -> str:
    return (texts[0] + (f" and {len(texts) - 1} more" if len(texts) > 1 else "")) if texts else "none"


def _macs(plan: Plan, node: int) -> dict[str, str]:
    """Return the MAC of each interface of `node` by its name, including the bridge."""
    topology = plan.topology
    ports = [end.port for end in topology.incident(node)]
    out = {interface_name(topology, node, port): mac(topology, node, port).hex(":") for port in ports}
    if plan.forwarding.has_bridge(node):
        out["bridge"] = mac(topology, node, BRIDGE_PORT).hex(":")
    return out


def _addresses(plan: Plan, node: int) -> list[str]:
    """Return the addresses of `node` in the plan, except those of ports that don't exist."""
    there = {BRIDGE_PORT, LOOPBACK_PORT}
    there |= {end.port for end in plan.topology.incident(node)}
    return [f"{a.text}/{a.length}" for a in plan.forwarding.addresses(node) if a.port in there]


def shortened(lines: list[str], what: str) -> list[str]:
    """Return `lines`, one per node, or the first of them and their total number."""
    if len(lines) <= _MOST:
        return lines
    return [f"{what} of {counted(len(lines), 'node')}, the first of them:", *lines[:_FIRST]]
