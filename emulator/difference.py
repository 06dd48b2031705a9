"""Difference between the running network and a file. Pure.

Two nodes are the same if they have the same name and the same definition. Two links are the same if they
join the same ports of the same nodes. Everything else is removed and created again. Remaining elements keep
running; only their settings are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from emulator.node_settings import NodeSettings, node_settings
from emulator.plan import Plan
from topologies.counting import counted, some_names
from topologies.identifiers import bridge_name, interface_name
from topologies.link_mtu import IPV6_LEAST, link_mtus
from topologies.topology import I64, Topology
from topologies.vpcs import Vpcs

LinkKey = tuple[tuple[str, str], tuple[str, str]]
"""Key of a link: its two (node name, interface name), in order."""


@dataclass
class Difference:
    """Operations that lead from an old plan to a new one.

    `gone_nodes` are names, each with the file of the node's former namespace. `gone_links` are (node name,
    interface index) from which to delete a link. `new_links` is bool over the new plan's links. `kept` are
    the (old, new) settings of remaining nodes with changed settings.
    """

    gone_nodes: dict[str, str] = field(default_factory=dict)
    new_nodes: list[int] = field(default_factory=list)
    gone_links: list[tuple[str, int]] = field(default_factory=list)
    new_links: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    kept: list[tuple[NodeSettings, NodeSettings]] = field(default_factory=list)
    removed_links: int = 0

    @property
    def is_empty(self) -> bool:
        """True when nothing differs."""
        return not (
            self.gone_nodes or self.new_nodes or self.removed_links or self.new_links.any() or self.kept
        )

    def lines(self, names: Iterable[str] = ()) -> list[str]:
        """Return the changes for people, one line each; `names` are those of the new nodes."""
        settled = [new.name for _, new in self.kept]
        links = (int(self.new_links.sum()), self.removed_links)
        return difference_lines(list(names), list(self.gone_nodes), links, settled)


def difference_lines(
    added: Sequence[str], removed: Sequence[str], links: tuple[int, int], settled: Sequence[str]
) -> list[str]:
    """Return the changes, one line each: nodes by name, (added, removed) links, nodes with new settings."""
    come, go = links
    lines = (
        _of_nodes("added", added),
        _of_nodes("removed", removed),
        f"added {counted(come, 'link')}" if come else "",
        f"removed {counted(go, 'link')}" if go else "",
        _of_nodes("changed settings of", settled),
    )
    return [line for line in lines if line]


def _of_nodes(verb: str, names: Sequence[str]) -> str:
    return f"{verb} {counted(len(names), 'node')}: {some_names(names)}" if names else ""


def same_plan(old: Plan, new: Plan) -> bool:
    """Return whether two plans lead to the same network: in linear time, without looking at any node."""
    same = old.topology is new.topology or _same_fields(old.topology, new.topology, but="positions")
    same = same and np.array_equal(old.links_up, new.links_up) and old.options == new.options
    same = same and old.share == new.share
    return same and old.workers == new.workers and np.array_equal(old.placement, new.placement)


def _same_fields(one: Topology | Vpcs, other: Topology | Vpcs, but: str = "") -> bool:
    """Return whether two objects of one class have the same fields, apart from the one called `but`."""
    names = (field.name for field in fields(one) if field.name != but)
    return all(_same(getattr(one, name), getattr(other, name)) for name in names)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, Vpcs) and isinstance(other, Vpcs):
        return _same_fields(one, other)
    return bool(one == other)


def difference(old: Plan, new: Plan) -> Difference:
    """Return the difference between what this machine has of `old` and of `new`."""
    if same_plan(old, new):
        return Difference(new_links=np.zeros(new.topology.link_count, dtype=bool))
    before, after = _identities(old), _identities(new)
    same = {name for name, identity in after.items() if before.get(name) == identity}
    old_links, new_links = (link_keys(p.topology, p.here.wires) for p in (old, new))
    out = Difference(
        gone_nodes={
            name: old.namespaces.file(node)
            for node, name in zip(old.here.nodes.tolist(), old.here.names, strict=True)
            if name not in same
        },
        new_nodes=[
            node
            for node, name in zip(new.here.nodes.tolist(), new.here.names, strict=True)
            if name not in same
        ],
        new_links=np.zeros(new.topology.link_count, dtype=bool),
    )
    # IPv6, and what keeps a port quiet, come and go with the MTU: such a link is created again
    had_ipv6, has_ipv6 = (link_mtus(plan.topology) >= IPV6_LEAST for plan in (old, new))
    kept_new = {
        key: link
        for key, link in new_links.items()
        if key in old_links
        and _joins(new, link, same)
        and _wire(old, old_links[key]) == _wire(new, link)
        and had_ipv6[old_links[key]] == has_ipv6[link]
    }
    for key, link in new_links.items():
        out.new_links[link] = key not in kept_new
    for key, link in old_links.items():
        if key in kept_new:
            continue
        out.removed_links += 1
        degrees = old.topology.degrees[old.topology.ends[link]]
        ends = {found.end: found for found in old.here.ends_here(link)}
        for end in np.argsort(-degrees, kind="stable").tolist():  # many at one node cost as little as one
            name = old.topology.names[int(old.topology.ends[link, end])]
            if end in ends and name in same:
                out.gone_links.append((name, ends[end].ifindex))
                break
    out.kept = _changed(old, new, same, {old_links[key]: link for key, link in kept_new.items()})
    return out


def _joins(plan: Plan, link: int, names: set[str]) -> bool:
    """Return whether the nodes on this machine at the ends of a link are all in `names`."""
    ends: list[int] = plan.topology.ends[link].tolist()
    return all(plan.topology.names[node] in names for node in ends if plan.here.has(node))


def _wire(plan: Plan, link: int) -> tuple[object, ...]:
    """Return what a link is made of: the indices of its ends here, or the end of a tunnel."""
    part = plan.here
    indices = part.indices.ends[part.link_row[link]]
    tunnel = part.tunnel(link)
    return (*sorted(indices),) if tunnel is None else (*(end.ifindex for end in part.ends_here(link)), tunnel)


def _identities(plan: Plan) -> dict[str, tuple[object, ...]]:
    """Return each node's definition; a node with another definition must be created again."""
    topology, forwarding = plan.topology, plan.forwarding
    kinds = topology.kinds.tolist()
    ipv6 = topology.pools.ipv6 is None
    out: dict[str, tuple[object, ...]] = {}
    for node, name in zip(plan.here.nodes.tolist(), plan.here.names, strict=True):
        bridge = bridge_name(topology, node) if forwarding.has_bridge(node) else ""
        out[name] = (kinds[node], bridge, forwarding.is_router(node), ipv6, plan.namespaces.file(node))
    return out


def link_keys(topology: Topology, links: I64 | None = None) -> dict[LinkKey, int]:
    """Return every link, or those of `links`, by the names of its two ends, which are unique."""
    out: dict[LinkKey, int] = {}
    names, some = topology.names, np.arange(topology.link_count) if links is None else links
    rows = zip(some.tolist(), topology.ends[some].tolist(), topology.ports[some].tolist(), strict=True)
    for link, (a, b), (p, q) in rows:
        first, second = sorted(
            ((names[a], interface_name(topology, a, p)), (names[b], interface_name(topology, b, q)))
        )
        out[first, second] = link
    return out


def _changed(
    old: Plan, new: Plan, same: set[str], links: dict[int, int]
) -> list[tuple[NodeSettings, NodeSettings]]:
    """Return the changed settings of the nodes in `same`; `links` maps remaining old links to new ones."""
    kept_old, kept_new = frozenset(links), frozenset(links.values())
    index = dict(zip(old.here.names, old.here.nodes.tolist(), strict=True))
    out = []
    for node, name in zip(new.here.nodes.tolist(), new.here.names, strict=True):
        if name not in same:
            continue
        before = node_settings(old, index[name], kept_old)
        after = node_settings(new, node, kept_new)
        if before != after:
            out.append((before, after))
    return out
