"""VPCs of the light hosts that a file writes by hand or makes by rules; and the pools beside VPCs."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from itertools import pairwise

import numpy as np

from topologies.addressing import parse_interface
from topologies.errors import Loc, ParameterError
from topologies.node_places import NodePlaces
from topologies.spec.model import Spec
from topologies.suggestions import nearest
from topologies.topology import Pools, Topology
from topologies.vpcs import NO_SUBNET, Subnet, Vpcs

_DEFAULT = {"default": ["10.0.0.0/8"]}
"""VPCs of a file that names none."""
_UNDERLAY = Pools(ipv4="172.16.0.0/12", links="192.168.0.0/16")
"""Pools of a file with VPCs: 10.0.0.0/8 is for the tenants."""


def with_vpcs(topology: Topology, spec: Spec, places: NodePlaces) -> Topology:
    """Return `topology` with a subnet for each light host, and pools apart from the subnets.

    Raises ParameterError for an unknown VPC, an address outside it, or a subnet without room.
    """
    if topology.light.any():
        vpcs = _with_hosts_of_file(topology, spec, places)
        _check_subnets(vpcs, spec)
        _check_addresses(topology, vpcs)
        pools = _pools(topology.pools, spec)
        _check_pools(pools, vpcs, spec)
        return replace(topology, vpcs=vpcs, pools=pools)
    named = np.array([bool(profile.vpc) for profile in topology.node_profiles])[topology.node_profile]
    if named.any() or spec.vpcs:
        loc: Loc = ("vpcs",) if spec.vpcs else places.of(topology, int(np.argmax(named)), "vpc")
        raise ParameterError(loc, "only light hosts are in a VPC; set `fidelity: light` for some")
    return topology


def _with_hosts_of_file(topology: Topology, spec: Spec, places: NodePlaces) -> Vpcs:
    """Return the topology's VPCs, and those of the file for light hosts that are in none."""
    made = topology.vpcs or Vpcs((), (), np.full(topology.node_count, NO_SUBNET, dtype=np.int32))
    named = np.array([bool(profile.vpc) for profile in topology.node_profiles])[topology.node_profile]
    twice = np.flatnonzero(named & (made.of_node != NO_SUBNET))
    if twice.size:
        node = int(twice[0])
        words = f"`{topology.names[node]}` is a port of VPC `{made.names[made.vpc_of(node) or 0]}` already"
        raise ParameterError(("nodes",), f"{words}; leave out `vpc`")
    missing = np.flatnonzero(topology.light & (made.of_node == NO_SUBNET))
    if not missing.size:
        return made
    wanted = spec.vpcs or _DEFAULT
    for name in wanted:
        if name in made.names:
            raise ParameterError(("vpcs", name), "is a VPC of the topology already; use another name")
    names = (*made.names, *wanted)
    numbers = {name: len(made.names) + at for at, name in enumerate(wanted)}
    subnets, of_vpc = list(made.subnets), {}
    for name, networks in wanted.items():
        parsed = [ipaddress.IPv4Network(network) for network in networks]
        of_vpc[name] = range(len(subnets), len(subnets) + len(parsed))
        subnets += [Subnet(numbers[name], int(one.network_address), one.prefixlen) for one in parsed]
    of_node, explicit = made.of_node.copy(), dict(made.explicit)
    for node in missing.tolist():
        name = topology.node_profile_of(node).vpc or next(iter(wanted))
        if name not in of_vpc:
            raise ParameterError(
                places.of(topology, node, "vpc"),
                f"there is no VPC `{name}` under `vpcs`; {nearest(name, list(wanted))}",
            )
        address = _address(topology, node)
        if address is None:
            of_node[node] = of_vpc[name][0]
            continue
        inside = [at for at in of_vpc[name] if subnets[at].base < address < subnets[at].end - 1]
        if not inside:
            shown = ipaddress.IPv4Address(address)
            raise ParameterError(
                ("topology", "nodes", topology.names[node], "ip"), f"{shown} is in no subnet of `{name}`"
            )
        of_node[node], explicit[node] = inside[0], address
    return Vpcs(names, tuple(subnets), of_node, explicit)


def _address(topology: Topology, node: int) -> int | None:
    """Return the explicit IPv4 address of a light host."""
    values = topology.explicit.get(node)
    for _, text in values.addresses if values else ():
        found = parse_interface(text)
        if found.version == 6:
            raise ParameterError(
                ("topology", "nodes", topology.names[node], "ip"),
                "is IPv6, which light hosts don't have yet; use an IPv4 address or `fidelity: full`",
            )
        return found.value
    return None


def _check_subnets(vpcs: Vpcs, spec: Spec) -> None:
    """Raise ParameterError for subnets of one VPC that overlap, or that have more ports than addresses."""
    ordered = sorted(vpcs.subnets)
    for before, subnet in pairwise(ordered):
        if before.vpc == subnet.vpc and subnet.base < before.end:
            one, two = (ipaddress.IPv4Network((found.base, found.length)) for found in (before, subnet))
            raise ParameterError(("vpcs", vpcs.names[subnet.vpc]), f"its subnets {one} and {two} overlap")
    for subnet, count in zip(vpcs.subnets, vpcs.ports.tolist(), strict=True):
        if count > subnet.room:
            network, name = ipaddress.IPv4Network((subnet.base, subnet.length)), vpcs.names[subnet.vpc]
            raise ParameterError(
                ("vpcs", name) if spec.vpcs else ("topology",),
                f"{network} has addresses for {subnet.room:,} ports, not for {count:,}; "
                f"give `{name}` a larger subnet",
            )


def _check_addresses(topology: Topology, vpcs: Vpcs) -> None:
    """Raise ParameterError for an address of the file that is a gateway's, or used twice in its VPC."""
    owners: dict[tuple[int, int], int] = {}
    for node, address in sorted(vpcs.explicit.items()):
        subnet = vpcs.subnets[vpcs.of_node[node]]
        shown, at = ipaddress.IPv4Address(address), ("topology", "nodes", topology.names[node], "ip")
        if address == subnet.first_port - 1:
            raise ParameterError(at, f"{shown} is the gateway of its subnet; use another address")
        owner = owners.setdefault((subnet.vpc, address), node)
        if owner != node:
            raise ParameterError(
                at, f"{shown} is already used by `{topology.names[owner]}` of the same VPC; use another"
            )


def _pools(pools: Pools, spec: Spec) -> Pools:
    """Return the pools of full nodes: those of the file, else ones that leave 10.0.0.0/8 to the tenants."""
    given = spec.addressing.model_fields_set
    if spec.addressing.ipv6 is not None:
        raise ParameterError(
            ("addressing", "ipv6"), "light hosts have no IPv6 yet, so a file with VPCs can't switch it on"
        )
    own = {key: getattr(_UNDERLAY, key) for key in ("ipv4", "links") if key not in given}
    return pools._replace(**own)


def _check_pools(pools: Pools, vpcs: Vpcs, spec: Spec) -> None:
    """Raise ParameterError when tenants and full nodes would have the same addresses."""
    for key in ("ipv4", "links", "loopbacks"):
        pool = ipaddress.IPv4Network(getattr(pools, key))
        first, last = int(pool.network_address), int(pool.broadcast_address)
        for base, length in (network for networks in vpcs.networks.values() for network in networks):
            if base > last or first >= base + (1 << (32 - length)):
                continue
            network = ipaddress.IPv4Network((base, length))
            if key in spec.addressing.model_fields_set:
                words = f"{pool} overlaps {network}, which VPCs use; keep them apart"
                raise ParameterError(("addressing", key), words)
            own = (one.vpc for one in vpcs.subnets if one.base <= last and first < one.end)
            name = vpcs.names[next(own, 0)]
            raise ParameterError(
                ("vpcs", name) if name in spec.vpcs else ("topology",),
                f"VPCs use {network}, which overlaps {pool}, the default of `addressing.{key}`; "
                "set another pool there",
            )
