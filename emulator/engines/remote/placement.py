"""Keep the placement of a running network: a file with more nodes must not move those that run. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from emulator.placement.clusters import carriers
from emulator.plan import Plan
from emulator.tunnel_mtu import with_tunnel_mtu


def placed_as_running(running: Plan, plan: Plan) -> Plan:
    """Return `plan` with the nodes of `running` on the workers where they run.

    A new node goes to the worker of the nearest running one, so that hosts stay with their switches. Where
    the workers differ, the plan stays as it is: it is refused.
    """
    numbers = {worker.name: number for number, worker in enumerate(plan.workers)}
    if any(worker.name not in numbers for worker in running.workers):
        return plan
    where = [numbers[worker.name] for worker in running.workers]
    known = {name: where[running.placement[node]] for node, name in enumerate(running.topology.names)}
    placement = plan.placement.copy()
    seen = [node for node, name in enumerate(plan.topology.names) if name in known]
    for node in seen:
        placement[node] = known[plan.topology.names[node]]
    queue, done = deque(seen), set(seen)
    while queue:
        node = queue.popleft()
        for link, end, _ in plan.topology.incident(node):
            other = int(plan.topology.ends[link, 1 - end])
            if other not in done:
                placement[other] = placement[node]
                done.add(other)
                queue.append(other)
    placement = placement[carriers(plan.topology)]  # a port that has moved goes back, as the file says
    if np.array_equal(placement, plan.placement):
        return plan
    return with_tunnel_mtu(replace(plan, placement=placement, method="as it runs"))
