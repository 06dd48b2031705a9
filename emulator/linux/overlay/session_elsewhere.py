"""Session on a machine without compute hosts, of a network whose light ports are all on others."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from emulator.errors import UsageError
from emulator.linux.nodes.session import NetnsSession
from topologies.topology import I64, Topology


class ElsewhereSession:
    """Changes full nodes by the session `full`. Changes of light ports have nothing to do here."""

    def __init__(self, full: NetnsSession, topology: Topology) -> None:
        self._full, self._topology = full, topology
        self._first_light, self._first_link = topology.full.node_count, topology.full.link_count

    def __enter__(self) -> Self:
        self._full.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._full.__exit__(kind, value, trace)

    def restore(self) -> list[str]:
        """Restore everything that this session removed; return the names."""
        return self._full.restore()

    def set_controller(self, name: str, *, up: bool) -> None:
        """Stop a controller of the switches, or start it again; a remote one is cut off."""
        self._full.set_controller(name, up=up)

    def prepare(self, ports: Iterable[tuple[int, int]]) -> None:
        """Prepare changes of ports of full nodes."""
        self._full.prepare(port for port in ports if port[0] < self._first_light)

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Bring a port down or up."""
        if node < self._first_light:
            self._full.set_port(node, port, up=up)

    def remove_link(self, link: int) -> None:
        """Delete a link."""
        if link < self._first_link:
            self._full.remove_link(link)

    def add_link(self, link: int) -> None:
        """Create a removed link again, as it was."""
        if link < self._first_link:
            self._full.add_link(link)

    def remove_node(self, node: int) -> None:
        """Remove a node with its links."""
        if node < self._first_light:
            self._full.remove_node(node)

    def add_node(self, node: int) -> None:
        """Create a removed node again, with its links to existing nodes."""
        if node < self._first_light:
            self._full.add_node(node)

    def move_port(self, node: int, host: int) -> None:
        """Nothing: the port is on another machine before and after. UsageError for a full node."""
        del host
        if node < self._first_light:
            raise UsageError(f"`{self._topology.names[node]}` can't move: only light ports do")

    def announce_port(self, node: int, host: int | None) -> None:
        """Nothing: no compute host is here that would know. UsageError for a full node."""
        del host
        if node < self._first_light:
            raise UsageError(f"`{self._topology.names[node]}` can't be announced: only light ports are")

    def set_ports(self, nodes: I64, *, up: bool) -> None:
        """Nothing: the ports are elsewhere."""

    def remove_ports(self, nodes: I64) -> None:
        """Nothing: the ports are elsewhere."""

    def add_ports(self, nodes: I64) -> None:
        """Nothing: the ports are elsewhere."""

    def remove_links(self, links: I64) -> None:
        """Nothing: the ports are elsewhere."""

    def add_links(self, links: I64) -> None:
        """Nothing: the ports are elsewhere."""
