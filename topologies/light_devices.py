"""Light hosts with an interface of their own (`device: true`): a macvlan each, which works without BPF."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt

from topologies.errors import MAX_FOUND, ParameterError, ParametersError
from topologies.members import named_members
from topologies.node_places import NodePlaces
from topologies.topology import I64, Topology
from topologies.vpcs import Vpcs

MOST_DEVICES = 256
"""Most ports with a device on a compute host: the kernel walks a rule for each before a packet leaves."""


def has_devices(topology: Topology) -> bool:
    """Return whether the light hosts of `topology` have interfaces of their own."""
    return any(profile.device and profile.fidelity == "light" for profile in topology.node_profiles)


def meetings(topology: Topology) -> tuple[I64, I64]:
    """Return the pairs of compute host and address space, and those that are a namespace: int64[p, 2] each.

    Ports with devices have a namespace a VPC, which is an address space of its own.
    """
    vpcs = topology.vpcs or Vpcs((), (), np.zeros(0, dtype=np.int32))
    if not has_devices(topology):
        return vpcs.meetings(topology.light_hosts, topology.carried)
    vpc = vpcs.vpc_of_subnet[vpcs.of_node[topology.full.node_count :]]
    wide = np.unique(topology.light_hosts.astype(np.int64) << 32 | vpc)
    pairs = np.stack([wide >> 32, wide & 0xFFFFFFFF], axis=1)
    return pairs, pairs


def check_devices(topology: Topology, places: NodePlaces) -> None:
    """Raise ParametersError for devices of nodes that aren't light, of some ports only, or too many."""
    ParametersError.raise_any(list(islice(_wrong(topology, places), MAX_FOUND)))


def _wrong(topology: Topology, places: NodePlaces) -> Iterator[ParameterError]:
    device = _mask(topology)
    if not device.any():
        return
    names, light = topology.names, topology.light
    for node in np.flatnonzero(device & ~light).tolist():
        words = f"`{names[node]}` isn't light: a full node has interfaces of its own; leave `device` out"
        yield ParameterError(places.of(topology, node, "device"), words)
    for node in np.flatnonzero(named_members(topology))[:1].tolist():
        words = f"`{names[node]}` is a full host of a VPC, which needs BPF; leave out `device` of the others"
        yield ParameterError(places.of(topology, node, "vpc"), words)
    own, other = np.flatnonzero(device & light), np.flatnonzero(light & ~device)
    if own.size and other.size:
        node, without = int(own[0]), names[int(other[0])]
        words = (
            f"`{names[node]}` has a device and `{without}` has none; give all light hosts a device, or none"
        )
        yield ParameterError(places.of(topology, node, "device"), words)
    hosts = topology.ends[light[topology.ends].any(axis=1)]
    ports, host = hosts[device[hosts] & light[hosts]], hosts[~light[hosts]]
    if len(ports) != len(host):
        return
    held = np.bincount(host, minlength=topology.node_count)
    for crowded in np.flatnonzero(held > MOST_DEVICES).tolist():
        first = int(ports[host == crowded][0])
        words = (
            f"`{names[crowded]}` would carry {held[crowded]:,} ports with a device; the maximum is "
            f"{MOST_DEVICES}: use more compute hosts, or leave `device` out"
        )
        yield ParameterError(places.of(topology, first, "device"), words)


def _mask(topology: Topology) -> npt.NDArray[np.bool_]:
    of_profile = np.array([profile.device for profile in topology.node_profiles], dtype=bool)
    return np.asarray(of_profile[topology.node_profile])
