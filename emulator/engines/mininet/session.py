"""Quick changes to a running Mininet network, made through Mininet."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial

from emulator.engines.driven.client import Driver, Step
from emulator.engines.driven.node_lines import after_up, is_switch, program_name
from emulator.engines.driven.session import DrivenSession
from emulator.engines.link_changes import LinkChange
from emulator.engines.mininet import openflow
from emulator.engines.mininet.create import Creator
from emulator.engines.mininet.delete import delete_nodes, delete_what_is_there
from emulator.engines.mininet.document import document
from emulator.engines.mininet.links import apply_shapes, link_steps
from emulator.engines.mininet.local import LocalNodes
from emulator.errors import BrokenError
from emulator.link_states import States, reapply_shapes
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.own_settings import restore_settings
from emulator.network import silent
from emulator.ovs.planned_bridges import bridges_of
from emulator.ovs.switches import Switches
from emulator.plan import Plan


class MininetSession(DrivenSession):
    """Quick changes to nodes, ports, links and controllers. `states_now()` returns the shapes of links."""

    def __init__(
        self, plan_now: Callable[[], Plan], states_now: Callable[[], States], driver: Driver,
        store: NamespaceStore, switches: Switches,
    ) -> None:  # fmt: skip
        super().__init__(plan_now, driver)
        self._states_now = states_now
        self._store = store
        self._switches = switches
        self._wanted = document(self._plan, bridges_of(self._plan))

    def _follow(self) -> None:
        """Use the current plan and its document."""
        before = self._plan
        super()._follow()
        if self._plan is not before:
            self._wanted = document(self._plan, bridges_of(self._plan))

    def add_node(self, node: int) -> None:
        """Create a removed node again, with its links to existing nodes, and its flows."""
        super().add_node(node)
        openflow.install_flows(self._switches, self._plan, [node])

    def set_controller(self, name: str, *, up: bool) -> None:
        """Stop a controller of the switches, or start it again; a remote one is cut off."""
        if up:
            self._switches.controllers.start([name])
            self._removed.set_controller(name, up=True)
        else:
            self._removed.set_controller(name, up=False)
            self._switches.controllers.stop([name])

    def _steps_after_up(self, node: int, down: AbstractSet[int]) -> list[Step]:
        lines = [] if is_switch(self._plan, node) else after_up(self._plan, node, down)
        again = {"name": program_name(self._plan, node), "lines": lines, "harmless": True}
        return [("batch", again)] if lines else []

    def _delete_node(self, node: int, links: list[int]) -> None:
        with self._store.entered():
            self._driver.ask(self._unlink(links))
            delete_nodes(self._plan, [node], self._driver, LocalNodes(self._plan, self._store))

    def _create(self, nodes: list[int], links: list[int]) -> None:
        self._follow()
        names = [self._link_name(link) for link in links]
        with self._store.entered():
            local = LocalNodes(self._plan, self._store)
            creator = Creator(self._plan, self._wanted, self._driver, local, silent)
            try:
                creator.create(nodes, names, partly=True)
            except BaseException:
                with suppress(BrokenError, OSError):  # so that the caller can try again
                    delete_what_is_there(self._plan, nodes, names, self._driver, local)
                raise
        while (old := self._plan) is not self._plan_now():  # links changed during the creation
            self._follow()
            self._driver.ask(*link_steps(LinkChange(old, self._plan, before={}, after={})))
        reapply_shapes(links, self._states_now, partial(apply_shapes, self._plan, self._driver))
        with self._store.entered():
            ends = self._plan.topology.ends[links].ravel().tolist()
            restore_settings(self._plan.here, self._store, {*ends, *nodes})
