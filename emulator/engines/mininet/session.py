"""Quick changes to a running Mininet network, each Mininet's own way; all is given back at the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Self

from emulator.engines.driven.client import Driver
from emulator.engines.link_changes import LinkChange
from emulator.engines.mininet import openflow
from emulator.engines.mininet.create import Maker
from emulator.engines.mininet.delete import delete_nodes, delete_what_is_there
from emulator.engines.mininet.document import document, mininet_name
from emulator.engines.mininet.links import give_shapes, link_steps
from emulator.engines.mininet.local import LocalNodes
from emulator.engines.mininet.settings import after_up, is_switch
from emulator.errors import BrokenError
from emulator.link_states import States, shaped_again
from emulator.linux.namespaces import NamespaceStore
from emulator.network import silent
from emulator.ovs.planned_bridges import bridges_of
from emulator.ovs.switches import Switches
from emulator.plan import Plan
from emulator.removed_elements import RemovedElements
from topologies.identifiers import interface_name


class MininetSession:
    """Quick changes to the nodes, ports, links and controllers of a running network. A context manager.

    The driver does one thing at a time: sessions side by side wait for each other there. `plan_now()`
    gives another plan once somebody else has changed how the links are, `states_now()` their shapes.
    """

    def __init__(
        self, plan_now: Callable[[], Plan], states_now: Callable[[], States], driver: Driver,
        store: NamespaceStore, switches: Switches,
    ) -> None:  # fmt: skip
        self._plan_now = plan_now
        self._states_now = states_now
        self._plan = plan = plan_now()
        self._topology = plan.topology
        self._driver = driver
        self._store = store
        self._switches = switches
        self._wanted = document(plan, bridges_of(plan))
        self._link_names = list(self._wanted.links)
        self._removed = RemovedElements(plan.topology)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()

    def _follow(self) -> None:
        """Go by the plan that holds now: roles and routes change with the links that are up."""
        plan = self._plan_now()
        if plan is not self._plan:
            self._plan = plan
            self._wanted = document(plan, bridges_of(plan))

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Bring `port` of `node` down or up, by ifconfig as Mininet does; BrokenError when it isn't there."""
        name = interface_name(self._topology, node, port)
        if not up:
            self._removed.set_port(node, port, up=False)
            self._driver.ask(("port", {"name": name, "up": False}))
            return
        self._removed.set_port(node, port, up=True)
        self._follow()
        if any(name in (end["name"] for end in self._wanted.links[cut]["ends"]) for cut in self._wanted.cut):
            return  # its link was cut
        down = {other for at, other in self._removed.ports if at == node}
        lines = [] if is_switch(self._plan, node) else after_up(self._plan, node, down)
        again = {"name": mininet_name(self._plan, node), "lines": lines, "harmless": True}
        self._driver.ask(("port", {"name": name, "up": True}), *([("batch", again)] if lines else []))

    def remove_link(self, link: int) -> None:
        """Delete a link: the ports at both ends vanish."""
        self._removed.take_link(link)
        self._driver.ask(("unlink", {"names": [self._link_names[link]]}))
        self._removed.forget_ports(link)

    def add_link(self, link: int) -> None:
        """Make a link that was removed, as it was."""
        self._make([], [link])
        self._removed.links.pop(link, None)

    def remove_node(self, node: int) -> None:
        """Remove a node with its links, and kill what runs in it."""
        self._removed.take_node(node)
        links = [link for link in self._links_of(node) if self._removed.there(link, but=node)]
        with self._store.entered():
            self._driver.ask(("unlink", {"names": [self._link_names[link] for link in links]}))
            delete_nodes(self._plan, [node], self._driver, LocalNodes(self._plan, self._store))
        for link in links:
            self._removed.forget_ports(link)

    def add_node(self, node: int) -> None:
        """Make a node that was removed, with its links to the nodes that are there."""
        self._removed.nodes.pop(node, None)
        try:
            self._make([node], [link for link in self._links_of(node) if self._removed.there(link)])
        except BaseException:
            self._removed.nodes[node] = None
            raise
        openflow.give_flows(self._switches, self._plan, [node])

    def set_controller(self, name: str, *, up: bool) -> None:
        """Stop a controller of the switches, or start it again; one that runs elsewhere is cut off."""
        if up:
            self._switches.controllers.start([name])
            self._removed.set_controller(name, up=True)
        else:
            self._removed.set_controller(name, up=False)
            self._switches.controllers.stop([name])

    def restore(self) -> list[str]:
        """Give back all that this session took away; return the names of what was given back."""
        return self._removed.give_back(self)

    def _make(self, nodes: list[int], links: list[int]) -> None:
        self._follow()
        names = [self._link_names[link] for link in links]
        with self._store.entered():
            local = LocalNodes(self._plan, self._store)
            maker = Maker(self._plan, self._wanted, self._driver, local, silent)
            try:
                maker.make(nodes, names, partly=True)
            except BaseException:
                with suppress(BrokenError, OSError):  # so that it can be tried again
                    delete_what_is_there(self._plan, nodes, names, self._driver, local)
                raise
        while (old := self._plan) is not self._plan_now():  # links were changed while it was made
            self._follow()
            self._driver.ask(*link_steps(LinkChange(old, self._plan, before={}, after={})))
        shaped_again(links, self._states_now, partial(give_shapes, self._plan, self._driver))

    def _links_of(self, node: int) -> list[int]:
        return sorted({end.link for end in self._topology.incident(node)})
