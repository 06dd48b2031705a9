"""What Open vSwitch lacks against the plan, found and given back."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import numpy as np

from emulator.deviation import Deviation, missing
from emulator.engines.netns.switches import interfaces
from emulator.linux.namespaces import NamespaceStore
from emulator.ovs.bridges import Bridge, middle
from emulator.ovs.checksums import compute_all, uncomputed
from emulator.ovs.flow_differences import differing_flows
from emulator.ovs.switches import Switches, bridges_of, by_name
from emulator.plan import Plan


class SwitchRepair:
    """Repairs the Open vSwitch of `plan`, of whose links `missing` are to be made again by the caller.

    `begin()` before they are made, in the machine's namespaces; `finish()` after it.
    """

    def __init__(self, switches: Switches, plan: Plan, missing: list[int]) -> None:
        self._switches, self._plan = switches, plan
        self._wanted = by_name(bridges_of(plan))
        links = np.zeros(plan.topology.link_count, dtype=bool)
        links[missing] = True
        self._fresh = interfaces(plan.topology, links)
        self._words: list[str] = []
        self._reflow: set[int] = set()
        self._dead = False

    def begin(self) -> None:
        """Start controllers that ended; have ports whose links are missing leave their bridges."""
        controllers = self._switches.controllers
        stopped = [name for name, runs in controllers.running().items() if not runs]
        controllers.start(stopped)
        self._words += [f"controller {name} is stopped" for name in stopped]
        self._dead = not self._switches.servers.running()
        if self._dead:
            self._words.append("Open vSwitch has ended")
            return
        found = self._switches.present()
        self._words += map(str, lacking(found, self._wanted, self._fresh))
        flows = differing_flows(self._switches.servers, self._plan, found)
        self._reflow = {node for node, _ in flows}
        self._words += [str(deviation) for _, deviation in flows]
        self._switches.lead(middle(found, self._wanted, self._fresh))

    def finish(self, store: NamespaceStore) -> list[str]:
        """Give all that the plan says; return what was missing. Call inside the store's mounts."""
        if self._dead:
            self._switches.start(self._plan)
        else:
            changed = set(self._switches.lead(self._wanted))
            bridges = bridges_of(self._plan)
            nodes = [n for n, bridge in bridges.items() if bridge.name in changed or n in self._reflow]
            self._switches.install(self._plan, self._plan, nodes)
        topology, bridges = self._plan.topology, bridges_of(self._plan)
        self._words += map(str, uncomputed(topology, bridges, store, self._fresh))
        compute_all(topology, bridges, store)
        return self._words


def deviating_bridges(switches: Switches, plan: Plan, store: NamespaceStore) -> list[Deviation]:
    """Return what Open vSwitch lacks: bridges, ports of bridges, flows, checksums of what comes to it.

    Nothing where it has ended.
    """
    if not switches.servers.running():
        return []
    found, bridges = switches.present(), bridges_of(plan)
    flows = (deviation for _, deviation in differing_flows(switches.servers, plan, found))
    with store.entered():
        offloaded = uncomputed(plan.topology, bridges, store)
    return [*lacking(found, by_name(bridges)), *flows, *offloaded]


def lacking(
    found: Mapping[str, Bridge], wanted: Mapping[str, Bridge], fresh: AbstractSet[str] = frozenset()
) -> list[Deviation]:
    """Return the bridges, and the ports of bridges, that aren't there.

    Ports in `fresh` are told of as missing links already.
    """
    out = []
    for name, bridge in wanted.items():
        if name not in found:
            out.append(missing(name, f"the bridge of {name}"))
            continue
        lost = [port for port in bridge.ports if port not in found[name].ports and port not in fresh]
        out += [Deviation(name, f"port {port}", "in its bridge", "outside") for port in lost]
    return out
