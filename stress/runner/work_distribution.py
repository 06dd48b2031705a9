"""Distribution of the operations among workers.

Sessions of one network may run side by side as long as only one of them changes each node and link.
The operations on one element must keep their order. Removing a node changes all its links. So links
that operations connect, directly or through a removed node, form a domain, and a domain belongs to one
worker.

With the netns engine one thread makes 10,000 and more changes of ports per second, and more threads
only contend for Python's and the kernel's locks. But removing a node waits for the kernel
(rcu_barrier, once its links are gone) without holding a lock: 32 threads are ten times as fast.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stress.schedule import Schedule
from stress.targets import Target
from stress.vpc_members import vpc_numbers
from topologies.graph_arrays import components
from topologies.topology import Topology

Ints = npt.NDArray[np.int64]

QUICK_WORKERS = 1
SLOW_WORKERS = 32


class Share(NamedTuple):
    """Operations of one worker, in order, and whether it needs a session for them."""

    numbers: Ints
    with_session: bool


def shares(schedule: Schedule, numbers: Ints) -> list[Share]:
    """Divide the operations `numbers` among workers."""
    needs = np.array([step.action.needs(schedule.topology) for step in schedule.steps])[
        schedule.step[numbers]
    ]
    alone = numbers[needs == "network alone"]
    found = [Share(alone, with_session=False)] if len(alone) else []
    for what in ("session", "network"):
        some = numbers[needs == what]
        if len(some):
            found += [Share(own, what == "session") for own in _shared_out(schedule, some)]
    return found


def _shared_out(schedule: Schedule, numbers: Ints) -> list[Ints]:
    """Return the operations of each worker; every domain has one worker."""
    wanted = _wanted(schedule, numbers)
    if wanted == 1:
        return [numbers]
    domains = _domains(schedule, numbers)
    found, domain = np.unique(domains[schedule.target[numbers]], return_inverse=True)
    count = min(len(found), wanted)
    worker = _spread(np.bincount(domain, minlength=len(found)), count)[domain]
    return [numbers[worker == k] for k in range(count)]


def _wanted(schedule: Schedule, numbers: Ints) -> int:
    topology = schedule.topology
    first, first_link = topology.full.node_count, topology.full.link_count

    def is_quick(target: Target) -> bool:
        if target.kind in {"node", "link"}:
            return target.number >= (first if target.kind == "node" else first_link)
        return target.kind in {"port", "move", "vpc"}

    used = np.unique(schedule.target[numbers]).tolist()
    return QUICK_WORKERS if all(is_quick(schedule.targets[k]) for k in used) else SLOW_WORKERS


def _domains(schedule: Schedule, numbers: Ints) -> Ints:
    """Return the domain of each of the schedule's targets: int64[targets].

    Vertices are the links, then the nodes, then the VPCs. A node that operations name is joined with its
    links, a VPC with those of its light ports, a port that moves with the compute host to which it goes.
    """
    topology = schedule.topology
    first_node = topology.link_count
    first_vpc = first_node + topology.node_count
    used = np.unique(schedule.target[numbers]).tolist()
    named = [schedule.targets[k].number for k in used if schedule.targets[k].kind == "node"]
    tied = [(end.link, first_node + node) for node in dict.fromkeys(named) for end in topology.incident(node)]
    of_kind = [schedule.targets[k] for k in used]
    tied += [(one.link, first_node + one.port) for one in of_kind if one.kind == "move"]
    vpcs = [one.number for one in of_kind if one.kind == "vpc"]
    pairs = np.concatenate([np.array(tied, dtype=np.int64).reshape(-1, 2), _ties_of_vpcs(topology, vpcs)])
    count = first_vpc + (len(topology.vpcs.names) if topology.vpcs is not None else 0)
    label = components(pairs[:, 0], pairs[:, 1], count)
    vertices = np.array(
        [_vertex(topology, schedule, k) for k in range(len(schedule.targets))], dtype=np.int64
    )
    return label[vertices]


def _ties_of_vpcs(topology: Topology, vpcs: list[int]) -> Ints:
    """Return the pairs of the link of each light port in `vpcs` and its VPC's vertex: int64[p, 2]."""
    ends = topology.ends[topology.full.link_count :].max(axis=1)
    vpc = vpc_numbers(topology)[ends] if vpcs else np.zeros(0, dtype=np.int64)
    rows = np.flatnonzero(np.isin(vpc, vpcs))
    vertex = topology.link_count + topology.node_count + vpc[rows]
    return np.stack([topology.full.link_count + rows, vertex], axis=1)


def _vertex(topology: Topology, schedule: Schedule, number: int) -> int:
    target = schedule.targets[number]
    if target.kind == "node":
        return topology.link_count + target.number
    if target.kind in {"port", "move"}:
        return target.link
    if target.kind == "vpc":
        return topology.link_count + topology.node_count + target.number
    return target.number if target.kind == "link" else 0


def _spread(weights: Ints, count: int) -> Ints:
    """Return a worker for each domain, the heaviest first to the least busy: int64[domains]."""
    load = np.zeros(count, dtype=np.int64)
    worker = np.zeros(len(weights), dtype=np.int64)
    for domain in np.argsort(-weights, kind="stable").tolist():
        least = int(np.argmin(load))
        worker[domain] = least
        load[least] += weights[domain] + 1
    return worker
