"""Choose the forwarding of a topology."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emulator.forwarding.bridged import BridgedForwarding, unaddressed_links
from emulator.forwarding.file_routes import with_file_routes
from emulator.forwarding.members import MemberForwarding
from emulator.forwarding.nat_routes import with_nat_routes
from emulator.forwarding.protocol import Forwarding
from emulator.forwarding.routed import RoutedForwarding
from topologies.counting import counted_by_name
from topologies.link_mtu import mixed_mtus
from topologies.openflow import OpenFlow
from topologies.openflow_switches import OPENFLOW_SWITCHES
from topologies.segments import Segments, is_routed
from topologies.topology import Kind, Topology

_WIDE = 2_000
"""Number of links that a broadcast may cross without a warning about the cost."""
_CROSSING = 3.5e-6
"""Processor time per link, in seconds: see "Broadcasts" in docs/scale-and-performance.md."""


def forwarding_for(topology: Topology, up: npt.NDArray[np.bool_] | None = None) -> Forwarding:
    """Return the forwarding of `topology` with the links that are up (bool[m]; None: all).

    `topology` has no light nodes.
    """
    if topology.underlay is not topology and topology.vpcs is not None:
        underlay = topology.underlay
        below = forwarding_for(underlay, None if up is None else up[: underlay.link_count])
        return MemberForwarding(below, topology, topology.vpcs)
    base = RoutedForwarding(topology, up) if is_routed(topology) else BridgedForwarding(topology, up)
    return with_nat_routes(with_file_routes(base, topology), topology)


def warnings_for(topology: Topology) -> tuple[str, ...]:
    """Return warnings about the forwarding of `topology`."""
    return (
        *_unused_openflow(topology), *_unused_flows(topology),
        *(() if is_routed(topology) else unaddressed_links(topology)),
        *mixed_mtus(topology), *_wide(topology),
    )  # fmt: skip


def _wide(topology: Topology) -> list[str]:
    """Return a warning when broadcasts cross very many links; only for networks that are really created."""
    made = any(profile.fidelity == "full" for profile in topology.node_profiles)
    if not made or topology.link_count <= _WIDE or (links := Segments(topology).largest) <= _WIDE:
        return []
    asked = "" if topology.static_arp else ", and each ARP request is one,"
    cost = f"crosses up to {links:,} links, about {links * _CROSSING * 1000:.0f} ms of a processor"
    return [f"a broadcast{asked} {cost}; `forwarding: routed` or nodes of `kind: router` keep it to fewer"]


def _unused_openflow(topology: Topology) -> list[str]:
    """Return a warning when the file has `openflow` settings but no switch uses them."""
    said = any(profile.openflow != OpenFlow() for profile in topology.node_profiles)
    speaks = [profile.switch in OPENFLOW_SWITCHES for profile in topology.node_profiles]
    switches = topology.node_profile[topology.kinds == Kind.SWITCH]
    heard = topology.forwarding != "routed" and any(speaks[number] for number in set(switches.tolist()))
    if heard or not said:
        return []
    return [
        "no switch speaks OpenFlow, so `openflow` says nothing here; `switch: ovs` makes them Open vSwitch's"
    ]


def _unused_flows(topology: Topology) -> list[str]:
    """Return a warning when switches have a controller and computed flows: the flows aren't installed."""
    both = [
        p.switch in OPENFLOW_SWITCHES and p.openflow.flows != "normal" and bool(p.openflow.controllers)
        for p in topology.node_profiles
    ]
    is_switch = (topology.kinds == Kind.SWITCH) & (topology.forwarding != "routed")
    found = np.flatnonzero(is_switch & np.array(both, dtype=bool)[topology.node_profile])
    if not found.size:
        return []
    flows = topology.node_profile_of(int(found[0])).openflow.flows
    count = counted_by_name([topology.names[node] for node in found.tolist()], "switch")
    verb = "has a controller, which decides" if found.size == 1 else "have a controller, which decides"
    return [f"{count} {verb} alone: `flows: {flows}` is for switches without one"]
