"""Forecast of the memory of a network, by node, from measured constants.

Measured on Linux 6.18 (x86-64, 2 cores), while 1,000 objects of one kind are created, as the growth of
MemTotal - MemFree - Buffers - Cached - AnonPages: that is the kernel's own memory. Kernels differ by some
tens of per cent. The value for permanent neighbours is an estimate.

| object                                                | memory  |
|-------------------------------------------------------|---------|
| network namespace, bound to a file, lo up             | 233 KiB |
| bridge with its share of the namespace's tables       |  59 KiB |
| veth pair, both ends up, one or both in a bridge      | 104 KiB |
| vxlan device, up, in a bridge (one end of a tunnel)   |  60 KiB |
| compute host, more: two programs attached, routes     |  60 KiB |
| light port: its slot and one in reserve, its page     | 132 B   |
| namespace of a tenant on a compute host, its veth pair| 340 KiB |
| macvlan of a light port, with its routes and rule      | 28 KiB  |
| way to a light port with a device on another host      | 0.9 KiB |

Switches of Open vSwitch have no namespaces of their own; their daemons take memory instead. Measured with
Open vSwitch 3.1.0 in user space, as RssAnon of ovs-vswitchd and ovsdb-server a second after `up`: 1
switch with 2 ports 12.8 MiB, 85 with 424 41.3, 300 with 600 79.3, 4 with 1,006 51.5, 100 with 1,198 72.8.
The costs are fitted to three of these, and match the others within 1 %:

| of Open vSwitch                          | ovs-vswitchd | ovsdb-server |
|------------------------------------------|--------------|--------------|
| the daemons of a network                 | 10.8 MiB     | 1.8 MiB      |
| switch (46 KiB more in the kernel: a tap)| 120 KiB      | 29 KiB       |
| port                                     | 18 KiB       | 21 KiB       |
| computed flow, one a host in each switch | 0.6 KiB      |              |

On Mininet each node also has a shell (315 KiB of its own), a terminal and a copy of the network's mounts
(125 KiB of the kernel). Mininet's Python takes 24 MiB. These were measured with separate cgroups at 64 and
256 hosts. Mininet alone took 0.8 to 0.9 MiB per host in total at 1,024 and 4,096 hosts.

Routes and the processes in nodes aren't counted. Hollow nodes and links are rows of the arrays of
`topologies.Topology` and of the forwarding computed from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from topologies.light_devices import has_devices, meetings
from topologies.openflow_switches import ovs_nodes
from topologies.topology import F64, I64, Kind, Topology

_KIB = 1024

NAMESPACE_BYTES = 233 * _KIB
BRIDGE_BYTES = 59 * _KIB
LINK_END_BYTES = 52 * _KIB
TUNNEL_END_BYTES = 60 * _KIB
LIGHT_PORT_BYTES = 132
COMPUTE_HOST_BYTES = 60 * _KIB
TENANT_BYTES = 340 * _KIB
DEVICE_BYTES, FAR_PORT_BYTES = 28 * _KIB, 0.9 * _KIB
NEIGHBOUR_BYTES = 512
"""A permanent neighbour (struct neighbour and its key, in kmalloc-512)."""
OVS_DAEMONS_BYTES = 12_900 * _KIB
OVS_SWITCH_BYTES = (120 + 29 + 46) * _KIB
OVS_PORT_BYTES = (18 + 21) * _KIB
OVS_FLOW_BYTES = 614
HOLLOW_NODE_BYTES = 16
HOLLOW_LINK_END_BYTES = 18


class EngineBytes(NamedTuple):
    """Memory of an engine besides the kernel's objects: for a network, and for each full node."""

    network: int = 0
    node: int = 0


ENGINE_BYTES: Mapping[str, EngineBytes] = {
    # its Python with the driver; a node's shell, its terminal, and its copy of the network's mounts
    "mininet": EngineBytes(network=24 << 20, node=445 * _KIB),
    "maxinet": EngineBytes(node=445 * _KIB),  # its driver runs beside the emulator, on no worker
}
"""Memory by engine; an engine that isn't listed takes none."""


def fidelities(topology: Topology) -> npt.NDArray[np.str_]:
    """Return the fidelity of each node profile: str[profiles]."""
    return np.array([profile.fidelity for profile in topology.node_profiles])


def tier(topology: Topology, fidelity: str) -> npt.NDArray[np.bool_]:
    """Return which nodes have `fidelity`: bool[n]."""
    tier: npt.NDArray[np.bool_] = (fidelities(topology) == fidelity)[topology.node_profile]
    return tier


def _real_links(topology: Topology) -> npt.NDArray[np.bool_]:
    """Return which links are created in the kernel, since both their ends are full: bool[m].

    A light node's one port is counted with the node. Hollow elements exist as state only.
    """
    real = tier(topology, "full")
    return np.asarray(real[topology.ends[:, 0]] & real[topology.ends[:, 1]])


def bare_nodes(topology: Topology, full: float, bridge: float, light: float, neighbour: float) -> F64:
    """Return each node's cost without its links: float64[n]."""
    whole = tier(topology, "full")
    relays = np.array([profile.relay for profile in topology.node_profiles])[topology.node_profile]
    bridges = (topology.kinds == Kind.SWITCH) | ((topology.kinds == Kind.HOST) & relays)
    if topology.forwarding == "routed":
        bridges = np.zeros_like(bridges)
    shared = ovs_nodes(topology)  # they share one namespace
    bridges &= ~shared
    costs = np.where(whole & ~shared, full + bridge * bridges, 0.0) + light * tier(topology, "light")
    if topology.static_arp and topology.forwarding == "bridged":
        costs = costs + (whole & (topology.kinds == Kind.HOST)) * (
            neighbour * max(len(topology.hosts) - 1, 0)
        )
    return np.asarray(costs, dtype=np.float64)


def end_costs(
    topology: Topology, cut: npt.NDArray[np.bool_] | None, local: float, tunnel: float, hollow: float
) -> F64:
    """Return each node's cost of all its link ends: float64[n]. `cut` is bool[m]; None: no tunnels."""
    real = _real_links(topology)
    if cut is None:
        cut = np.zeros(topology.link_count, dtype=bool)
    costs = np.zeros(topology.node_count)
    for mask, each in ((real & ~cut, local), (real & cut, tunnel), (~real, hollow)):
        if each and mask.any():
            costs += each * np.bincount(topology.ends[mask].ravel(), minlength=topology.node_count)
    return costs.astype(np.float64)


def _open_vswitch(topology: Topology) -> F64:
    """Return the memory of Open vSwitch by switch: float64[n], bytes; the first includes the daemons."""
    ours = ovs_nodes(topology) & tier(topology, "full")
    flows = np.array(
        [p.openflow.flows != "normal" and not p.openflow.controllers for p in topology.node_profiles]
    )
    computed = flows[topology.node_profile] * len(topology.hosts) * OVS_FLOW_BYTES
    costs = np.where(ours, OVS_SWITCH_BYTES + OVS_PORT_BYTES * topology.degrees + computed, 0.0)
    costs[np.flatnonzero(ours)[:1]] += NAMESPACE_BYTES + OVS_DAEMONS_BYTES
    return np.asarray(costs, dtype=np.float64)


def tenants(topology: Topology) -> I64:
    """Return the number of tenants' namespaces on each node: int64[n]; see `emulator.overlay.plan`."""
    if topology.vpcs is None:
        return np.zeros(topology.node_count, dtype=np.int64)
    _, tenants = meetings(topology)
    return np.bincount(tenants[:, 0], minlength=topology.node_count)


def device_costs(topology: Topology, device: float, far: float) -> F64:
    """Return the cost of light ports with devices at each compute host: float64[n].

    `device` is that of one port, `far` that of the way to a port of the same VPC on another compute host.
    """
    out = np.zeros(topology.node_count)
    vpcs = topology.vpcs
    if vpcs is None or not has_devices(topology):
        return out
    vpc = vpcs.vpc_of_subnet[vpcs.of_node[topology.full.node_count :]]
    pairs, _ = meetings(topology)
    own = np.bincount(topology.light_hosts, minlength=topology.node_count)
    every = np.bincount(pairs[:, 0], np.bincount(vpc)[pairs[:, 1]], minlength=topology.node_count)
    return np.asarray(own * device + (every - own) * far)


def node_bytes(topology: Topology, cut: npt.NDArray[np.bool_] | None = None, engine: str = "netns") -> I64:
    """Return the memory of each node with its ends of links: int64[n], bytes.

    `cut` marks the links that are tunnels between workers: bool[m]; None: none. The first node includes the
    engine's memory for the whole network.
    """
    ends = end_costs(topology, cut, LINK_END_BYTES, TUNNEL_END_BYTES, HOLLOW_LINK_END_BYTES)
    bare = bare_nodes(topology, NAMESPACE_BYTES, BRIDGE_BYTES, LIGHT_PORT_BYTES, NEIGHBOUR_BYTES)
    hollow = tier(topology, "hollow") * HOLLOW_NODE_BYTES
    besides = ENGINE_BYTES.get(engine, EngineBytes())
    own = tier(topology, "full") * besides.node
    own[topology.underlay.carriers] += COMPUTE_HOST_BYTES
    own += TENANT_BYTES * tenants(topology)
    devices = device_costs(topology, DEVICE_BYTES, FAR_PORT_BYTES)
    own[:1] += besides.network
    return np.asarray(bare + ends + hollow + own + devices + _open_vswitch(topology)).astype(np.int64)
