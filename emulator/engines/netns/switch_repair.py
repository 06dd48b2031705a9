"""Find deviations of Open vSwitch from the plan, and repair them."""

from __future__ import annotations

import numpy as np

from emulator.deviation import Deviation
from emulator.linux.namespaces.store import NamespaceStore
from emulator.ovs.bridge_differences import with_additions
from emulator.ovs.bridges import interfaces, intermediate_bridges
from emulator.ovs.checksums import compute_all, uncomputed
from emulator.ovs.planned_bridges import bridges_of, by_name
from emulator.ovs.survey import (
    BridgeDamage,
    await_connected,
    clear_configs,
    survey_bridges,
    without_controllers,
)
from emulator.ovs.switches import Switches
from emulator.plan import Plan


class SwitchRepair:
    """Repairs the Open vSwitch of `plan`. The caller creates its links `missing` again.

    Call `begin()` before that, in the machine's namespaces, and `finish()` after it.
    """

    def __init__(self, switches: Switches, plan: Plan, missing: list[int]) -> None:
        self._switches, self._plan = switches, plan
        self._wanted = by_name(bridges_of(plan))
        links = np.zeros(plan.topology.link_count, dtype=bool)
        links[missing] = True
        self._fresh = interfaces(plan.topology, links)
        self._repaired: list[str] = []
        self._damage: BridgeDamage | None = None
        """Differences; None when Open vSwitch has ended."""

    def begin(self) -> None:
        """Start controllers that ended; detach the ports of missing links from their bridges."""
        controllers = self._switches.controllers
        stopped = [name for name, runs in controllers.running().items() if not runs]
        controllers.start(stopped)
        self._repaired += [f"controller {name} is stopped" for name in stopped]
        if not self._switches.servers.running():
            self._repaired.append("Open vSwitch has ended")
            return
        servers, found = self._switches.servers, self._switches.present()
        damage = survey_bridges(servers, self._plan, found, self._wanted, self._fresh)
        self._damage = damage
        self._repaired += map(str, damage.deviations)
        links = np.zeros(self._plan.topology.link_count, dtype=bool)
        links[self._plan.here.wires] = True
        planned = interfaces(self._plan.topology, links)
        self._wanted = with_additions(damage.found, self._wanted, planned)
        between = intermediate_bridges(damage.found, self._wanted, self._fresh)
        self._switches.converge_to(without_controllers(between, damage.untaught))

    def finish(self, store: NamespaceStore) -> list[str]:
        """Repair everything in the plan; return what was missing. Call inside the store's mounts."""
        switches, damage, bridges = self._switches, self._damage, bridges_of(self._plan)
        if damage is None:
            switches.start(self._plan)
        else:
            changed = set(switches.converge_to(self._wanted))
            nodes = [n for n, bridge in bridges.items() if bridge.name in changed or n in damage.reflow]
            switches.install(self._plan, self._plan, nodes)
            clear_configs(switches.servers, damage, self._wanted)
            await_connected(switches, self._plan, damage)
        self._repaired += map(str, uncomputed(self._plan, bridges, store, self._fresh))
        compute_all(self._plan, bridges, store)
        return self._repaired


def deviating_bridges(switches: Switches, plan: Plan, store: NamespaceStore) -> list[Deviation]:
    """Return deviations of Open vSwitch: bridge settings, ports, flows, checksums of incoming packets.

    Returns none if Open vSwitch has ended.
    """
    if not switches.servers.running():
        return []
    bridges = bridges_of(plan)
    found = survey_bridges(switches.servers, plan, switches.present(), by_name(bridges)).deviations
    with store.entered():
        return found + uncomputed(plan, bridges, store)
