"""VPCs of the hosts that a file writes by hand or makes by rules; and the pools beside VPCs."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from topologies.addressing import parse_interface
from topologies.counting import counted
from topologies.errors import MAX_FOUND, Loc, ParameterError, ParametersError
from topologies.light_devices import has_devices
from topologies.members import named_members
from topologies.node_places import NodePlaces
from topologies.spec.model import Spec
from topologies.suggestions import nearest
from topologies.topology import Pools, Topology
from topologies.vpcs import NEXT_HOP, NO_SUBNET, Subnet, Vpcs

_DEFAULT = {"default": ["10.0.0.0/8"]}
"""VPCs of a file that names none."""
_UNDERLAY = Pools(ipv4="172.16.0.0/12", links="192.168.0.0/16")
"""Pools of a file with VPCs: 10.0.0.0/8 is for the tenants."""

_SHOWN = 3
"""Subnets that an error names."""


def with_vpcs(topology: Topology, spec: Spec, places: NodePlaces) -> Topology:
    """Return `topology` with a subnet for each light host, and pools apart from the subnets.

    Raises ParameterError for unknown VPCs, addresses outside them, or subnets without room.
    """
    if topology.light.any() or named_members(topology).any():
        errors: list[ParameterError] = []
        vpcs = _with_hosts_of_file(topology, spec, places, errors)
        errors += [*_wrong_subnets(vpcs, spec), *_wrong_addresses(topology, vpcs)]
        if spec.addressing.ipv6 is not None:
            words = (
                "a file with VPCs can't switch IPv6 on: the programs that carry packets of VPCs read "
                "IPv4 only; leave it out"
            )
            errors.append(ParameterError(("addressing", "ipv6"), words))
        pools = _pools(topology.pools, spec)
        errors += _wrong_pools(pools, vpcs, spec)
        if not has_devices(topology):
            errors += _next_hops(pools, vpcs, spec)
        ParametersError.raise_any(errors[:MAX_FOUND])
        return replace(topology, vpcs=vpcs, pools=pools)
    if spec.vpcs:
        words = "no host is in a VPC; write `fidelity: light` for some, or `vpc` for hosts of compute hosts"
        raise ParameterError(("vpcs",), words)
    return topology


def _with_hosts_of_file(
    topology: Topology, spec: Spec, places: NodePlaces, errors: list[ParameterError]
) -> Vpcs:
    """Return the topology's VPCs, and those of the file for light hosts that are in none.

    What is wrong is added to `errors`, and left out.
    """
    made = topology.vpcs or Vpcs((), (), np.full(topology.node_count, NO_SUBNET, dtype=np.int32))
    named = np.array([bool(profile.vpc) for profile in topology.node_profiles])[topology.node_profile]
    for node in np.flatnonzero(named & (made.of_node != NO_SUBNET))[:MAX_FOUND].tolist():
        words = f"`{topology.names[node]}` is a port of VPC `{made.names[made.vpc_of(node) or 0]}` already"
        errors.append(ParameterError(places.of(topology, node, "vpc"), f"{words}; leave out `vpc`"))
    missing = np.flatnonzero((topology.light | named) & (made.of_node == NO_SUBNET))
    if not missing.size:
        if spec.vpcs:
            words = "no host needs them: all are ports of the generator's VPCs; leave it out"
            errors.append(ParameterError(("vpcs",), words))
        return made
    wanted = spec.vpcs or _DEFAULT
    errors += [
        ParameterError(("vpcs", name), "is a VPC of the topology already; use another name")
        for name in wanted
        if name in made.names
    ]
    names = (*made.names, *wanted)
    numbers = {name: len(made.names) + at for at, name in enumerate(wanted)}
    subnets, of_vpc = list(made.subnets), {}
    for name, networks in wanted.items():
        parsed = [ipaddress.IPv4Network(network) for network in networks]
        of_vpc[name] = range(len(subnets), len(subnets) + len(parsed))
        subnets += [Subnet(numbers[name], int(one.network_address), one.prefixlen) for one in parsed]
    of_node, explicit = made.of_node.copy(), dict(made.explicit)
    first = next(iter(wanted))
    for node in missing.tolist():
        name = topology.node_profile_of(node).vpc or first
        with ParametersError.collect(errors):
            if name not in of_vpc:
                words = f"there is no VPC `{name}` under `vpcs`; {nearest(name, list(wanted))}"
                if name in made.names:
                    words = f"`{name}` is a VPC of the generator, which makes its hosts; name one of `vpcs`"
                raise ParameterError(places.of(topology, node, "vpc"), words)
            address = _address(topology, node)
            own = [(at, subnets[at]) for at in of_vpc[name]]
            of_node[node] = own[0][0] if address is None else _subnet_of(topology, node, address, name, own)
            if address is not None:
                explicit[node] = address
    return Vpcs(names, tuple(subnets), of_node, explicit)


def _subnet_of(
    topology: Topology, node: int, address: int, vpc: str, subnets: list[tuple[int, Subnet]]
) -> int:
    """Return the number of the subnet with the address of a light host; ParameterError without one."""
    for at, subnet in subnets:
        if subnet.base < address < subnet.end - 1:
            return at
    shown = ", ".join(str(ipaddress.IPv4Network((one.base, one.length))) for _, one in subnets[:_SHOWN])
    more = f" or {len(subnets) - _SHOWN:,} more" if len(subnets) > _SHOWN else ""
    raise ParameterError(
        ("topology", "nodes", topology.names[node], "ip"),
        f"{ipaddress.IPv4Address(address)} is no host's address in a subnet of `{vpc}`; "
        f"use one of {shown}{more}, or give the VPC another subnet",
    )


def _address(topology: Topology, node: int) -> int | None:
    """Return the explicit IPv4 address of a light host."""
    values = topology.explicit.get(node)
    for _, text in values.addresses if values else ():
        found = parse_interface(text)
        if found.version == 6:
            raise ParameterError(
                ("topology", "nodes", topology.names[node], "ip"),
                "is IPv6; the programs that carry packets of VPCs read IPv4 only: use an IPv4 address",
            )
        return found.value
    return None


def _wrong_subnets(vpcs: Vpcs, spec: Spec) -> Iterator[ParameterError]:
    """Yield errors for subnets of one VPC that overlap, or that have more ports than addresses."""
    ordered = sorted(vpcs.subnets)
    for before, subnet in pairwise(ordered):
        if before.vpc == subnet.vpc and subnet.base < before.end:
            one, two = (ipaddress.IPv4Network((found.base, found.length)) for found in (before, subnet))
            words = f"its subnets {one} and {two} overlap; keep them apart"
            yield ParameterError(("vpcs", vpcs.names[subnet.vpc]), words)
    for subnet, count in zip(vpcs.subnets, vpcs.ports.tolist(), strict=True):
        if count > subnet.room:
            network, name = ipaddress.IPv4Network((subnet.base, subnet.length)), vpcs.names[subnet.vpc]
            words = f"{network} has addresses for {counted(subnet.room, 'port')}, not for {count:,}; "
            if name in spec.vpcs:
                yield ParameterError(("vpcs", name), words + f"give `{name}` a larger subnet")
            elif spec.vpcs or name not in _DEFAULT:
                yield ParameterError(("topology", "prefix"), words + "write a shorter prefix")
            else:
                yield ParameterError(("topology",), words + f"write `vpcs: {{{name}: …}}` with more room")


def _wrong_addresses(topology: Topology, vpcs: Vpcs) -> Iterator[ParameterError]:
    """Yield errors for addresses of the file that are a gateway's, or used twice in their VPC."""
    owners: dict[tuple[int, int], int] = {}
    for node, address in sorted(vpcs.explicit.items()):
        subnet = vpcs.subnets[vpcs.of_node[node]]
        shown, at = ipaddress.IPv4Address(address), ("topology", "nodes", topology.names[node], "ip")
        if address == subnet.first_port - 1:
            yield ParameterError(at, f"{shown} is the gateway of its subnet; use another address")
        owner = owners.setdefault((subnet.vpc, address), node)
        if owner != node:
            yield ParameterError(
                at, f"{shown} is already used by `{topology.names[owner]}` of the same VPC; use another"
            )


def _pools(pools: Pools, spec: Spec) -> Pools:
    """Return the pools of full nodes: those of the file, else ones that leave 10.0.0.0/8 to the tenants."""
    given = spec.addressing.model_fields_set
    own = {key: getattr(_UNDERLAY, key) for key in ("ipv4", "links") if key not in given}
    return pools._replace(**own)


def _wrong_pools(pools: Pools, vpcs: Vpcs, spec: Spec) -> Iterator[ParameterError]:
    """Yield an error for each pool of which tenants and full nodes would both have addresses."""
    for key in ("ipv4", "links", "loopbacks"):
        pool = ipaddress.IPv4Network(getattr(pools, key))
        first, last = int(pool.network_address), int(pool.broadcast_address)
        for base, length in (network for networks in vpcs.networks.values() for network in networks):
            if base > last or first >= base + (1 << (32 - length)):
                continue
            network = ipaddress.IPv4Network((base, length))
            if key in spec.addressing.model_fields_set:
                words = f"{pool} overlaps {network}, which VPCs use; keep them apart"
                yield ParameterError(("addressing", key), words)
                continue
            yield ParameterError(
                _place(vpcs, spec, first, last + 1),
                f"VPCs use {network}, which overlaps {pool}, the default of `addressing.{key}`; "
                "set another pool there",
            )


def _next_hops(pools: Pools, vpcs: Vpcs, spec: Spec) -> Iterator[ParameterError]:
    """Yield an error for each network of tenants or full nodes that has the next hop of packets to ports."""
    shown, words = (
        ipaddress.IPv4Address(NEXT_HOP),
        "the next hop of packets to light ports; use another network",
    )
    for key in ("ipv4", "links", "loopbacks"):
        if shown in ipaddress.IPv4Network(getattr(pools, key)):
            yield ParameterError(("addressing", key), f"{getattr(pools, key)} holds {shown}, {words}")
    for base, length in (network for networks in vpcs.networks.values() for network in networks):
        network = ipaddress.IPv4Network((base, length))
        if shown in network:
            at = _place(vpcs, spec, base, base + (1 << (32 - length)))
            yield ParameterError(at, f"VPCs use {network}, which holds {shown}, {words}")
            return


def _place(vpcs: Vpcs, spec: Spec, first: int, end: int) -> Loc:
    """Return the place of the first VPC with addresses from `first` to before `end`."""
    own = (one.vpc for one in vpcs.subnets if one.base < end and first < one.end)
    name = vpcs.names[next(own, 0)]
    if name in spec.vpcs:
        return ("vpcs", name)
    return ("topology",) if "." in name else ("topology", "cidr")  # of a part of `compose`, or a generator
