"""Members: full hosts of a VPC. A member is a node of its own, linked to the compute host that carries it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from topologies.counting import counted
from topologies.errors import ParameterError
from topologies.node_places import NodePlaces
from topologies.topology import Kind, Topology
from topologies.vpcs import NO_SUBNET, Vpcs

OVERHEAD = 50
"""Bytes that VXLAN adds to an IPv4 packet over IPv4: Ethernet 14, IPv4 20, UDP 8, VXLAN 8 (RFC 7348)."""


def named_members(topology: Topology) -> npt.NDArray[np.bool_]:
    """Return the nodes that aren't light and have a `vpc` in the file, or a subnet already: bool[n]."""
    named = np.array([bool(one.vpc) for one in topology.node_profiles], dtype=bool)[topology.node_profile]
    if topology.vpcs is not None:
        named = named | (topology.vpcs.of_node != NO_SUBNET)
    return np.asarray(named & ~topology.light)


def wrong_members(topology: Topology, places: NodePlaces) -> Iterator[ParameterError]:
    """Yield an error for each member that isn't a full host with one link, to a compute host."""
    member = named_members(topology)
    for node in np.flatnonzero(member).tolist():
        reason = _reason(topology, member, node)
        if reason:
            yield ParameterError(places.of(topology, node, "vpc"), f"`{topology.names[node]}` {reason}")


def _reason(topology: Topology, member: npt.NDArray[np.bool_], node: int) -> str:
    """Return why `node` can't be a member, empty if it can."""
    kind, fidelity = Kind(topology.kinds[node]), topology.node_profile_of(node).fidelity
    if kind != Kind.HOST:
        return f"is a {kind.word}; only hosts can be in a VPC"
    if fidelity != "full":
        return f"is {fidelity}; a host of a VPC is `light` or `full`"
    links = topology.incident(node)
    if len(links) != 1:
        return f"is in a VPC and has {counted(len(links), 'link')}; it needs one, to its compute host"
    (link, end, _), *_ = links
    host = int(topology.ends[link, 1 - end])
    name = topology.names[host]
    if topology.kinds[host] != Kind.HOST:
        word = Kind(topology.kinds[host]).word
        return (
            f"is in a VPC, but linked to the {word} `{name}`; link it to a compute host, or `fidelity: light`"
        )
    if member[host] or topology.light[host]:
        return f"is linked to `{name}`, which is in a VPC itself; link it to a compute host"
    return ""


def with_members(topology: Topology, places: NodePlaces) -> Topology:
    """Return `topology`, whose nodes have their order and subnets, with members' addresses and MTUs.

    Raises ParameterError for an MTU in the file that is too large.
    """
    if topology.vpcs is None or not topology.member.any():
        return topology
    return _with_mtus(replace(topology, vpcs=_with_addresses(topology, topology.vpcs)), places)


def _with_addresses(topology: Topology, vpcs: Vpcs) -> Vpcs:
    """Return `vpcs` with an address for each member that has none in the file: the highest free ones.

    Light hosts get theirs from the other end of the subnet: neither changes those of the others.
    """
    explicit = dict(vpcs.explicit)
    member = (vpcs.of_node != NO_SUBNET) & ~topology.light
    taken = {(int(vpcs.of_node[node]), address) for node, address in explicit.items()}
    following: dict[int, int] = {}
    for node in np.flatnonzero(member).tolist():
        subnet = int(vpcs.of_node[node])
        if node in explicit:
            continue
        address = following.get(subnet, vpcs.subnets[subnet].end - 2)
        while (subnet, address) in taken:
            address -= 1
        explicit[node], following[subnet] = address, address - 1
    return replace(vpcs, explicit=explicit)


def _with_mtus(topology: Topology, places: NodePlaces) -> Topology:
    """Return `topology` with the MTU of members' links: 50 bytes below their compute host's uplink.

    Raises ParameterError for a link with a larger MTU in the file: its packets wouldn't fit into VXLAN's.
    """
    first, underlay = topology.underlay.link_count, topology.underlay
    numbers, profiles = topology.link_profile.copy(), list(topology.link_profiles)
    for link in range(first, topology.full.link_count):
        host = int(topology.ends[link].min())
        (uplink, *_) = underlay.incident(host)
        most = topology.link_profile_of(uplink.link).effective_mtu - OVERHEAD
        profile = topology.link_profile_of(link)
        if profile.mtu is not None and profile.mtu > most:
            node = int(topology.ends[link].max())
            raise ParameterError(
                places.of(topology, node, "vpc"),
                f"the link of `{topology.names[node]}` has an MTU of {profile.mtu:,} bytes; behind "
                f"`{topology.names[host]}` a VPC carries {most:,}: leave out `mtu`, or enlarge the uplink's",
            )
        if profile.mtu is None:
            wanted = replace(profile, mtu=most)
            if wanted not in profiles:
                profiles.append(wanted)
            numbers[link] = profiles.index(wanted)
    return replace(topology, link_profile=numbers, link_profiles=tuple(profiles))
