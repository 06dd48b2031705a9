"""Check the links between workers right after `up`: an engine may succeed and its tunnels carry nothing."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Container, Mapping

import numpy as np

from emulator.access import Echo
from emulator.checks.timeouts import timeouts_for
from emulator.engines.remote.access import RemoteAccess
from emulator.engines.remote.tunnel_frames import received, tunnel_frames, tunnels_of
from emulator.errors import BrokenError
from emulator.forwarding.base import Role
from emulator.plan import Plan
from topologies.counting import counted_by_name
from topologies.topology import Kind

_WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds to wait for answers, beside the links' delays, in rounds without any: ARP comes first."""
_PAUSE = 1.0
_SLOWNESS, _LONGEST = 4.0, 60.0
"""How much longer than a round's overhead the next one waits, and the longest wait in seconds."""


def tunnel_echoes(
    plan: Plan, framed: Container[int] = (), most_per_pair: int | None = None
) -> dict[int, Echo]:
    """Return a ping for each tunnel that forwards: its answer must cross the tunnel.

    Between routers, the ping goes to the other end's own address. Between switches, it goes from the host
    nearest to one end to the host nearest to the other. Tunnels of switches with a controller have none: the
    controller decides what they forward. Those of `tunnel_frames` have none either: a ping may go elsewhere.
    With `most_per_pair`, so many tunnels between each two workers are enough.
    """
    out: dict[int, Echo] = {}
    links = tunnels_of(plan)
    pairs = np.sort(plan.placement[plan.topology.ends[links]], axis=1).tolist() if links else []
    counts: Counter[tuple[int, ...]] = Counter()
    for link, pair in zip(links, map(tuple, pairs), strict=True):
        if link in framed or (most_per_pair is not None and counts[pair] >= most_per_pair):
            continue
        echo = _between_routers(plan, link) or _between_hosts(plan, link)
        if echo is not None:
            out[link] = echo
            counts[pair] += 1
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


def require_tunnels(plan: Plan, access: RemoteAccess, explain: str) -> None:
    """Send something over each tunnel; BrokenError that names those that carry nothing, with `explain`.

    It gives up after as many rounds as _WAITS has in which nothing new arrived. A machine that is slow to ask
    is given more time to answer: a busy one isn't a broken one.
    """
    frames = tunnel_frames(plan)
    echoes = tunnel_echoes(plan, frames)
    delay = timeouts_for(plan.topology, {}, plan.links_up).seconds
    silent, overhead = 0, 0.0
    while frames or echoes:
        wait = min(_LONGEST, max(_WAITS[silent], _SLOWNESS * overhead)) + delay
        began = time.monotonic()
        arrived = answered(access, echoes, wait) | received(access, frames, wait)
        took = time.monotonic() - began
        silent = 0 if arrived else silent + 1
        overhead = max(0.0, took - wait * (bool(echoes) + bool(frames)))
        echoes = {link: echo for link, echo in echoes.items() if link not in arrived}
        frames = {link: ways for link, ways in frames.items() if link not in arrived}
        if silent == len(_WAITS):
            break
        if not arrived:
            time.sleep(_PAUSE)
    if not (left := sorted(frames | echoes)):
        return
    names, workers = plan.topology.names, plan.workers
    words = []
    for link in left:
        a, b = plan.topology.ends[link].tolist()
        places = f"{workers[plan.placement[a]].name}, {workers[plan.placement[b]].name}"
        words.append(f"{names[a]} -- {names[b]} ({places})")
    raise BrokenError(f"{counted_by_name(words, 'tunnel')} carry nothing; {explain}")


def answered(access: RemoteAccess, echoes: Mapping[int, Echo], wait: float) -> set[int]:
    """Ping once over each tunnel; return those that answered within `wait` seconds."""
    times = access.ping(list(echoes.values()), wait) if echoes else ()
    return {link for link, seconds in zip(echoes, times, strict=True) if seconds is not None}
