"""MTU of a plan whose links cross workers: tunnels carry less than the underlay. Pure.

No bridge tells a host that a frame is too large. So every link of a broadcast domain gets the MTU of its
tunnels, not only the tunnels themselves. Routers tell: the links behind them keep theirs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from emulator.plan import Plan
from topologies.counting import counted, counted_by_name
from topologies.engines import ENGINES
from topologies.link_mtu import link_mtus
from topologies.segments import Segments
from topologies.topology import Topology

Bools = npt.NDArray[np.bool_]
_ETHERNET = 1500
"""Bytes of an Ethernet frame's content."""


def tunnelled_links(topology: Topology, cut: Bools) -> Bools:
    """Return the links that share a broadcast domain with a link of `cut` (bool[m]), and these: bool[m].

    Light ports have no MTU of their own: theirs follows from their uplink's. Their tunnels can't be told that
    a packet is too large, so where there are light ports all links of the underlay count as one domain.
    """
    out = cut.copy()
    count = topology.full.link_count
    out[count:] = False
    if count < topology.link_count:
        out[:count] = out.any()
        return out
    of_end = Segments(topology.full).of_end
    inside = of_end >= 0
    concerned = np.unique(of_end[out[:count, None] & inside])
    out[:count] |= (np.isin(of_end, concerned) & inside).any(axis=1)
    return out


def with_domain_mtu(plan: Plan) -> Plan:
    """Return the plan with no link larger than the tunnels of its broadcast domain; it says so in a warning.

    Links whose MTU is in the file keep it: `wide_links` names those that are too large. The plan itself if it
    has no tunnels or no underlay.
    """
    if plan.underlay is None or not plan.cut.any():
        return plan
    links = tunnelled_links(plan.topology, plan.cut)
    topology, most = plan.topology, plan.underlay.tunnel_mtu
    narrow = narrowed(topology, links, most)
    if narrow is topology:
        return plan
    changed = int(np.count_nonzero(link_mtus(narrow) != link_mtus(topology)))
    words = (
        f"MTU {most:,} on {counted(changed, 'link')}: their broadcast domains have tunnels between workers"
    )
    return replace(plan, topology=narrow, warnings=(*plan.warnings, words))


def with_tunnel_mtu(plan: Plan) -> Plan:
    """Return the plan with links no larger than what tunnels between its workers carry, where there are any.

    All links whose MTU isn't in the file get it, not only the tunnels: hosts must know the smallest MTU of
    their broadcast domain, since no bridge tells them.
    """
    most = ENGINES[plan.engine].tunnel_mtu
    topology = plan.topology
    if not ENGINES[plan.engine].on_workers or not plan.cut.any() or most >= _ETHERNET:
        return plan
    narrow = narrowed(topology, np.ones(topology.link_count, dtype=bool), most)
    if narrow is topology:
        return plan
    words = f"MTU {most:,} on all links without one: links between workers are tunnels"
    return replace(plan, topology=narrow, warnings=(*plan.warnings, words))


def narrowed(topology: Topology, links: Bools, most: int) -> Topology:
    """Return the topology with the MTU `most` on those of `links` (bool[m]) without one; itself if none."""
    profiles, profile_of = list(topology.link_profiles), topology.link_profile.copy()
    for number, profile in enumerate(topology.link_profiles):
        users = topology.link_profile == number
        chosen = users & links
        if profile.mtu is not None or profile.effective_mtu <= most or not chosen.any():
            continue
        narrow = replace(profile, mtu=most)
        if narrow in profiles:
            profile_of[chosen] = profiles.index(narrow)
        elif np.array_equal(chosen, users):
            profiles[number] = narrow
        else:
            profile_of[chosen] = len(profiles)
            profiles.append(narrow)
    if tuple(profiles) == topology.link_profiles and np.array_equal(profile_of, topology.link_profile):
        return topology
    return replace(topology, link_profiles=tuple(profiles), link_profile=profile_of)


def wide_links(plan: Plan) -> list[str]:
    """Return the links that are larger than the tunnels of their broadcast domain, as one reason or none."""
    if plan.underlay is None or not plan.cut.any():
        return []
    topology, most = plan.topology, plan.underlay.tunnel_mtu
    wide = link_mtus(topology) > most
    found = np.flatnonzero(wide & tunnelled_links(topology, plan.cut)).tolist()
    if not found:
        return []
    words = [f"{topology.names[a]} -- {topology.names[b]}" for a, b in topology.ends[found].tolist()]
    return [
        f"{counted_by_name(words, 'link')}: tunnels between workers carry {most:,} bytes; lower the `mtu`"
    ]
