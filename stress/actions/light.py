"""Light ports and VPCs that a step selects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

from stress.actions.plan_context import PlanContext
from stress.keys import TargetKeys
from stress.targets import Target
from stress.vpc_members import vpc_numbers
from topologies.topology import Topology

_NODES_ONLY = ("kind", "tier", "between")


def light_among(context: PlanContext, targets: Sequence[Target]) -> npt.NDArray[np.int64]:
    """Return the light nodes among `targets`: int64[k]; ParameterError when there are none."""
    require_light(context)
    light = context.topology.light
    found = [target.number for target in targets if light[target.number]]
    if not found:
        names = context.topology.names
        first, last = names[context.topology.full.node_count], names[len(names) - 1]
        raise context.error("target", f"matches no light port; they go from {first} to {last}")
    return np.array(found, dtype=np.int64)


def require_light(context: PlanContext) -> None:
    """Raise ParameterError when the network has no light ports."""
    if not context.topology.light.any():
        words = "the network has no light ports; `generator: vpc` makes some, and so does `fidelity: light`"
        raise context.error("action", words)


def other_hosts(
    context: PlanContext, nodes: npt.NDArray[np.int64], hosts: set[int], key: str
) -> npt.NDArray[np.int64]:
    """Return one of `hosts` for each light node, drawn by the seed, other than its own: int64[k].

    Only hosts that carry the addresses of its VPC are drawn; ParameterError about `key` without any.
    """
    topology = context.topology
    spaces = spaces_of_nodes(topology)[nodes]
    homes = topology.light_hosts[nodes - topology.full.node_count]
    drawn = context.stream("host").integers(1 << 30, len(nodes))
    chosen = np.empty(len(nodes), dtype=np.int64)
    carrying = spaces_of_hosts(topology)
    for space in np.unique(spaces).tolist():
        rows = np.flatnonzero(spaces == space)
        fit = np.array(sorted(hosts & carrying[space]), dtype=np.int64)
        at = np.searchsorted(fit, homes[rows])
        own = (at < len(fit)) & (np.append(fit, -1)[at] == homes[rows])
        count = len(fit) - own
        if not count.all():
            name = topology.names[int(nodes[rows[count == 0]][0])]
            words = f"leaves no other compute host with the addresses of `{name}`"
            raise context.error(key, f"{words}; a port moves between hosts that carry ports of its VPC")
        place = drawn[rows] % count
        chosen[rows] = fit[place + (own & (place >= at))]
    return chosen


def moves_and_back(
    context: PlanContext, nodes: npt.NDArray[np.int64], hosts: npt.NDArray[np.int64]
) -> tuple[list[Target], list[Target]]:
    """Return the targets of the moves of light nodes to `hosts` (both int64[k]), and of the ways home."""
    topology = context.topology
    homes = topology.light_hosts[nodes - topology.full.node_count]
    links = [topology.incident(node)[0].link for node in nodes.tolist()]
    moves, back = (
        [Target("move", *way) for way in zip(nodes.tolist(), ends.tolist(), links, strict=True)]
        for ends in (hosts, homes)
    )
    return moves, back


def spaces_of_nodes(topology: Topology) -> npt.NDArray[np.int64]:
    """Return the address space of each node's VPC, -1 for nodes in none: int64[n]."""
    vpc = vpc_numbers(topology)
    spaces = topology.vpcs.spaces if topology.vpcs is not None else np.zeros(1, dtype=np.int64)
    return np.where(vpc >= 0, spaces[vpc], -1)


def spaces_of_hosts(topology: Topology) -> dict[int, set[int]]:
    """Return for each address space the compute hosts that carry ports of it."""
    spaces = spaces_of_nodes(topology)[topology.full.node_count :]
    pairs = np.unique(np.stack([spaces, topology.light_hosts.astype(np.int64)]), axis=1)
    found: dict[int, set[int]] = {}
    for space, host in pairs.T.tolist():
        found.setdefault(space, set()).add(host)
    return found


def chosen_vpcs(context: PlanContext, target: TargetKeys) -> list[Target]:
    """Return the VPCs with ports that `target` selects by name, in order; ParameterError without any."""
    require_light(context)
    vpcs = context.topology.vpcs
    names: Iterable[str] = vpcs.names if vpcs is not None else ()
    every = dict(enumerate(names))
    span = f"they go from {every[0]} to {every[len(every) - 1]}"
    for key in _NODES_ONLY:
        if getattr(target, key) is not None:
            raise context.error("target", f"`{key}` is of nodes; write names of VPCs: {span}")
    patterns = [pattern for pattern in (target.match, target.name) if pattern is not None]
    used = np.unique(vpc_numbers(context.topology)[context.topology.light]).tolist()
    found = [
        Target("vpc", number)
        for number in used
        if all(fnmatchcase(every[number], pattern) for pattern in patterns)
    ]
    if not found:
        raise context.error("target", f"no VPC with light ports matches; {span}")
    return context.some(found, target, "VPC")
