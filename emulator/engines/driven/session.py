"""Quick changes to a network that a driver holds, by the driver's own steps; the end restores everything.

Every driver has the steps `port` ({"name": interface, "up": bool}) and `unlink` ({"names": [interface, …]}).
The engine defines how to create nodes and links, and the additional work on this machine.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from emulator.engines.driven.client import Driver, Step
from emulator.plan import Plan
from emulator.removed_elements import RemovedElements
from emulator.restoring_session import RestoringSession
from topologies.identifiers import interface_name


class DrivenSession(RestoringSession):
    """Quick changes to the nodes, ports and links of a running network. A context manager.

    The driver executes one request at a time, so concurrent sessions queue there. `plan_now()` returns
    another plan after another command has changed which links are up.
    """

    def __init__(self, plan_now: Callable[[], Plan], driver: Driver) -> None:
        self._plan_now = plan_now
        self._plan = plan_now()
        self._topology = self._plan.topology
        self._driver = driver
        self._removed = RemovedElements(self._topology)

    @abstractmethod
    def _steps_after_up(self, node: int, down: AbstractSet[int]) -> list[Step]:
        """Return steps that restore what `node` lost with a port that came up; those in `down` stay down."""

    @abstractmethod
    def _create(self, nodes: list[int], links: list[int]) -> None:
        """Create removed nodes and links again, by the current plan."""

    @abstractmethod
    def _delete_node(self, node: int, links: list[int]) -> None:
        """Delete a node with its existing links, and end its processes."""

    @abstractmethod
    def set_controller(self, name: str, *, up: bool) -> None:
        """Stop a controller of the switches, or start it again; a remote one is cut off."""

    def _follow(self) -> None:
        """Use the current plan: roles and routes change with the links that are up."""
        self._plan = self._plan_now()

    def prepare(self, ports: Iterable[tuple[int, int]]) -> None:
        """Do nothing: the driver receives a request for each change."""
        del ports

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Bring `port` of `node` down or up; BrokenError when it doesn't exist."""
        self._removed.set_port(node, port, up=up)
        step: Step = ("port", {"name": interface_name(self._topology, node, port), "up": up})
        if not up:
            self._driver.ask(step)
            return
        self._follow()
        if not self._is_cut(node, port):
            down = {other for at, other in self._removed.ports if at == node}
            self._driver.ask(step, *self._steps_after_up(node, down))

    def remove_link(self, link: int) -> None:
        """Delete a link: the ports at both ends vanish."""
        self._removed.record_link(link)
        self._driver.ask(self._unlink([link]))
        self._removed.forget_ports(link)

    def add_link(self, link: int) -> None:
        """Create a removed link again, as it was."""
        self._create([], [link])
        self._removed.links.pop(link, None)

    def remove_node(self, node: int) -> None:
        """Remove a node with its links, and kill its processes."""
        self._removed.record_node(node)
        links = [link for link in self._links_of(node) if self._removed.there(link, but=node)]
        self._delete_node(node, links)
        for link in links:
            self._removed.forget_ports(link)

    def add_node(self, node: int) -> None:
        """Create a removed node again, with its links to existing nodes."""
        self._removed.nodes.pop(node, None)
        try:
            self._create([node], [link for link in self._links_of(node) if self._removed.there(link)])
        except BaseException:
            self._removed.nodes[node] = None
            raise

    def restore(self) -> list[str]:
        """Restore everything that this session removed; return the names."""
        return self._removed.restore_all(self)

    def _is_cut(self, node: int, port: int) -> bool:
        """Return whether `link down`, not a session, has cut the port's link: it then stays down."""
        up = self._plan.up
        return up is not None and any(
            end.port == port and not up[end.link] for end in self._topology.incident(node)
        )

    def _unlink(self, links: list[int]) -> Step:
        return ("unlink", {"names": [self._link_name(link) for link in links]})

    def _link_name(self, link: int) -> str:
        """Return the driver's name for a link: the interface at its first end."""
        return interface_name(
            self._topology, int(self._topology.ends[link, 0]), int(self._topology.ports[link, 0])
        )

    def _links_of(self, node: int) -> list[int]:
        return sorted({end.link for end in self._topology.incident(node)})
