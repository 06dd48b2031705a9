"""Quick changes to a running Mininet network, each Mininet's own way; all is given back at the end."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from emulator.engines.mininet import openflow
from emulator.engines.mininet.client import Driver
from emulator.engines.mininet.document import document, mininet_name
from emulator.engines.mininet.making import Maker
from emulator.engines.mininet.removing import remove_nodes
from emulator.engines.mininet.settings import after_up, is_switch
from emulator.errors import UsageError
from emulator.linux.namespaces import NamespaceStore
from emulator.network import silent
from emulator.ovs.switches import Switches, bridges_of
from emulator.plan import Plan
from topologies.identifiers import interface_name


class MininetSession:
    """Quick changes to the nodes, ports, links and controllers of a running network. A context manager.

    The driver does one thing at a time: sessions side by side wait for each other there.
    """

    def __init__(self, plan: Plan, driver: Driver, store: NamespaceStore, switches: Switches) -> None:
        self._plan = plan
        self._topology = plan.topology
        self._driver = driver
        self._store = store
        self._switches = switches
        self._wanted = document(plan, bridges_of(plan))
        self._link_names = list(self._wanted.links)
        self._ports_down: dict[tuple[int, int], None] = {}
        self._links_gone: dict[int, None] = {}
        self._nodes_gone: dict[int, None] = {}
        self._controllers_down: dict[str, None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Bring `port` of `node` down or up, by ifconfig as Mininet does; BrokenError when it isn't there."""
        name = interface_name(self._topology, node, port)
        if not up:
            self._ports_down[node, port] = None
            self._driver.ask(("port", {"name": name, "up": False}))
            return
        self._ports_down.pop((node, port), None)
        down = {other for at, other in self._ports_down if at == node}
        lines = [] if is_switch(self._plan, node) else after_up(self._plan, node, down)
        again = {"name": mininet_name(self._plan, node), "lines": lines, "harmless": True}
        self._driver.ask(("port", {"name": name, "up": True}), *([("batch", again)] if lines else []))

    def remove_link(self, link: int) -> None:
        """Delete a link: the ports at both ends vanish."""
        if link in self._links_gone:
            raise UsageError(f"link {link} is removed already")
        self._links_gone[link] = None
        self._driver.ask(("unlink", {"names": [self._link_names[link]]}))
        self._forget_ports(link)

    def add_link(self, link: int) -> None:
        """Make a link that was removed, as it was."""
        self._make([], [link])
        self._links_gone.pop(link, None)

    def remove_node(self, node: int) -> None:
        """Remove a node with its links, and kill what runs in it."""
        name = self._topology.names[node]
        if node in self._nodes_gone:
            raise UsageError(f"{name} is removed already")
        self._nodes_gone[node] = None
        links = [link for link in self._links_of(node) if self._there(link, but=node)]
        with self._store.entered():
            self._driver.ask(("unlink", {"names": [self._link_names[link] for link in links]}))
            remove_nodes(self._plan, [node], self._driver, self._store)
        for link in links:
            self._forget_ports(link)

    def add_node(self, node: int) -> None:
        """Make a node that was removed, with its links to the nodes that are there."""
        self._nodes_gone.pop(node, None)
        try:
            self._make([node], [link for link in self._links_of(node) if self._there(link)])
        except BaseException:
            self._nodes_gone[node] = None
            raise
        openflow.give_flows(self._switches, self._plan, [node])

    def set_controller(self, name: str, *, up: bool) -> None:
        """Stop a controller of the switches, or start it again; one that runs elsewhere is cut off."""
        if up:
            self._switches.controllers.start([name])
            self._controllers_down.pop(name, None)
        else:
            self._switches.controllers.stop([name])
            self._controllers_down[name] = None

    def restore(self) -> list[str]:
        """Give back all that this session took away; return the names of what was given back."""
        names = self._topology.names
        given = []
        for controller in list(self._controllers_down):
            self.set_controller(controller, up=True)
            given.append(controller)
        for node in list(self._nodes_gone):
            self.add_node(node)
            given.append(names[node])
        for link in list(self._links_gone):
            a, b = self._topology.ends[link].tolist()
            self.add_link(link)
            given.append(f"{names[a]} -- {names[b]}")
        for node, port in list(self._ports_down):
            self.set_port(node, port, up=True)
            given.append(interface_name(self._topology, node, port))
        return given

    def _make(self, nodes: list[int], links: list[int]) -> None:
        names = [self._link_names[link] for link in links]
        with self._store.entered():
            Maker(self._plan, self._wanted, self._driver, self._store, silent).make(nodes, names, partly=True)

    def _links_of(self, node: int) -> list[int]:
        return sorted({slot >> 1 for slot in self._topology.slots(node)})

    def _there(self, link: int, but: int = -1) -> bool:
        """Return whether `link` is there: neither it nor a node at an end (other than `but`) was removed."""
        ends = self._topology.ends[link].tolist()
        return link not in self._links_gone and not any(n in self._nodes_gone and n != but for n in ends)

    def _forget_ports(self, link: int) -> None:
        """Forget that the ports of `link` are down: made anew, they are up."""
        ends, ports = self._topology.ends[link].tolist(), self._topology.ports[link].tolist()
        for key in zip(ends, ports, strict=True):
            self._ports_down.pop(key, None)
