"""Keys of nodes that not every node, and not every engine, can have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice

import numpy as np

from topologies.engines import DEFAULT_ENGINE, ENGINES, NODE_KEYS
from topologies.errors import MAX_FOUND, Loc, ParameterError, ParametersError
from topologies.identifiers import dpid
from topologies.node_places import NodePlaces
from topologies.nodes_having import nodes_having
from topologies.outside_nodes import lent_interfaces, uplinked_nodes
from topologies.profiles import NodeProfile
from topologies.topology import Kind, Topology
from topologies.vlan_problems import vlan_problems

_LENT = "machine_interfaces"


def check_node_keys(topology: Topology, places: NodePlaces, is_in_file: Callable[[Loc], bool]) -> None:
    """Raise ParametersError for settings that nodes can't have: others share them, or a port is missing.

    `is_in_file` tells which places the file has: a generator or the whole file may give keys, too.
    """
    vlans = (ParameterError(places.of(topology, n, "vlans"), words) for n, words in vlan_problems(topology))
    idle = chain(_ways(topology, places), _idle(topology, places, is_in_file))
    found = chain(_shared(topology, places), _dpids(topology, places), vlans, idle)
    ParametersError.raise_any(list(islice(found, MAX_FOUND)))


def _dpids(topology: Topology, places: NodePlaces) -> Iterator[ParameterError]:
    """Yield datapath ids of the file that another switch has, or that a node can't have."""
    stated = [node for node, values in topology.explicit.items() if values.dpid is not None]
    if not stated:
        return
    switches = np.flatnonzero(topology.kinds == Kind.SWITCH).tolist()
    owners: dict[str, list[int]] = {}
    for node in switches:
        owners.setdefault(dpid(topology, node), []).append(node)
    for node in stated:
        place = places.of(topology, node, "dpid")
        if topology.kinds[node] != Kind.SWITCH:
            words = f"`{topology.names[node]}` is a {Kind(topology.kinds[node]).word}; `dpid` is for switches"
            yield ParameterError(place, words)
            continue
        other = next((one for one in owners[dpid(topology, node)] if one != node), None)
        if other is not None:
            words = f"{int(dpid(topology, node), 16):,} is the datapath id of `{topology.names[other]}` too"
            yield ParameterError(place, f"{words}; use another")


def _idle(
    topology: Topology, places: NodePlaces, is_in_file: Callable[[Loc], bool]
) -> Iterator[ParameterError]:
    """Yield keys of light hosts that would do nothing there."""
    names = topology.names
    for key, words in _IDLE.items():
        wanted = nodes_having(topology, partial(_is_set_on_light, key))
        for node in wanted:
            place = places.of(topology, node, key)
            if is_in_file(place) and not _is_for_switches(topology, places, place):
                yield ParameterError(place, f"`{names[node]}` is light: {words}; leave `{key}` out")


def _is_set_on_light(key: str, profile: NodeProfile) -> bool:
    return profile.fidelity == "light" and getattr(profile, key) != getattr(NodeProfile(), key)


_IDLE = {
    "relay": "it has one port, and forwards nothing",
    "switch": "it is a host, not a switch",
    "openflow": "it is a host, not a switch",
}
"""Keys without effect on a light host, and why."""


def _is_for_switches(topology: Topology, places: NodePlaces, place: Loc) -> bool:
    """Return whether a place is in a rule that matches switches, too."""
    mask = places.matched(topology, place)
    return mask is not None and bool((topology.kinds[mask] == Kind.SWITCH).any()) and place[-1] != "relay"


def _shared(topology: Topology, places: NodePlaces) -> Iterator[ParameterError]:
    for node in _with_key(topology, "sysctl"):
        profile, name = topology.node_profile_of(node), topology.names[node]
        if profile.fidelity == "light":
            words = f"`{name}` is light: its compute host has the kernel's settings; set them there"
        elif profile.switch == "ovs" and topology.kinds[node] == Kind.SWITCH:
            words = f"`{name}` is a switch of Open vSwitch, and these share a namespace; leave `sysctl` out"
        else:
            continue
        yield ParameterError(places.of(topology, node, "sysctl"), words)


def refuse_keys(topology: Topology, places: NodePlaces, engine: str) -> None:
    """Raise ParametersError for keys of nodes that `engine` can't carry out: one for each key."""
    lacking = NODE_KEYS - ENGINES[engine].node_keys
    keys = dict.fromkeys(key for profile in topology.node_profiles for key in profile.setup.keys)
    errors = []
    for key in keys:
        nodes = _with_key(topology, key) if key in lacking else []
        if nodes:
            fix = f"use `engine: {DEFAULT_ENGINE}`, or leave it out"
            words = f"the engine {engine} can't carry out `{key}`; {fix}"
            errors.append(ParameterError(places.of(topology, nodes[0], key), words))
    if ENGINES[engine].one_switch_namespace:
        switches = [n for n in _with_key(topology, "sysctl") if topology.kinds[n] == Kind.SWITCH]
        for node in switches[:1]:
            words = f"all switches of the engine {engine} share a namespace; leave `sysctl` of switches out"
            errors.append(ParameterError(places.of(topology, node, "sysctl"), words))
    if "outside" not in ENGINES[engine].abilities:
        errors += _outside(topology, places, engine)
    if "ports" not in ENGINES[engine].abilities:
        errors += _in_vpcs(topology, places, engine)
    ParametersError.raise_any(errors)


def _outside(topology: Topology, places: NodePlaces, engine: str) -> Iterator[ParameterError]:
    """Yield an error for the nodes with a way to the machine, for an engine that makes none."""
    for node in uplinked_nodes(topology)[:1]:
        kind = topology.node_profile_of(node).outside.kind
        words = f"the engine {engine} makes no nodes of `kind: {kind}`; use `engine: {DEFAULT_ENGINE}`"
        yield ParameterError(places.of(topology, node, "kind"), words)
    for node in list(lent_interfaces(topology))[:1]:
        words = f"the engine {engine} gives nodes no interfaces of the machine"
        words += f"; use `engine: {DEFAULT_ENGINE}`"
        yield ParameterError(places.of(topology, node, _LENT), words)


def _has_idle_uplink(profile: NodeProfile) -> bool:
    return bool(profile.outside.uplink) and not profile.outside.kind


def _ways(topology: Topology, places: NodePlaces) -> Iterator[ParameterError]:
    """Yield uplinks of nodes without a way to the machine, and light nodes that would have one."""
    names = topology.names
    for node in nodes_having(topology, _has_idle_uplink):
        words = f"`{names[node]}` has no uplink; `uplink` is for nodes of `kind: nat` and `kind: outside`"
        yield ParameterError(places.of(topology, node, "uplink"), words)
    for node in uplinked_nodes(topology):
        if topology.node_profile_of(node).fidelity == "light":
            words = f"`{names[node]}` is light, and a way to the machine needs a namespace: choose a full one"
            yield ParameterError(places.of(topology, node, "kind"), words)
    yield from _lent(topology, places)


def _lent(topology: Topology, places: NodePlaces) -> Iterator[ParameterError]:
    """Yield interfaces of the machine that a node can't have: it has no namespace, or another has them."""
    holders: dict[str, str] = {}
    for node, interfaces in lent_interfaces(topology).items():
        profile, name = topology.node_profile_of(node), topology.names[node]
        words = ""
        if profile.fidelity == "light":
            words = f"`{name}` is light, and an interface needs a namespace: choose a full one"
        elif profile.switch == "ovs" and topology.kinds[node] == Kind.SWITCH:
            words = f"`{name}` is a switch of Open vSwitch, which takes none here; write `switch: bridge`"
        for one in interfaces:
            if other := holders.get(one.name, ""):
                words = f"`{name}` can't have {one.name}, which `{other}` has; leave it out of one"
            holders[one.name] = name
        if words:
            yield ParameterError(places.of(topology, node, _LENT), words)


def _in_vpcs(topology: Topology, places: NodePlaces, engine: str) -> Iterator[ParameterError]:
    """Yield an error for the light hosts, and for the full hosts of VPCs, for an engine that has neither."""
    for key, hosts, what in (
        ("fidelity", topology.light, f"be light: all nodes of the engine {engine} are full"),
        ("vpc", topology.member, f"be in a VPC: the engine {engine} has none"),
    ):
        nodes = np.flatnonzero(hosts).tolist()
        if nodes:
            more = f" and {len(nodes) - 1:,} more" if len(nodes) > 1 else ""
            words = f"`{topology.names[nodes[0]]}`{more} can't {what}; use `engine: {DEFAULT_ENGINE}`"
            yield ParameterError(places.of(topology, nodes[0], key), words)


def _with_key(topology: Topology, key: str) -> list[int]:
    """Return the nodes that have a key of `Setup`."""
    return nodes_having(topology, lambda profile: key in profile.setup.keys)
