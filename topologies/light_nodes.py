"""Order of nodes: the underlay first, then members (full hosts of VPCs), then light nodes.

Light nodes share the namespace of their compute host; members are behind one. So the graphs without them,
`Topology.full` and `Topology.underlay`, have the same indices: what runs full nodes needs to know nothing of
light ones, and what computes the underlay's addresses and routes nothing of either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice

import numpy as np
import numpy.typing as npt

from topologies.builder import number_ports
from topologies.counting import counted
from topologies.errors import MAX_FOUND, ParameterError, ParametersError
from topologies.members import named_members, wrong_members
from topologies.names import Block, NameList, Names
from topologies.node_places import NodePlaces
from topologies.profiles import NodeProfile
from topologies.topology import I64, Kind, Topology
from topologies.vpcs import NO_SUBNET


def light_last(topology: Topology, places: NodePlaces) -> Topology:
    """Return `topology` with members, and then light nodes, after all others; so are their links.

    `places` locate errors in the file. Raises ParameterError for light nodes and members that are no ports of
    a compute host.
    """
    if not (topology.light.any() or named_members(topology).any()):
        return topology
    wrong = chain(_wrong_light(topology, places), wrong_members(topology, places))
    ParametersError.raise_any(list(islice(wrong, MAX_FOUND)))
    topology = _with_compute_hosts(topology)
    ParametersError.raise_any(list(islice(_wrong_hosts(topology, places), MAX_FOUND)))
    place = _places(topology)
    if not _is_ascending(place):
        topology = _with_order(topology, np.argsort(place, kind="stable"), place)
    of_link = np.asarray(_places(topology)[topology.ends].max(axis=1, initial=0))
    if not _is_ascending(of_link):
        links = np.argsort(of_link, kind="stable")
        ends = topology.ends[links]
        topology = replace(
            topology, ends=ends, ports=number_ports(ends, topology.kinds),
            link_profile=topology.link_profile[links],
        )  # fmt: skip
    return topology


def _places(topology: Topology) -> npt.NDArray[np.uint8]:
    """Return 0 for nodes of the underlay, 1 for members, 2 for light nodes: uint8[n]."""
    return np.where(topology.light, 2, np.where(named_members(topology), 1, 0)).astype(np.uint8)


def _is_ascending(places: npt.NDArray[np.uint8]) -> bool:
    return bool((places[1:] >= places[:-1]).all())


def _ordered(names: Names, places: npt.NDArray[np.uint8]) -> Names:
    """Return `names` by place; runs of one kind of node stay formulas."""
    blocks: tuple[list[Block], ...] = ([], [], [])
    start = 0
    for block in names.blocks:
        some = places[start : start + block.count]
        start += block.count
        for place in np.unique(some).tolist():
            if (some == place).all():
                blocks[place].append(block)
                continue
            own = (name for name, at in zip(block, some.tolist(), strict=True) if at == place)
            blocks[place].append(NameList(tuple(own)))
    return Names(tuple(block for some in blocks for block in some))


def _with_order(topology: Topology, nodes: I64, places: npt.NDArray[np.uint8]) -> Topology:
    """Return `topology` with its nodes in the order `nodes` (int64[n], old indices), by `places`."""
    place = np.empty(len(nodes), dtype=np.int32)
    place[nodes] = np.arange(len(nodes), dtype=np.int32)
    return replace(
        topology,
        names=_ordered(topology.names, places),
        kinds=topology.kinds[nodes],
        tiers=topology.tiers[nodes],
        groups=topology.groups[nodes],
        ends=place[topology.ends],
        node_profile=topology.node_profile[nodes],
        explicit={int(place[node]): values for node, values in topology.explicit.items()},
        positions=None if topology.positions is None else topology.positions[nodes],
        vpcs=None if topology.vpcs is None else topology.vpcs.in_order(nodes),
    )


def _with_compute_hosts(topology: Topology) -> Topology:
    """Return `topology` with a compute host of its own at each node that isn't a host and has light ones.

    The light hosts move there, so that a rule can make the hosts of any topology light.
    """
    light, names = topology.light, topology.names
    linked = light[topology.ends]
    beside = topology.ends[:, ::-1]
    moved = linked & (topology.kinds[beside] != Kind.HOST)
    nodes, place = np.unique(beside[moved], return_inverse=True)
    if not nodes.size:
        return topology
    count, before = len(nodes), topology.node_count
    new = [f"{names[node]}-compute" for node in nodes.tolist()]
    taken = [
        ParameterError(
            ("topology", "nodes", name), f"`{name}` would be a compute host; rename the node of this name"
        )
        for name in new
        if name in names
    ]
    ParametersError.raise_any(taken[:MAX_FOUND])
    ends = topology.ends.copy()
    ends[moved[:, ::-1]] = before + place
    ends = np.concatenate([ends, np.stack([nodes, before + np.arange(count)], axis=1)]).astype(np.int32)
    tiers = (*topology.tier_names, "compute")
    kinds = np.concatenate([topology.kinds, np.full(count, Kind.HOST, dtype=np.uint8)])
    profiles = (*topology.node_profiles, NodeProfile())
    none = np.full(count, NO_SUBNET, dtype=np.int32)
    vpcs = topology.vpcs
    return replace(
        topology,
        names=Names((*names.blocks, NameList(tuple(new)))),
        kinds=kinds,
        tiers=np.concatenate([topology.tiers, np.full(count, len(tiers) - 1, dtype=np.uint8)]),
        tier_names=tiers,
        groups=np.concatenate([topology.groups, topology.groups[nodes]]),
        ends=ends,
        ports=number_ports(ends, kinds),
        link_profile=np.concatenate([topology.link_profile, np.zeros(count, dtype=np.uint16)]),
        link_profiles=topology.link_profiles,
        node_profile=np.concatenate(
            [topology.node_profile, np.full(count, len(profiles) - 1, dtype=np.uint16)]
        ),
        node_profiles=profiles,
        positions=None
        if topology.positions is None
        else np.concatenate([topology.positions, topology.positions[nodes]]),
        vpcs=vpcs and replace(vpcs, of_node=np.concatenate([vpcs.of_node, none])),
    )


def _wrong_light(topology: Topology, places: NodePlaces) -> Iterator[ParameterError]:
    """Yield an error for each light node that isn't a host with one link to a full node."""
    light, names = topology.light, topology.names
    other = light & (topology.kinds != Kind.HOST)
    for node in np.flatnonzero(other).tolist():
        kind = Kind(topology.kinds[node]).word
        at = places.of(topology, node, "kind")
        if at[0] != "nodes":
            at = places.of(topology, node, "fidelity")
        yield ParameterError(at, f"`{names[node]}` is a {kind}; only hosts can be `light`")
    for node in np.flatnonzero(light & ~other & (topology.degrees != 1)).tolist():
        yield ParameterError(
            places.of(topology, node, "fidelity"),
            f"the light host `{names[node]}` has {counted(int(topology.degrees[node]), 'link')}; "
            "it needs one, to its compute host",
        )
    for one, two in topology.ends[(light & ~other)[topology.ends].all(axis=1)].tolist():
        yield ParameterError(
            places.of(topology, one, "fidelity"),
            f"`{names[one]}` and `{names[two]}` are linked and both light; one must be a compute host",
        )


def _wrong_hosts(topology: Topology, places: NodePlaces) -> Iterator[ParameterError]:
    """Yield an error for each compute host that isn't full, or hasn't one uplink."""
    light, names = _places(topology) > 0, topology.names
    linked = light[topology.ends]
    hosts = np.unique(topology.ends[linked[:, ::-1]])
    of = np.array([profile.fidelity == "full" for profile in topology.node_profiles])[topology.node_profile]
    for host in hosts[~of[hosts]].tolist():
        yield ParameterError(
            places.of(topology, host, "fidelity"),
            f"`{names[host]}` is {topology.node_profile_of(host).fidelity}, but is to carry hosts of VPCs; "
            "use `fidelity: full` for it",
        )
    full = np.bincount(topology.ends[~linked.any(axis=1)].ravel(), minlength=topology.node_count)
    for host in hosts[of[hosts] & (full[hosts] != 1)].tolist():
        first = topology.ends[linked.any(axis=1) & (topology.ends == host).any(axis=1)][0]
        yield ParameterError(
            places.of(topology, int(first[light[first]][0]), "fidelity"),
            f"`{names[host]}` is to carry hosts of VPCs, but it has {counted(int(full[host]), 'link')} to "
            "other nodes; it needs one, its uplink",
        )
