"""Links that carry nothing because they would close a loop; every command counts them alike. Pure.

The ports of a switch depend on the kind of forwarding. A switch may learn MACs, by itself or through a
learning controller. Broadcasts would then circle in a loop, so links that the spanning tree blocks are
ports of no bridge. Computed flows don't loop, and a user's own controller may need every link. In both
cases all links are ports.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import Role
from topologies.openflow import OpenFlow
from topologies.openflow_switches import ovs_nodes
from topologies.topology import Topology


def is_computed(openflow: OpenFlow) -> bool:
    """Return whether a switch's flows are computed."""
    return openflow.flows != "normal" and not openflow.controllers


def has_all_ports(openflow: OpenFlow) -> bool:
    """Return whether a switch has all its links as ports, including those that close a loop."""
    if is_computed(openflow):
        return True
    learns = any(controller.kind == "learning" for controller in openflow.controllers)
    return not learns and openflow.effective_fail_mode == "secure"


def blocked_links(topology: Topology, roles: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return the links that carry nothing because they would close a loop: bool[m].

    `roles` is the `Role` of every link end: uint8[m, 2]. Links between switches with all ports are not
    blocked: computed flows use all shortest paths, or the controller is the user's.
    """
    closes = (roles == Role.BLOCKED).any(axis=1)
    free = np.array(
        [has_all_ports(p.openflow) and p.openflow.flows != "tree" for p in topology.node_profiles]
    )
    uses = ovs_nodes(topology) & free[topology.node_profile]
    return np.asarray(closes & ~uses[topology.ends].all(axis=1))
