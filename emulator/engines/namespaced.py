"""Common parts of networks with nodes in a store of namespaces.

Access to nodes needs only the location of a node's namespace. So it is the same whether we created the
network or another program did.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from emulator.engines import link_changes
from emulator.engines.link_changes import LinkChange
from emulator.engines.namespaced_access import NamespacedAccess
from emulator.engines.namespaced_nodes import NamespacedNodes
from emulator.engines.repairable import RepairableNetwork
from emulator.engines.store import require_root, store_of, take_down
from emulator.errors import BrokenError, NotWholeError
from emulator.link_states import States, links_up
from emulator.linux.nodes.own_settings import apply_settings, setting_deviations
from emulator.linux.observed.existing_nodes import count_existing
from emulator.network import Health, LinkState, Progress, silent
from emulator.ovs import status
from emulator.ovs.switches import Switches
from emulator.services.control import lead, service_deviations, service_facts, under_way
from emulator.state import NetworkState
from emulator.stress_lock import left_over, under_stress
from topologies.counting import counted
from topologies.profiles import Shape


class NamespacedNetwork(RepairableNetwork):
    """A running network with nodes that are namespaces of a store."""

    def __init__(self, state: NetworkState) -> None:
        super().__init__(state)
        self._store = store_of(state)

    @property
    @abstractmethod
    def switches(self) -> Switches | None:
        """Its Open vSwitch, and its controllers; None when it has neither."""

    @abstractmethod
    def _unshapable(self, shapes: Iterable[Shape]) -> list[str]:
        """Return why this machine can't apply these shapes to links."""

    @abstractmethod
    def _carry_out(self, change: LinkChange) -> None:
        """Change links of the running network."""

    def change_links(self, wanted: States) -> bool:
        """Change running links to `wanted`; return False if they already match.

        The caller holds the network's lock. Raises UsageError for an unknown link, RefusedError when this
        machine can't apply the shapes, KernelError or BrokenError on failure.
        """
        link_changes.refuse(self.topology, wanted, self._unshapable)
        running = self._plan_again()

        def carry_out(before: States, after: States) -> None:
            old = running.with_links(links_up(self.topology, before))
            self._carry_out(LinkChange(old, self._plan_again(), before, after))

        return link_changes.change(self._state, self._record, wanted, carry_out)

    def describe(self, node: int) -> Mapping[str, Any]:
        """Return facts of a node, with the words that enter its namespace by util-linux' nsenter(1)."""
        file = self._store.folder / self.plan.namespaces.file(node)
        words = ["nsenter", f"--mount={self._store.pin}", "nsenter", f"--net={file}"]
        services = service_facts(self._state, self.topology.names[node])
        return {**super().describe(node), "nsenter": words} | ({"services": services} if services else {})

    def set_link(self, link: int, state: LinkState) -> None:
        """Change a running link to `state`."""
        self.set_links({link: state})

    def set_links(self, wanted: States) -> None:
        """Change running links at once."""
        require_root()
        with self._state.locked("link"):
            self._record = self._state.read()
            self._require_engine()
            self.change_links(wanted)

    def _require_engine(self) -> None:
        """Raise NotWholeError when something that changes need has ended: then nothing is recorded either."""
        problems = self._engine_problems()
        if self.switches is not None:
            if self.switches.there:
                try:
                    self.switches.servers.require_running()
                except BrokenError as error:
                    problems.append(str(error))
            if not under_stress(self._state.folder):  # a stress run stops controllers, and starts them again
                restored = not left_over(self._state.folder)
                problems += self.switches.controllers.ended(restored=restored)
        if problems:
            raise NotWholeError("; ".join(problems))

    def health(self) -> Health:
        """Check that the nodes' namespaces exist, and that Open vSwitch and the controllers run."""
        found = self._nodes_there()
        if not found.running:
            return found
        problems = [*self._engine_problems(), *(status.problems(self.switches) if self.switches else ())]
        if problems:
            return Health(running=False, nodes=found.nodes, problems=tuple(problems))
        if self.switches is None:
            return found
        details, notes = status.details(self.switches), tuple(status.notes(self.switches))
        return Health(running=True, nodes=found.nodes, details=details, notes=notes)

    def beyond_repair(self) -> str:
        """Return why `up` must create the network again; empty where it can be repaired.

        Ended controllers are no reason: they are started again.
        """
        if not self._store.exists:
            return "its namespaces are gone"
        if self._record.phase != "up":
            return "an earlier `up` did not finish"
        with self._store.entered():
            if not self._store.files():
                return "all its nodes are gone"
        ended = self.switches.servers.ended() if self.switches and self.switches.there else []
        return "; ".join(problem.partition(";")[0] for problem in (*self._engine_problems(), *ended))

    def _engine_problems(self) -> list[str]:
        """Return problems of the processes that the engine itself keeps beside the nodes."""
        return []

    def repair_services(self) -> list[str]:
        """Start services again that have ended; BrokenError if one fails again.

        Services that are about to be ready are waited for, and not returned.
        """
        found = service_deviations(self._state, self._filed_plan.here)
        if found:
            lead(self._state, self._store, self._filed_plan.here, self._record.file, silent)
        return [str(deviation) for deviation in found if not under_way(deviation)]

    def _repair_settings(self) -> list[str]:
        """Set sysctls and files of the topology file that differ, and return them."""
        found = setting_deviations(self.plan, self._store, self._state.folder)
        if found:
            apply_settings(self.plan, self._store, self._state.folder)
        return [str(deviation) for deviation in found]

    def stopped_controllers(self) -> list[str]:
        """Return the names of controllers whose processes have ended."""
        if self.switches is None:
            return []
        return [name for name, runs in self.switches.controllers.running().items() if not runs]

    def _nodes_there(self) -> Health:
        """Check that every node's namespace exists, and that no killed stress run left anything wrong."""
        if not self._store.exists:
            return Health(running=False, problems=(f"its namespaces are gone; `emulator down {self.name}`",))
        with self._store.entered():
            nodes = count_existing(self._store, self._filed_plan.full.here) + self._light_nodes()
        missing = len(self._filed_plan.here.nodes) - nodes
        problems = (
            [f"{counted(missing, 'node')} {'is' if missing == 1 else 'are'} missing"] if missing else []
        )
        if self._record.phase != "up":
            problems.append(f"`up` did not finish; `emulator down {self.name}` removes the rest")
        problems += left_over(self._state.folder)
        return Health(running=not problems, nodes=nodes, problems=tuple(problems))

    def _light_nodes(self) -> int:
        """Return how many light nodes exist."""
        return 0

    @cached_property
    def access(self) -> NamespacedAccess:
        """Access to the nodes, which are on this machine."""
        return NamespacedAccess(self.engine, self._nodes, lambda: self.link_changes)

    @property
    def _nodes(self) -> NamespacedNodes:
        return NamespacedNodes(self._state, self._store, self.topology, lambda: self._filed_plan)

    def down(self, progress: Progress = silent) -> None:
        """Take the network down."""
        take_down(self._state, progress)
