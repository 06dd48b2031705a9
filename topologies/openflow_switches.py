"""The OpenFlow switches of a topology and their controllers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from topologies.openflow import Controller
from topologies.topology import Kind, Topology

OPENFLOW_SWITCHES = frozenset({"ovs", "user"})
"""Kinds of switch that speak OpenFlow."""


def controllers_of(topology: Topology) -> dict[str, Controller]:
    """Return the distinct controllers of the switches of kind `ovs`, by name.

    Names are c0, c1, … by the first switch that uses each: they depend on the graph only.
    """
    first = {}
    for number, profile in enumerate(topology.node_profiles):
        if profile.switch in OPENFLOW_SWITCHES and profile.openflow.controllers:
            nodes = ((topology.node_profile == number) & (topology.kinds == Kind.SWITCH)).nonzero()[0]
            if len(nodes):
                first[int(nodes[0])] = profile.openflow.controllers
    found = dict.fromkeys(controller for _, some in sorted(first.items()) for controller in some)
    return {f"c{number}": controller for number, controller in enumerate(found)}


def switches_with(topology: Topology, name: str) -> list[int]:
    """Return the switches that have the controller `name` of `controllers_of`, ascending."""
    wanted = controllers_of(topology)[name]
    having = np.array([
        profile.switch in OPENFLOW_SWITCHES and wanted in profile.openflow.controllers
        for profile in topology.node_profiles
    ])  # fmt: skip
    mask = (topology.kinds == Kind.SWITCH) & having[topology.node_profile]
    return list(map(int, np.flatnonzero(mask)))


def ovs_nodes(topology: Topology) -> npt.NDArray[np.bool_]:
    """Return the mask of Open vSwitch switches (bool[n]); none where all switches route."""
    made = np.array([profile.switch == "ovs" for profile in topology.node_profiles], dtype=bool)
    found: npt.NDArray[np.bool_] = (topology.kinds == Kind.SWITCH) & made[topology.node_profile]
    return found & (topology.forwarding != "routed")
