"""Open vSwitch switches in a network of this engine: create, change, repair."""

from __future__ import annotations

from emulator.difference import Difference
from emulator.linux.namespaces.store import NamespaceStore
from emulator.network import Progress, silent
from emulator.node_namespaces import SWITCHES
from emulator.ovs.bridges import interfaces, intermediate_bridges
from emulator.ovs.checksums import compute_all
from emulator.ovs.controllers import await_controllers, forget_learned, stop_controllers
from emulator.ovs.moved import announce_moved
from emulator.ovs.planned_bridges import bridges_of, by_name
from emulator.ovs.status import datapaths
from emulator.ovs.switches import Switches
from emulator.plan import Plan
from emulator.state import NetworkState
from topologies.openflow_switches import controllers_of, ovs_nodes
from topologies.topology import I64, Topology


def switches_of(
    state: NetworkState, store: NamespaceStore, topology: Topology, file: str, here: I64 | None = None
) -> Switches | None:
    """Return the Open vSwitch of a network, None when it has none. `here` are this machine's nodes."""
    if not ovs_nodes(topology).any():
        return None
    switches = Switches(state.folder, store, topology, file, here)
    return switches if switches.there else None


def start_switches(
    plan: Plan, state: NetworkState, store: NamespaceStore, file: str, progress: Progress
) -> tuple[str, ...]:
    """Start the Open vSwitch of a network after its nodes were created; return notes for people."""
    switches = switches_of(state, store, plan.topology, file, plan.here.nodes)
    if switches is None:
        return ()
    switches.controllers.start()
    switches.start(plan, progress)
    with store.entered():
        compute_all(plan, bridges_of(plan), store)
    return _notes(switches, plan, progress)


def _notes(switches: Switches, plan: Plan, progress: Progress) -> tuple[str, ...]:
    warning = await_controllers(switches, plan, progress)
    chosen = " and ".join(sorted(datapaths(switches)))
    return tuple(filter(None, (f"Open vSwitch: {chosen} datapath", warning)))


class SwitchChange:
    """Change of a running network's Open vSwitch by a changed file.

    Call `begin()` before the kernel's objects are changed, `finish()` after it. Create this object, and call
    both methods, in the machine's namespaces. `files` are the topology files, the old and the new one.
    """

    def __init__(
        self, old: Plan, new: Plan, state: NetworkState, store: NamespaceStore, files: tuple[str, str]
    ) -> None:
        self._old, self._new, self._store = old, new, store
        self._was = Switches(state.folder, store, old.topology, files[0], old.here.nodes)
        self._will_be = Switches(state.folder, store, new.topology, files[1], new.here.nodes)
        self._before, self._after = by_name(bridges_of(old)), by_name(bridges_of(new))
        self._moved = False
        """True when links come or go: switches and controllers must forget learned addresses."""
        self._same_controllers = controllers_of(old.topology) == controllers_of(new.topology)

    @property
    def is_empty(self) -> bool:
        """True when nothing of Open vSwitch differs."""
        return self._before == self._after and self._same_controllers and not self._flows_differ()

    def _flows_differ(self) -> bool:
        old, new = (
            {
                bridge.name: plan.topology.node_profile_of(node).openflow.flows
                for node, bridge in found.items()
            }
            for plan, found in ((self._old, bridges_of(self._old)), (self._new, bridges_of(self._new)))
        )
        return old != new

    def begin(self, change: Difference) -> None:
        """Remove what the new plan lacks: bridges, ports, controllers."""
        was, will_be = self._was.controllers, self._will_be.controllers
        names = was.needing_restart(will_be) if self._same_controllers else was.ports
        stop_controllers(self._was, self._old, names)
        if self._was.servers.running():
            fresh = interfaces(self._new.topology, change.new_links)
            self._moved = bool(fresh or change.removed_links)
            self._was.converge_to(intermediate_bridges(self._was.present(), self._after, fresh))

    def finish(self, progress: Progress = silent) -> tuple[str, ...]:
        """Add what is new; return notes for people."""
        switches = self._will_be
        if not self._after:
            if self._before:
                switches.servers.stop()
                with self._store.entered():
                    self._store.remove(SWITCHES)
            return ()
        switches.controllers.start()
        if switches.servers.running():
            switches.converge_to(self._after)
            switches.install(self._new)
            if self._moved:
                forget_learned(switches, self._new)
        else:
            switches.start(self._new, progress)
        with self._store.entered():
            compute_all(self._new, bridges_of(self._new), self._store)
        notes = _notes(switches, self._new, progress)
        if self._moved:
            announce_moved(switches, self._store, self._old, self._new)
        return notes


def follow_links(switches: Switches, old: Plan, new: Plan) -> None:
    """Move ports and flows around the links that are down in `new`, and clear learned addresses.

    A removed bridge stays removed. When it is created again, it follows the links at that time.
    """
    switches.converge_to(by_name(bridges_of(new)), partly=True)
    switches.install(new, old, only=switches.present())
    forget_learned(switches, new)
