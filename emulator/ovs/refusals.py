"""Reasons why this machine can't create Open vSwitch switches, found before anything is created."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import numpy as np

from emulator.controllers.reach import unresolved
from emulator.forwarding.flow_problems import problems
from emulator.linux.machine.features import fix_module, fix_tun, has_openvswitch, has_tun
from emulator.ovs.bridges import MAX_OFPORT, USERSPACE, ovs_here
from emulator.ovs.names import name_clashes
from emulator.ovs.planned_bridges import datapath_of
from emulator.ovs.server import INSTALL, missing_programs
from emulator.plan import Plan
from topologies.counting import some_names
from topologies.identifiers import bridge_name
from topologies.openflow_switches import controllers_of, ovs_nodes
from topologies.topology import Topology

_OWN_FILES, _FILES = 40, 3
"""Open files of ovs-vswitchd, and of a switch besides its ports and controllers (counted: 38 and 3)."""


def ovs_refusals(plan: Plan) -> list[str]:
    """Return every reason why this machine can't create the OpenFlow switches of `plan`; empty without them.

    They hold for any program that creates the switches here. `own_switch_refusals` has those of our own.
    """
    topology = plan.topology
    unknown = unresolved(controllers_of(topology).values()) if topology.forwarding != "routed" else ()
    return [*(_ovs(plan) if ovs_here(plan) else ()), *unknown]


def own_switch_refusals(plan: Plan) -> list[str]:
    """Return why our own Open vSwitch, with all its switches in one namespace, can't have those of `plan`."""
    return [*_user_switches(plan.topology), *_clashing(plan.topology)]


def _user_switches(topology: Topology) -> Iterator[str]:
    user = np.array([profile.switch == "user" for profile in topology.node_profiles], dtype=bool)
    found = np.flatnonzero(user[topology.node_profile] & (topology.kinds == 1)).tolist()
    if found and topology.forwarding != "routed":
        yield (
            f"{_named(topology, found)}: `switch: user` is Mininet's reference switch, which only "
            "`engine: mininet` makes; use `switch: ovs` with `datapath: userspace` here"
        )


def _clashing(topology: Topology) -> Iterator[str]:
    found = np.flatnonzero(ovs_nodes(topology)).tolist()
    yield from name_clashes(topology, {node: bridge_name(topology, node) for node in found}, "Open vSwitch")


def _ovs(plan: Plan) -> Iterator[str]:
    topology = plan.topology
    missing = missing_programs()
    if missing:
        yield f"switches made as ovs need {', '.join(missing)}, which isn't installed: {INSTALL}"
    nodes = np.array(ovs_here(plan), dtype=np.int64)
    profiles = [topology.node_profile_of(node) for node in nodes.tolist()]
    kernel = [n for n, p in zip(nodes.tolist(), profiles, strict=True) if p.openflow.datapath == "kernel"]
    if kernel and not has_openvswitch():
        yield (
            f"{_named(topology, kernel)}: `datapath: kernel` needs the kernel's module openvswitch, which is "
            f"missing here: {fix_module('openvswitch')}, or use `datapath: userspace`"
        )
    userspace = [
        node
        for node, profile in zip(nodes.tolist(), profiles, strict=True)
        if datapath_of(profile.openflow) == USERSPACE
    ]
    if userspace and not has_tun():
        yield (
            f"{_named(topology, userspace)}: switches made as ovs in userspace need /dev/net/tun, which "
            f"isn't usable here: {fix_tun()}"
        )
    yield from _files(topology, userspace)
    addressed = [
        node for node in nodes.tolist() if node in topology.explicit and topology.explicit[node].addresses
    ]
    if addressed:
        yield (
            f"{_named(topology, addressed)}: a switch made as ovs can't have an address, as all of them "
            "share one namespace; use `switch: bridge` for it, or leave the address out"
        )
    high = np.zeros(topology.node_count, dtype=np.int64)
    np.maximum.at(high, topology.ends.ravel(), topology.ports.ravel())
    over: list[int] = nodes[high[nodes] > MAX_OFPORT].tolist()
    if over:
        yield f"{_named(topology, over)}: ports of a switch made as ovs are numbered up to {MAX_OFPORT:,}"
    yield from problems(topology, plan.forwarding)


def _files(topology: Topology, userspace: list[int]) -> Iterator[str]:
    """Yield why ovs-vswitchd can't open enough files: a socket per port, a few files per switch."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    controllers = sum(len(topology.node_profile_of(node).openflow.controllers) for node in userspace)
    need = _OWN_FILES + _FILES * len(userspace) + controllers + int(topology.degrees[userspace].sum())
    if userspace and most not in {resource.RLIM_INFINITY, -1} and need > most:
        yield (
            f"Too many open files: ovs-vswitchd needs {need:,} for ports and switches, "
            f"the limit is {most:,}; raise the limit (ulimit -n {max(4096, 1 << need.bit_length())})"
        )


def _named(topology: Topology, nodes: list[int]) -> str:
    return some_names([topology.names[node] for node in nodes])
