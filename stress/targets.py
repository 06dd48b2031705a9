"""Targets of a step: its nodes, ports and links, resolved once before the run, by the seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stress.keys import TargetKeys
from topologies.errors import Loc, ParameterError
from topologies.identifiers import interface_name
from topologies.matching import select
from topologies.openflow_switches import controllers_of
from topologies.outside import KIND_WORDS
from topologies.outside_nodes import kind_mask
from topologies.rng import Stream
from topologies.suggestions import nearest
from topologies.topology import Topology

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class Target(NamedTuple):
    """Target of an operation.

    node: `number`. port: number `port` of node `number`, an end of `link`. link: `number`. flow: from
    node `number` to node `port`, the step's flow number `link`. move: the light node `number`, whose link is
    `link`, to the compute host `port`. controller, vpc: `number`. step: the step as a whole, whose number is
    `port`.
    """

    kind: str
    number: int
    port: int = -1
    link: int = -1


def target_name(topology: Topology, target: Target) -> str:
    """Return the name of a target in reports: `h1`, `h1-eth0`, `h1 -- s1`, or the step itself."""
    if target.kind == "node":
        return topology.names[target.number]
    if target.kind == "port":
        return interface_name(topology, target.number, target.port)
    if target.kind == "link":
        a, b = topology.ends[target.number].tolist()
        return f"{topology.names[a]} -- {topology.names[b]}"
    if target.kind in {"flow", "move"}:
        return f"{topology.names[target.number]} -> {topology.names[target.port]}"
    if target.kind == "controller":
        return f"c{target.number}"
    if target.kind == "vpc" and topology.vpcs is not None:
        return topology.vpcs.names[target.number]
    return "-"


def nodes_of(topology: Topology, target: Target) -> list[int]:
    """Return the nodes that have an end of `target`, itself first: of a node also its neighbours."""
    if target.kind == "link":
        return [int(node) for node in topology.ends[target.number]]
    if target.kind == "node":
        ways = topology.incident(target.number)
        return [target.number, *(int(topology.ends[way.link, 1 - way.end]) for way in ways)]
    return [] if target.kind == "vpc" else [target.number]


def is_target(topology: Topology, target: Target) -> bool:
    """Return whether `topology` has the target; fields that its kind doesn't use must be -1."""
    kind, number, port, link = target
    if kind == "port":
        known = 0 <= link < topology.link_count
        return known and (number, port) in zip(topology.ends[link], topology.ports[link], strict=True)
    if kind == "flow":
        return number != port and max(number, port) < topology.node_count and min(number, port, link) >= 0
    if kind == "step":
        return number == 0 and port >= 0 and link == -1
    if kind == "move":
        first = topology.full.node_count
        light = first <= number < topology.node_count and 0 <= port < first
        return light and link == topology.incident(number)[0].link
    most = {
        "node": topology.node_count, "link": topology.link_count, "controller": len(controllers_of(topology)),
        "vpc": len(topology.vpcs.names) if topology.vpcs is not None else 0,
    }  # fmt: skip
    return 0 <= number < most.get(kind, 0) and port == link == -1


def nodes(topology: Topology, target: TargetKeys, stream: Stream, loc: Loc) -> list[Target]:
    """Return the nodes that `target` selects, ascending; ParameterError when there are none."""
    mask = _node_mask(topology, target, loc)
    if target.between is not None:
        ends = np.zeros(topology.node_count, dtype=bool)
        ends[topology.ends[_link_mask(topology, target, mask, loc)].ravel()] = True
        mask &= ends
    found = some(np.flatnonzero(mask), target, stream, loc, "node")
    return [Target("node", node) for node in found]


def ports(topology: Topology, target: TargetKeys, stream: Stream, loc: Loc) -> list[Target]:
    """Return the ports of the nodes that `target` selects, by link and end.

    A light port is that of its light node; its compute host has no interface for it.
    """
    mask = _node_mask(topology, target, loc)
    chosen = _link_mask(topology, target, mask, loc)
    light = topology.light[topology.ends]
    real = light | ~light.any(axis=1, keepdims=True)
    slots = np.flatnonzero((mask[topology.ends] & chosen[:, None] & real).ravel())
    found = some(slots, target, stream, loc, "port")
    ends, numbers = topology.ends.ravel(), topology.ports.ravel()
    return [Target("port", int(ends[slot]), int(numbers[slot]), slot >> 1) for slot in found]


def links(topology: Topology, target: TargetKeys, stream: Stream, loc: Loc) -> list[Target]:
    """Return the links of the nodes that `target` selects, ascending."""
    mask = _node_mask(topology, target, loc)
    found = some(np.flatnonzero(_link_mask(topology, target, mask, loc)), target, stream, loc, "link")
    return [Target("link", link) for link in found]


def _node_mask(topology: Topology, target: TargetKeys, loc: Loc) -> Mask:
    mask = np.ones(topology.node_count, dtype=bool)
    if target.match is not None:
        mask &= _selected(topology, target.match, (*loc, "match"))
    if target.kind is not None:
        mask &= kind_mask(topology, target.kind)
    if target.tier is not None:
        if target.tier not in topology.tier_names:
            words = f"there is no tier `{target.tier}`; {nearest(target.tier, topology.tier_names)}"
            raise ParameterError((*loc, "tier"), words)
        mask &= np.asarray(topology.tiers == topology.tier_names.index(target.tier))
    if target.name is not None:
        named = np.zeros(topology.node_count, dtype=bool)
        named[topology.names.match(target.name)] = True
        mask &= named
    if not mask.any():
        raise ParameterError(loc, f"no node matches; {_name_range(topology)}")
    return mask


def matches_light(topology: Topology, target: TargetKeys) -> bool:
    """Return whether `target` selects light ports; False also when it selects nothing."""
    if not topology.light.any():
        return False
    try:
        mask = _node_mask(topology, target, ())
        chosen = _link_mask(topology, target, mask, ())
    except ParameterError:
        return False
    return bool(((mask & topology.light)[topology.ends] & chosen[:, None]).any())


def _link_mask(topology: Topology, target: TargetKeys, node_mask: Mask, loc: Loc) -> Mask:
    mask: Mask = np.asarray(node_mask[topology.ends].any(axis=1))
    if target.between is not None:
        at = (*loc, "between")
        one, other = (_selected(topology, term, at) for term in target.between)
        a, b = topology.ends[:, 0], topology.ends[:, 1]
        mask = np.asarray(mask & ((one[a] & other[b]) | (other[a] & one[b])))
        if not mask.any():
            raise ParameterError(at, f"no link joins `{target.between[0]}` and `{target.between[1]}`")
    if not mask.any():
        raise ParameterError(loc, "the nodes that match have no links")
    return mask


def _selected(topology: Topology, term: str, loc: Loc) -> Mask:
    found = select(topology, term)
    if not found.any():
        words = [*KIND_WORDS, *topology.tier_names]
        hint = nearest(term, dict.fromkeys(words))
        raise ParameterError(
            loc, f"`{term}` is not a kind, tier or node name; {hint}; {_name_range(topology)}"
        )
    return found


def _name_range(topology: Topology) -> str:
    return f"names go from {topology.names[0]} to {topology.names[topology.node_count - 1]}"


def some(found: Ints, target: TargetKeys, stream: Stream, loc: Loc, what: str) -> Sequence[int]:
    """Return as many of `found` as the target asks for, drawn by the seed, ascending."""
    if target.count is not None and target.count > len(found):
        words = f"{target.count:,} wanted, but only {len(found):,} {what}s match; write that at most"
        raise ParameterError((*loc, "count"), words)
    wanted = target.count
    if target.percent is not None:
        wanted = max(1, round(target.percent * len(found)))
    if wanted is not None:
        found = np.sort(stream.shuffled(found)[:wanted])
    return found.tolist()  # type: ignore[no-any-return]
