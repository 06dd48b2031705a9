"""Find deviations of a network's Open vSwitch bridges, and repair them, for every engine."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from emulator.deviation import Deviation
from emulator.errors import BrokenError
from emulator.forwarding.select_groups import PROTOCOL
from emulator.network import silent
from emulator.ovs.bridge_differences import differing
from emulator.ovs.bridges import Bridge
from emulator.ovs.connections import unconnected
from emulator.ovs.controllers import CONNECTED_WITHIN
from emulator.ovs.flow_differences import differing_flows
from emulator.ovs.flows import socket_of
from emulator.ovs.openflow_query import CONFIG, SwitchAnswer, ask, asks_controller, version_of
from emulator.ovs.planned_bridges import bridges_of
from emulator.ovs.server import OvsServers
from emulator.ovs.switches import Switches
from emulator.plan import Plan

_UNSET = "none"


@dataclass
class BridgeDamage:
    """Deviations of bridges. `found` is the content of the database.

    `reflow` are nodes whose computed flows differ, `untaught` bridges without any of the flows that their
    controller sends on connection, `configs` the set bits of ports, by bridge and port.
    """

    found: dict[str, Bridge]
    deviations: list[Deviation] = field(default_factory=list)
    reflow: set[int] = field(default_factory=set)
    untaught: set[str] = field(default_factory=set)
    configs: dict[str, dict[str, int]] = field(default_factory=dict)


def survey_bridges(
    servers: OvsServers,
    plan: Plan,
    found: dict[str, Bridge],
    wanted: Mapping[str, Bridge],
    fresh: AbstractSet[str] = frozenset(),
) -> BridgeDamage:
    """Compare the bridges `found` in the database with `wanted`, and their flows with those of `plan`.

    Ports in `fresh` are created again: their absence is already reported.
    """
    damage = BridgeDamage(found)
    damage.deviations += differing(found, wanted, fresh)
    taught = _taught(plan).intersection(found)
    there = [found[name] for name in wanted if name in found]
    for name, answer in ask(servers.folder, there, taught).items():
        _look(damage, wanted[name], answer, fresh)
    with_groups = {name for name, bridge in found.items() if PROTOCOL in bridge.protocols}
    for node, deviation in differing_flows(servers, plan, with_groups):
        damage.reflow.add(node)
        damage.deviations.append(deviation)
    return damage


def _look(damage: BridgeDamage, bridge: Bridge, answer: SwitchAnswer, fresh: AbstractSet[str]) -> None:
    """Add deviations that a bridge reports itself."""
    name = bridge.name
    if answer.problem:
        damage.deviations.append(Deviation(name, "OpenFlow", "an answer", answer.problem))
    for port, bits in answer.configs.items():
        if bits and port in bridge.ports and port not in fresh:
            damage.configs.setdefault(name, {})[port] = bits
            words = ", ".join(said for bit, (said, _) in CONFIG.items() if bits & bit)
            damage.deviations.append(Deviation(name, f"configuration of port {port}", _UNSET, words))
    if answer.flows is False and not asks_controller(bridge):
        damage.untaught.add(name)
        damage.deviations.append(Deviation(name, "flows", "those of its controller", _UNSET))


def _taught(plan: Plan) -> set[str]:
    """Return bridges that get a flow as soon as they connect; users' controllers may send none."""
    return {
        bridge.name
        for node, bridge in bridges_of(plan).items()
        if any(one.kind == "learning" for one in plan.topology.node_profile_of(node).openflow.controllers)
    }


def without_controllers(bridges: Mapping[str, Bridge], untaught: AbstractSet[str]) -> dict[str, Bridge]:
    """Return `bridges`, without controllers if in `untaught`: they then connect again."""
    return {
        name: replace(bridge, controllers=(), fail_mode="secure") if name in untaught else bridge
        for name, bridge in bridges.items()
    }


def await_connected(switches: Switches, plan: Plan, damage: BridgeDamage) -> None:
    """Wait for bridges whose connection was repaired, if the engine started their controllers."""
    names = []
    for node, bridge in bridges_of(plan).items():
        before, own = damage.found.get(bridge.name), plan.topology.node_profile_of(node).openflow.controllers
        same = before and (before.controllers, before.protocols) == (bridge.controllers, bridge.protocols)
        if (not same or bridge.name in damage.untaught) and any(one.kind != "remote" for one in own):
            names.append(bridge.name)
    if names:
        unconnected(switches.servers, names, CONNECTED_WITHIN, silent)


def clear_configs(servers: OvsServers, damage: BridgeDamage, wanted: Mapping[str, Bridge]) -> None:
    """Make ports receive, forward and flood again; BrokenError with the program's message."""
    for name, ports in damage.configs.items():
        for port, bits in ports.items():
            for words in (clear for bit, (_, clear) in CONFIG.items() if bits & bit):
                _mod_port(servers, wanted[name], port, words)


def _mod_port(servers: OvsServers, bridge: Bridge, port: str, words: str) -> None:
    to = ["ovs-ofctl", "-O", version_of(bridge), "mod-port", socket_of(servers, bridge.name)]
    process = servers.popen([*to, port, words])
    try:
        _, errors = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        raise BrokenError(f"{bridge.name} doesn't take `{words}` for {port}; see {servers.folder}") from None
    if process.returncode:
        said = errors.decode(errors="replace").strip()
        raise BrokenError(f"{bridge.name} doesn't take `{words}` for {port}: {said}")
