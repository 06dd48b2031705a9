"""The handle of a network that runs on this machine's kernel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from typing import Any

from emulator.deviation import Deviation
from emulator.difference import same_plan
from emulator.engines.link_changes import LinkChange
from emulator.engines.namespaced import NamespacedNetwork
from emulator.engines.netns.light_ports import check_destination, describe_port, migrate_port
from emulator.engines.netns.links import change_links
from emulator.engines.netns.port_repair import (
    change_ports,
    existing_ports,
    look_at_all,
    look_at_ports,
    ports_are_whole,
    repair_ports,
)
from emulator.engines.netns.refusals import exchanged_ports, missing_shaping
from emulator.engines.netns.switch_repair import SwitchRepair, deviating_bridges
from emulator.engines.netns.switches import switches_of
from emulator.engines.store import require_root
from emulator.link_states import reapply_shapes
from emulator.linux.nodes.link_messages import apply_shapes
from emulator.linux.nodes.own_settings import setting_deviations
from emulator.linux.nodes.repair import repair
from emulator.linux.nodes.session import NetnsSession
from emulator.linux.nodes.shared_messages import SharedMessages
from emulator.linux.observed.existing_nodes import count_existing
from emulator.linux.outside.note import machine_facts
from emulator.linux.outside.ways import Ways
from emulator.linux.overlay.session import OverlaySession
from emulator.linux.overlay.session_elsewhere import ElsewhereSession
from emulator.linux.overlay.shared_ports import SharedPorts
from emulator.linux.processes.interrupts import deferred
from emulator.moved_ports import with_moved_port
from emulator.network import Session
from emulator.ovs.session import OvsSession
from emulator.ovs.switches import Switches
from emulator.plan import Plan
from emulator.services.control import reread
from topologies.profiles import Shape
from topologies.topology import Topology


class NetnsNetwork(NamespacedNetwork):
    """A network that runs on this machine's kernel."""

    _ports: tuple[Topology, SharedPorts] | None = None
    """The topology for which sessions share what they know of its light ports."""

    @cached_property
    def switches(self) -> Switches | None:
        """Its switches of Open vSwitch; None when it has none."""
        here = None if self._record.share is None else self._filed_plan.full.here.nodes
        return switches_of(self._state, self._store, self.topology, self._record.file, here)

    def _unshapable(self, shapes: Iterable[Shape]) -> list[str]:
        return missing_shaping(shapes)

    def _carry_out(self, change: LinkChange) -> None:
        change_links(change.of_full, self._store, self.switches)
        change_ports(change, self._store)

    def _light_nodes(self) -> int:
        return existing_ports(self._filed_plan, self._store)

    def session(self) -> Session:
        """Return a session for many quick changes; the record notes it before the first one."""
        require_root()
        if self.switches is None:
            full = NetnsSession(self._store, self._messages, lambda: self.link_changes)
        else:
            full = OvsSession(self._store, self.switches, self._messages, lambda: self.link_changes)
        overlay = self.plan.overlay
        if overlay is None:
            return ElsewhereSession(full, self.topology) if self.plan.whole_overlay is not None else full
        if self._ports is None or self._ports[0] is not self.topology:  # `migrate` changes it
            self._ports = (self.topology, SharedPorts(overlay))
        return OverlaySession(full, self._store, lambda: self.plan, self._ports[1])

    @cached_property
    def _messages(self) -> SharedMessages:
        return SharedMessages(lambda: self.plan.full)

    def describe(self, node: int) -> Mapping[str, Any]:
        """Return facts of a node as JSON data; of a light port also its state and its counters."""
        facts = dict(super().describe(node))
        if self.topology.light[node]:
            require_root()
            facts |= describe_port(self.plan, node, self._store)
        elif ways := machine_facts(self._state.folder, self.topology.names[node]):
            facts["machine"] = ways
        return facts

    def migrate(self, node: int, host: int) -> None:
        """Move a light port to another compute host, where the record has it from now on."""
        require_root()
        with self._state.locked("migrate"), deferred():
            self._record = self._state.read()
            old = self._plan_again()
            overlay = old.whole_overlay
            if overlay is None or not self.topology.light[node]:
                super().migrate(node, host)
                return
            row = node - overlay.ports.first
            if int(overlay.ports.host[row]) == host:
                return
            check_destination(old, row, host)
            new = with_moved_port(self._filed_plan, row, host)
            self.topology = new.topology
            self.__dict__["_filed_plan"], self._plan = new, None
            self._state.save(new, hosts=None)
            if old.overlay is not None:
                migrate_port(old, self._plan_again(), node, self._store)
            reread(self._state.folder)

    def look(self) -> list[Deviation]:
        """Compare every node with the kernel; return deviations from the plan."""
        wanted = self.wanted()
        damage, ports = look_at_all(self.plan, wanted, self._store)
        found = damage.deviations + ports.deviations
        found += setting_deviations(self.plan, self._store, self._state.folder)
        found += Ways(self._state, self._store).deviations(self.plan.full.here)
        if self.switches is None:
            return found
        return found + deviating_bridges(self.switches, wanted.plan, self._store)

    def _repair_settings(self) -> list[str]:
        """Set what differs of the nodes' settings and of their ways to the machine, and return it."""
        ways, part = Ways(self._state, self._store), self.plan.full.here
        found = ways.deviations(part)
        if found:
            ways.lead(part)
        return [*super()._repair_settings(), *map(str, found)]

    def repair_before(self, new: Plan) -> list[str]:
        """Repair before the change to `new`.

        Before a change of light ports alone, compute hosts aren't read one by one when a quick look finds no
        deviation: that would take longer than the change.
        """
        old = self._plan_again()
        exchanged_ports(old, new)
        quick = old.overlay is not None and new.overlay is not None and self.switches is None
        if quick and not same_plan(old, new) and same_plan(old.full, new.full):
            with self._store.entered():
                whole = len(old.full.here.nodes) == count_existing(self._store, old.full.here)
                if whole and ports_are_whole(old, self._store):
                    return []
        return self.repair_locked()

    def repair_once(self) -> list[str]:
        """Repair deviations and return them; the caller holds the network's lock."""
        wanted, store = self.wanted(), self._store
        damage, ports = look_at_all(self.plan, wanted, store)
        words = [str(deviation) for deviation in damage.deviations]
        fix = None if self.switches is None else SwitchRepair(self.switches, wanted.plan, damage.links)
        if fix is not None:
            fix.begin()
        if not damage.is_empty:
            with store.entered():
                repair(wanted.plan, store, damage)
                reapply_shapes(
                    damage.links, lambda: self.link_changes, partial(apply_shapes, wanted.plan.here, store)
                )
            ports = look_at_ports(self.plan, store)
        words += repair_ports(self.plan, store, ports)
        words += self._repair_settings()
        if fix is not None:
            with store.entered():
                words += fix.finish(store)
        return words
