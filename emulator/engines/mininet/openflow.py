"""The Open vSwitch and the controllers of a Mininet network: we start them, Mininet uses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from emulator.errors import BrokenError
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.observed.survey import Damage
from emulator.network import Progress
from emulator.node_namespaces import SWITCHES
from emulator.ovs.bridge_differences import with_additions
from emulator.ovs.bridges import Bridge, interfaces
from emulator.ovs.controllers import await_controllers, forget_learned, stop_controllers
from emulator.ovs.flows import flow_lines, install
from emulator.ovs.planned_bridges import bridges_of, by_name
from emulator.ovs.status import datapaths
from emulator.ovs.survey import (
    BridgeDamage,
    await_connected,
    clear_configs,
    survey_bridges,
    without_controllers,
)
from emulator.ovs.switches import Switches
from emulator.ovs.verify_ports import require_ports
from emulator.plan import Plan
from topologies.identifiers import bridge_name
from topologies.openflow_switches import controllers_of


def start(switches: Switches, store: NamespaceStore, plan: Plan) -> Mapping[str, str]:
    """Start the controllers and Open vSwitch; return Mininet's environment variables for them."""
    if controllers_of(plan.topology):
        switches.controllers.start()
    if not switches.there:
        return {}
    with store.entered():
        store.go(SWITCHES)
        switches.servers.start()
    return switches.servers.environment


def change_controllers(was: Switches, will_be: Switches, old: Plan) -> None:
    """Restart learning controllers with arguments that the changed network changes."""
    names = was.controllers.needing_restart(will_be.controllers)
    if names:
        stop_controllers(was, old, names)
        will_be.controllers.start(names)


def verify(switches: Switches, plan: Plan, progress: Progress) -> tuple[str, ...]:
    """Check that Mininet's Open vSwitches match the plan; return notes for people.

    Mininet ignores the result of ovs-vsctl when it starts many switches at once. Raises BrokenError.
    """
    if not switches.there:
        return ()
    wanted = {bridge.name for bridge in bridges_of(plan).values()}
    with switches.servers.database() as database:
        missing = wanted - {row["name"] for row in database.select("Bridge", ["name"])}
    if missing:
        raise BrokenError(
            f"Open vSwitch didn't make {len(missing):,} switches: {', '.join(sorted(missing)[:8])}"
        )
    require_ports(switches.servers)
    switches.install(plan)
    warning = await_controllers(switches, plan, progress)
    chosen = " and ".join(sorted(datapaths(switches)))
    return tuple(filter(None, (f"Open vSwitch: {chosen} datapath", warning)))


def forget(switches: Switches, plan: Plan) -> None:
    """Clear learned addresses in switches and controllers: a host may be behind another port now."""
    if switches.there:
        forget_learned(switches, plan)


def follow(switches: Switches, old: Plan, new: Plan) -> None:
    """Compute flows around the links that are down in `new`, and clear learned addresses."""
    if switches.there:
        switches.install(new, old)
    forget(switches, new)


def damage_of(switches: Switches, plan: Plan, other: Damage | None = None) -> BridgeDamage | None:
    """Return deviations of Mininet's Open vSwitches that `other` doesn't report yet; None without any."""
    if not (switches.there and switches.servers.running()):
        return None
    topology, links, nodes = plan.topology, *((other.links, other.nodes) if other else ([], []))
    ends = np.isin(np.arange(topology.link_count), links)
    found = switches.present()
    wanted = {
        name: bridge for name, bridge in _as_made(plan, found).items()
        if name not in {bridge_name(topology, node) for node in nodes}
    }  # fmt: skip
    return survey_bridges(switches.servers, plan, found, wanted, interfaces(topology, ends))


def _as_made(plan: Plan, found: Mapping[str, Bridge]) -> dict[str, Bridge]:
    """Return the bridges as Mininet creates them: Open vSwitch chooses their own MACs."""
    wanted = by_name(bridges_of(plan))
    return {
        name: replace(bridge, mac=found[name].mac) if name in found else bridge
        for name, bridge in wanted.items()
    }


def repair(switches: Switches, plan: Plan, damage: BridgeDamage, made: Iterable[int]) -> None:
    """Repair Open vSwitch by the plan; Mininet created the switches `made` again meanwhile."""
    found = switches.present()
    planned = interfaces(plan.topology, np.ones(plan.topology.link_count, dtype=bool))
    wanted = with_additions(found, _as_made(plan, found), planned)
    switches.converge_to(without_controllers(found, damage.untaught))
    changed = set(switches.converge_to(wanted))
    other = [node for node, bridge in bridges_of(plan).items() if bridge.name in changed]
    install_flows(switches, plan, dict.fromkeys((*made, *other, *damage.reflow)))
    clear_configs(switches.servers, damage, wanted)
    await_connected(switches, plan, damage)


def install_flows(switches: Switches, plan: Plan, nodes: Iterable[int]) -> None:
    """Install computed flows in switches that were created again."""
    found = bridges_of(plan)
    new = [node for node in nodes if node in found]
    if new:
        wanted = flow_lines(plan)
        install(switches.servers, {found[node].name: wanted[node] for node in new if node in wanted})
