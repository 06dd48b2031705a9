"""What a share of a plan needs of this machine: an end of the underlay, and VNIs that nothing else has."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from emulator.errors import RefusedError
from emulator.linux.ledgers.owners import Owner
from emulator.linux.ledgers.vni_ledger import VniLedger, VniSpan
from emulator.linux.machine.features import fix_module, has_link
from emulator.linux.machine.underlay import (
    foreign_tunnels,
    namespace_number,
    underlay_problems,
)
from emulator.linux.machine.vni_ports import hidden_ports
from emulator.plan import Plan
from emulator.state import NetworkState
from emulator.tunnel_mtu import wide_links
from emulator.tunnels import MOST_VNIS, Underlay
from topologies.openflow_switches import controllers_of

_FIX = "choose another first VNI, or another UDP port"


def share_refusals(plan: Plan) -> list[str]:
    """Return why this machine can't make its share of `plan`; empty for a plan without shares."""
    if plan.share is None:
        return []
    return [*_own_controllers(plan), *(_tunnels(plan) if plan.cut.any() else ())]


def _own_controllers(plan: Plan) -> list[str]:
    """Return the controllers that each machine would run for itself."""
    return [
        f"controller {name} ({controller.words}): each machine would run its own, for its switches alone; "
        "start one, and write `controller: {remote: ADDRESS:PORT}`"
        for name, controller in controllers_of(plan.topology).items()
        if controller.kind == "command"
    ]


def _tunnels(plan: Plan) -> list[str]:
    """Return why this machine can't make its ends of the links to other machines."""
    if has_link("vxlan") is False:
        return [f"links between workers are VXLAN tunnels: the kernel has no vxlan; {fix_module('vxlan')}"]
    try:
        underlay = plan.underlay
    except (ValueError, KeyError, TypeError) as error:
        return [f"links between workers need the option `underlay`: {error}"]
    if underlay is None:
        return ["links between workers need the option `underlay`: a first VNI, and the workers' addresses"]
    return [*_numbers(plan, underlay), *wide_links(plan), *_own_end(plan, underlay)]


def _numbers(plan: Plan, underlay: Underlay) -> list[str]:
    """Return the VNIs that don't exist, or that devices of other programs on this machine have."""
    span = vni_span(plan)
    if span is None:
        return []
    if span.first < 1 or span.first + span.size > MOST_VNIS:
        return [f"{span} for links between workers: they go from 1 to {MOST_VNIS - 1:,}; {_FIX}"]
    out = []
    for name, vni, port in foreign_tunnels():
        if port == underlay.port and vni < 0:
            out.append(f"{name} takes all VNIs on UDP port {port}; choose another UDP port")
        elif span.meets(VniSpan(port, vni, 1)):
            out.append(f"{name} has VNI {vni:,} on UDP port {port}; {_FIX}")
    if not out and underlay.port in hidden_ports():
        out.append(
            f"UDP port {underlay.port} is used by another program, maybe for VXLAN devices that aren't "
            "visible here, such as those of Docker swarm; choose another UDP port"
        )
    return out


def _own_end(plan: Plan, underlay: Underlay) -> list[str]:
    share = plan.share or 0
    address = underlay.addresses[share]
    family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
    words = f"the underlay address {socket.inet_ntop(family, address)} of {plan.workers[share].name}"
    problems = underlay_problems(address, underlay.devices[share], underlay.mtu)
    return [f"{words} {problem}" for problem in problems]


def vni_span(plan: Plan) -> VniSpan | None:
    """Return the VNIs of a plan; None without any. Each machine takes all of them, not only its share's."""
    if plan.share is None or plan.underlay is None:
        return None
    count = int(plan.cut.sum())
    return VniSpan(plan.underlay.port, plan.underlay.vni, count) if count else None


def claim_vnis(state: NetworkState, *plans: Plan) -> None:
    """Record the VNIs of `plans` until the network is removed, or the next call. RefusedError: taken."""
    spans = list(dict.fromkeys(span for plan in plans if (span := vni_span(plan)) is not None))
    taken = VniLedger().require(Owner.here(state.root, state.name), namespace_number(), spans)
    if taken:
        raise RefusedError([f"{words} on this machine; {_FIX}" for words in taken])


def taken_vnis() -> list[Mapping[str, Any]]:
    """Return the VNIs that are in use on this machine, as plain data: "holder", "port", "first", "count".

    A device that takes all VNIs of its UDP port has them all: its "first" is 0. So does a program that uses a
    UDP port for what isn't visible.
    """
    ours = [(f"network `{name}`", span) for name, span in VniLedger().taken(namespace_number())]
    others = [
        (found.name, VniSpan(found.port, *((found.vni, 1) if found.vni >= 0 else (0, MOST_VNIS))))
        for found in foreign_tunnels()
    ]
    others += [("another program", VniSpan(port, 0, MOST_VNIS)) for port in sorted(hidden_ports())]
    return [
        {"holder": holder, "port": span.port, "first": span.first, "count": span.size}
        for holder, span in (*ours, *others)
    ]
