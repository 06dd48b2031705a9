"""Forecast of the time to create a network, by engine: a measured cost per object.

`benchmarks/forecast.py` measures. `benchmarks/forecast.json` holds the results and their machines. A unit
test requires this forecast to be within 40 % of them. The costs are for an idle machine of 2 cores (Linux
6.18). Results from a busy machine are in processor seconds instead of wall-clock time. Some networks were
measured both ways: there the two were within 30 % of each other.

| object                                   | netns    | Mininet |
|------------------------------------------|----------|---------|
| the network                              | 0.03 s   | 0.2 s   |
| node with a namespace of its own         | 0.45 ms  | 10 ms   |
| bridge                                   | 0.28 ms  | 10 ms   |
| end of a link                            | 0.20 ms  | 6 ms    |
| the same in a routed network, more       | 0.15 ms  | 0.15 ms |
| daemons of Open vSwitch                  | 0.12 s   | 0.15 s  |
| switch of Open vSwitch                   | 2.5 ms   | 20 ms   |
| its port, more                           | 0.20 ms  | 2 ms    |
| all such ports together, squared         | 0.8 µs   | 0.8 µs  |
| end of a tunnel to another worker        | 0.35 ms  |         |
| compute host, more                       | 0.25 ms  |         |
| namespace of a tenant on a compute host  | 1.1 ms   |         |
| macvlan of a light port, its routes, rule| 0.6 ms   |         |
| way to such a port on another host       | 0.03 ms  |         |
| light port                               | 0.5 µs   |         |
| permanent neighbour                      | 2 µs     | 2 µs    |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emulator.forecast import bare_nodes, device_costs, end_costs, tenants, tier
from topologies.openflow_switches import ovs_nodes
from topologies.segments import is_routed
from topologies.topology import F64, I32, Topology


@dataclass(frozen=True)
class Seconds:
    """Seconds that an engine needs per object; defaults are those of the netns engine."""

    network: float = 0.03
    namespace: float = 0.45e-3
    bridge: float = 0.28e-3
    link_end: float = 0.20e-3
    routed_end: float = 0.15e-3
    ovs_daemons: float = 0.12
    ovs_switch: float = 2.5e-3
    ovs_port: float = 0.20e-3
    ovs_ports_squared: float = 0.8e-6
    """For each new port, the daemon processes all ports of its userspace datapath again."""
    tunnel_end: float = 0.35e-3
    compute_host: float = 0.25e-3
    tenant: float = 1.1e-3
    device: float = 0.6e-3
    far_port: float = 0.03e-3
    light_port: float = 0.5e-6
    neighbour: float = 2e-6


ENGINE_SECONDS: Mapping[str, Seconds] = {
    "mininet": Seconds(
        network=0.2, namespace=10e-3, bridge=10e-3, link_end=6e-3,
        ovs_daemons=0.15, ovs_switch=20e-3, ovs_port=2e-3,
    ),
    # two workers on one machine; its front end creates their parts one after the other
    "maxinet": Seconds(
        network=3.5, namespace=60e-3, bridge=60e-3, link_end=25e-3, tunnel_end=0.15,
        ovs_daemons=0.15, ovs_switch=40e-3, ovs_port=4e-3,
    ),
}  # fmt: skip
"""Costs by engine; an engine that isn't listed has the costs of the netns engine."""


def tenant_seconds(engine: str) -> float:
    """Return the seconds to create a tenant's namespace on a compute host."""
    return ENGINE_SECONDS.get(engine, Seconds()).tenant


def worker_seconds(
    topology: Topology, worker: I32, count: int, cut: npt.NDArray[np.bool_] | None = None,
    engine: str = "netns",
) -> F64:  # fmt: skip
    """Return the seconds that each of `count` workers needs to create its part: float64[count].

    `worker` (int32[n]) is the worker of each node, `cut` (bool[m]) marks the links that are tunnels. Workers
    run side by side. Within a worker nothing is created in parallel, due to the kernel's RTNL lock.
    """
    cost = ENGINE_SECONDS.get(engine, Seconds())
    local = cost.link_end + (cost.routed_end if is_routed(topology) else 0.0)
    nodes = end_costs(topology, cut, local, cost.tunnel_end, 0.0)
    nodes += bare_nodes(topology, cost.namespace, cost.bridge, cost.light_port, cost.neighbour)
    nodes[topology.underlay.carriers] += cost.compute_host
    nodes += cost.tenant * tenants(topology) + device_costs(topology, cost.device, cost.far_port)
    full = tier(topology, "full")
    switches = ovs_nodes(topology) & full
    nodes += np.where(switches, cost.ovs_switch + cost.ovs_port * topology.degrees, 0.0)
    seconds = np.bincount(worker, weights=nodes, minlength=count).astype(np.float64)
    ports = np.bincount(worker, weights=np.where(switches, topology.degrees, 0), minlength=count)
    seconds += cost.ovs_ports_squared * ports**2
    for mask, once in ((full, cost.network), (switches, cost.ovs_daemons)):
        seconds += once * (np.bincount(worker, weights=mask, minlength=count) > 0)
    return seconds
