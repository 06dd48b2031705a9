"""Compare a network on workers with its plan: nodes, the workers that hold them, ports and addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from ipaddress import ip_interface
from typing import Any

from emulator.deviation import Deviation, missing
from emulator.engines.driven.node_lines import is_switch, program_name
from emulator.engines.remote.access import RemoteAccess, first_line
from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT
from emulator.plan import Plan
from topologies.identifiers import interface_name, mac

_SHOW = ("ip", "-json", "address", "show")
_SECONDS = 30.0

Interfaces = Mapping[str, Mapping[str, Any]]
"""What `ip -json address` prints, by the name of the interface."""


def survey(plan: Plan, places: Mapping[str, str], access: RemoteAccess) -> list[Deviation]:
    """Return the deviations from `plan`; `places` is the worker of each node, as the engine tells it."""
    out = list(_misplaced(plan, places))
    nodes = [n for n in range(plan.topology.node_count) if program_name(plan, n) in places]
    results = access.run([(node, _SHOW) for node in nodes], _SECONDS)
    for node, result in zip(nodes, results, strict=True):
        name = plan.topology.names[node]
        if result.failed:
            out.append(Deviation(name, "node", "answers", first_line(result)))
            continue
        found = {entry["ifname"].partition("@")[0]: entry for entry in json.loads(result.output or b"[]")}
        out += _ports(plan, node, found)
        if not is_switch(plan, node):
            out += _addresses(plan, node, found)
    return out


def _misplaced(plan: Plan, places: Mapping[str, str]) -> Iterator[Deviation]:
    for node, name in enumerate(plan.topology.names):
        wanted = plan.workers[plan.placement[node]].name
        found = places.get(program_name(plan, node))
        if found is None:
            yield Deviation(name, "node", f"on {wanted}", "missing")
        elif found != wanted:
            yield Deviation(name, "worker", wanted, found)


def _ports(plan: Plan, node: int, found: Interfaces) -> Iterator[Deviation]:
    topology, name = plan.topology, plan.topology.names[node]
    for link, _, port in topology.incident(node):
        interface = interface_name(topology, node, port)
        there = found.get(interface)
        if there is None:
            yield missing(name, f"interface {interface}")
            continue
        wanted, state = bool(plan.links_up[link]), "UP" in there.get("flags", ())
        if wanted != state:
            yield Deviation(name, interface, _word(up=wanted), _word(up=state))
        if not is_switch(plan, node):
            address = mac(topology, node, port).hex(":")
            if there.get("address") != address:
                yield Deviation(name, f"{interface} MAC", address, str(there.get("address")))
        mtu = topology.link_profile_of(link).effective_mtu
        if there.get("mtu") != mtu:
            yield Deviation(name, f"{interface} MTU", f"{mtu}", str(there.get("mtu")))


def _word(*, up: bool) -> str:
    return "up" if up else "down"


def _addresses(plan: Plan, node: int, found: Interfaces) -> Iterator[Deviation]:
    have = {
        str(ip_interface(f"{info['local']}/{info['prefixlen']}"))
        for entry in found.values()
        for info in entry.get("addr_info", ())
    }
    for address in plan.forwarding.addresses(node):
        if address.port in {BRIDGE_PORT, LOOPBACK_PORT} or _has_port(plan, node, address.port):
            text = f"{address.text}/{address.length}"
            if text not in have:
                yield missing(plan.topology.names[node], f"address {text}")


def _has_port(plan: Plan, node: int, port: int) -> bool:
    return any(end.port == port for end in plan.topology.incident(node))


def require_placed(plan: Plan, places: Mapping[str, str]) -> list[str]:
    """Return a line for each node that the engine put somewhere else than the plan asks for, or nowhere."""
    return [str(deviation) for deviation in _misplaced(plan, places)]
