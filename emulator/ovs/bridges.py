"""Settings of a plan's Open vSwitch bridges. Pure.

`emulator.forwarding.blocked` decides which ports a bridge has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from emulator.controllers.endpoints import targets
from emulator.forwarding.base import BRIDGE_PORT, Role
from emulator.forwarding.blocked import has_all_ports, is_computed
from emulator.forwarding.select_groups import PROTOCOL
from emulator.plan import Plan
from topologies.identifiers import bridge_name, dpid, interface_name, mac
from topologies.openflow import OpenFlow
from topologies.openflow_switches import controllers_of, ovs_nodes
from topologies.topology import Topology

KERNEL, USERSPACE = "system", "netdev"
"""Open vSwitch's names of its datapaths."""
ENABLED = ("stp_enable", "rstp_enable", "mcast_snooping_enable")
"""Columns of a bridge that are false by default."""
MAX_OFPORT = 65279
"""The last number of a port (ovs-vswitchd.conf.db(5), ofport_request)."""


@dataclass(frozen=True)
class Bridge:
    """A bridge's settings; `ports` maps interfaces to the numbers that they ask for (0: any).

    `protocols` and `controllers` are ordered, so that equal bridges compare equal. Plans never set `enabled`
    and `odd`, which hold other settings found in a database: columns that are true, and settings of ports
    by name ("tag 7").
    """

    name: str
    dpid: str
    mac: str
    datapath: str
    protocols: tuple[str, ...]
    fail_mode: str
    controllers: tuple[str, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    enabled: tuple[str, ...] = ()
    odd: Mapping[str, str] = field(default_factory=dict)


def bridges(plan: Plan, datapath_of: Callable[[OpenFlow], str]) -> dict[int, Bridge]:
    """Return the bridges of `plan` on this machine by node; `datapath_of` chooses each one's datapath."""
    topology = plan.topology
    controllers = controllers_of(topology)
    out = {}
    for node in ovs_here(plan):
        openflow = topology.node_profile_of(node).openflow
        out[node] = Bridge(
            bridge_name(topology, node),
            dpid(topology, node),
            mac(topology, node, BRIDGE_PORT).hex(":"),
            datapath_of(openflow),
            _protocols(openflow),
            openflow.effective_fail_mode,
            tuple(sorted(targets(controllers, openflow.controllers))),
            _ports(plan, node, openflow),
        )
    return out


def ovs_here(plan: Plan) -> list[int]:
    """Return the switches on this machine that Open vSwitch has."""
    nodes = plan.here.nodes
    return nodes[ovs_nodes(plan.topology)[nodes]].tolist()  # type: ignore[no-any-return]


def _protocols(openflow: OpenFlow) -> tuple[str, ...]:
    """Return the versions that a switch speaks: computed flows add the version that installs them."""
    own = openflow.protocols
    return tuple(sorted({*own, PROTOCOL} if is_computed(openflow) else set(own)))


def _ports(plan: Plan, node: int, openflow: OpenFlow) -> dict[str, int]:
    topology, roles = plan.topology, plan.forwarding.roles
    everything = has_all_ports(openflow)
    out = {}
    for link, end, port in topology.incident(node):
        if everything or roles[link, end] != Role.BLOCKED:
            out[interface_name(topology, node, port)] = port
    return out


def interfaces(topology: Topology, links: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> set[str]:
    """Return the names of the interfaces at both ends of `links` (bool[m])."""
    ends, ports = topology.ends[links].ravel().tolist(), topology.ports[links].ravel().tolist()
    return {interface_name(topology, node, port) for node, port in zip(ends, ports, strict=True)}


def intermediate_bridges(
    before: Mapping[str, Bridge], after: Mapping[str, Bridge], fresh: Collection[str]
) -> dict[str, Bridge]:
    """Return the bridges between `before` and `after`: old parts are removed, no new ones are added.

    Interfaces in `fresh` are created again meanwhile: they must leave their bridges first.
    """
    out = {}
    for name, bridge in before.items():
        if name in after:
            wanted = after[name].ports
            ports = {p: n for p, n in bridge.ports.items() if p not in fresh and wanted.get(p) == n}
            out[name] = replace(bridge, ports=ports)
    return out
