"""VPCs of nodes, for what goes between two of them: nodes of different VPCs never reach each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from topologies.topology import Topology
from topologies.vpcs import NO_SUBNET

NO_VPC = -1


def vpc_numbers(topology: Topology) -> npt.NDArray[np.int64]:
    """Return the VPC of each node, NO_VPC for nodes in none: int64[n]."""
    vpcs = topology.vpcs
    if vpcs is None or not len(vpcs.subnets):
        return np.full(topology.node_count, NO_VPC, dtype=np.int64)
    return np.where(vpcs.of_node == NO_SUBNET, NO_VPC, vpcs.vpc_of_subnet[vpcs.of_node])


def with_partners(
    topology: Topology, sources: list[int], goals: list[int]
) -> tuple[list[int], dict[int, list[int]]]:
    """Return the sources that have a goal other than themselves in their VPC, and the goals by VPC."""
    numbers = vpc_numbers(topology)
    by_vpc: dict[int, list[int]] = {}
    for goal, vpc in zip(goals, numbers[goals].tolist(), strict=True):
        by_vpc.setdefault(vpc, []).append(goal)
    kept = [
        source
        for source, vpc in zip(sources, numbers[sources].tolist(), strict=True)
        if any(goal != source for goal in by_vpc.get(vpc, ())[:2])
    ]
    return kept, by_vpc
