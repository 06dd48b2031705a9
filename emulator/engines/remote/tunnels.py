"""Check the links between workers right after `up`: an engine may succeed and its tunnels carry nothing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

import numpy as np

from emulator.access import Access, Echo
from emulator.checks.timeouts import timeouts_for
from emulator.errors import BrokenError
from emulator.forwarding.base import Role
from emulator.plan import Plan
from topologies.counting import counted_by_name
from topologies.topology import Kind

_TIMEOUT, _ROUNDS = 1.0, 4
"""Seconds to wait for an answer on links without delays, and tries: the first one may wait for ARP."""


def tunnel_echoes(plan: Plan) -> dict[int, Echo]:
    """Return a ping for each tunnel that forwards: its answer must cross the tunnel.

    Between routers, the ping goes to the other end's own address. Between switches, it goes from the host
    nearest to one end to the host nearest to the other. Tunnels of switches with a controller have none: the
    controller decides what they forward.
    """
    out = {}
    for link in np.flatnonzero(plan.cut & plan.links_up & ~plan.blocked).tolist():
        echo = _between_routers(plan, link) or _between_hosts(plan, link)
        if echo is not None:
            out[link] = echo
    return out


def _between_routers(plan: Plan, link: int) -> Echo | None:
    a, b = plan.topology.ends[link].tolist()
    port = int(plan.topology.ports[link, 1])
    for address in plan.forwarding.addresses(b):
        if address.port == port and plan.forwarding.roles[link, 0] == Role.ADDRESSED:
            return Echo(a, address.text)
    return None


def _between_hosts(plan: Plan, link: int) -> Echo | None:
    a, b = plan.topology.ends[link].tolist()
    source, target = _nearest_host(plan, a, link), _nearest_host(plan, b, link)
    if source is None or target is None or source == target:
        return None  # nobody to ask, or the same host is behind both ends
    return Echo(source, plan.forwarding.addresses(target)[0].text)


def _nearest_host(plan: Plan, node: int, without: int) -> int | None:
    """Return the addressed host nearest to `node` over forwarding links other than `without`."""
    topology, open_links = plan.topology, plan.links_up & ~plan.blocked
    seen, queue = {node}, deque([node])
    while queue:
        at = queue.popleft()
        if topology.kinds[at] == Kind.HOST and plan.forwarding.addresses(at):
            return at
        if plan.topology.node_profile_of(at).openflow.controllers:
            return None
        for link, end, _ in topology.incident(at):
            other = int(topology.ends[link, 1 - end])
            if link != without and open_links[link] and other not in seen:
                seen.add(other)
                queue.append(other)
    return None


def require_tunnels(plan: Plan, access: Access, explain: str) -> None:
    """Ping once over each tunnel; BrokenError that names those without an answer, with `explain`."""
    left = tunnel_echoes(plan)
    wait = _TIMEOUT + timeouts_for(plan.topology, {}, plan.links_up).seconds
    for attempt in range(_ROUNDS):
        if attempt:
            time.sleep(_TIMEOUT)
        links = list(left)
        times: Sequence[float | None] = access.ping(list(left.values()), wait)
        left = {link: left[link] for link, seconds in zip(links, times, strict=True) if seconds is None}
        if not left:
            return
    names, workers = plan.topology.names, plan.workers
    words = []
    for link in left:
        a, b = plan.topology.ends[link].tolist()
        places = f"{workers[plan.placement[a]].name}, {workers[plan.placement[b]].name}"
        words.append(f"{names[a]} -- {names[b]} ({places})")
    raise BrokenError(f"{counted_by_name(words, 'tunnel')} carry nothing; {explain}")
