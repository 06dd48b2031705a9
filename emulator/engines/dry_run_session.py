"""Quick changes to a network in memory: all its sessions share the removed elements."""

from __future__ import annotations

from collections.abc import Iterable

from emulator.removed_elements import RemovedElements
from emulator.restoring_session import RestoringSession
from topologies.topology import I64, Topology


class DryRunSession(RestoringSession):
    """Records removed elements, for the network and for itself; restores its own when the context ends."""

    def __init__(self, topology: Topology, of_network: RemovedElements) -> None:
        self._own = RemovedElements(topology)
        self._both = (of_network, self._own)

    def prepare(self, ports: Iterable[tuple[int, int]]) -> None:
        """Do nothing: no change needs preparation."""

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Bring a port down or up."""
        for removed in self._both:
            removed.set_port(node, port, up=up)

    def remove_link(self, link: int) -> None:
        """Remove a link; UsageError when it is removed already."""
        for removed in self._both:
            removed.record_link(link)

    def add_link(self, link: int) -> None:
        """Restore a link."""
        for removed in self._both:
            removed.links.pop(link, None)

    def remove_node(self, node: int) -> None:
        """Remove a node; UsageError when it is removed already."""
        for removed in self._both:
            removed.record_node(node)

    def add_node(self, node: int) -> None:
        """Restore a node."""
        for removed in self._both:
            removed.nodes.pop(node, None)

    def move_port(self, node: int, host: int) -> None:
        """Record that a light port moved, or that it is back."""
        for removed in self._both:
            removed.set_moved(node, moved=host != removed.home(node))

    def announce_port(self, node: int, host: int | None) -> None:
        """Record that a light port is announced elsewhere, or (None) no more."""
        for removed in self._both:
            removed.set_announced(node, host)

    def set_ports(self, nodes: I64, *, up: bool) -> None:
        """Bring the ports of light nodes down or up."""
        for removed in self._both:
            removed.set_ports(nodes.tolist(), up=up)

    def remove_ports(self, nodes: I64) -> None:
        """Remove light nodes."""
        for removed in self._both:
            removed.set_nodes(nodes.tolist(), removed=True)

    def add_ports(self, nodes: I64) -> None:
        """Restore light nodes."""
        for removed in self._both:
            removed.set_nodes(nodes.tolist(), removed=False)

    def remove_links(self, links: I64) -> None:
        """Remove links of light nodes."""
        for removed in self._both:
            removed.set_links(links.tolist(), removed=True)

    def add_links(self, links: I64) -> None:
        """Restore links of light nodes."""
        for removed in self._both:
            removed.set_links(links.tolist(), removed=False)

    def set_controller(self, name: str, *, up: bool) -> None:
        """Remove or restore a controller: no link changes."""
        for removed in self._both:
            removed.set_controller(name, up=up)

    def restore(self) -> list[str]:
        """Restore everything; return the names."""
        return self._own.restore_all(self)
