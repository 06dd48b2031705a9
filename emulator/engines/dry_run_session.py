"""Quick changes to a network in memory: what is gone is a few sets that all sessions share."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from emulator.errors import UsageError
from topologies.topology import Topology


@dataclass
class Gone:
    """What sessions have taken away from a dry-run network."""

    ports: set[tuple[int, int]] = field(default_factory=set)
    links: set[int] = field(default_factory=set)
    nodes: set[int] = field(default_factory=set)
    controllers: set[str] = field(default_factory=set)

    def links_down(self, topology: Topology) -> set[int]:
        """Return the links that carry nothing: removed, or with an end that is down or gone."""
        out = set(self.links)
        for node in {node for node, _ in self.ports} | self.nodes:
            for link, _, port in topology.incident(node):
                if node in self.nodes or (node, port) in self.ports:
                    out.add(link)
        return out


class DryRunSession:
    """Changes the network's sets, and changes them back when it is left."""

    def __init__(self, topology: Topology, gone: Gone) -> None:
        self._topology = topology
        self._gone = gone
        self._own = Gone()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Bring a port down or up."""
        for gone in (self._gone, self._own):
            (gone.ports.discard if up else gone.ports.add)((node, port))

    def remove_link(self, link: int) -> None:
        """Take a link away; UsageError when it is gone already."""
        if link in self._gone.links:
            raise UsageError(f"link {link} is removed already")
        self._gone.links.add(link)
        self._own.links.add(link)

    def add_link(self, link: int) -> None:
        """Give a link back."""
        self._gone.links.discard(link)
        self._own.links.discard(link)

    def remove_node(self, node: int) -> None:
        """Take a node away; UsageError when it is gone already."""
        if node in self._gone.nodes:
            raise UsageError(f"{self._topology.names[node]} is removed already")
        self._gone.nodes.add(node)
        self._own.nodes.add(node)

    def add_node(self, node: int) -> None:
        """Give a node back."""
        self._gone.nodes.discard(node)
        self._own.nodes.discard(node)

    def set_controller(self, name: str, *, up: bool) -> None:
        """Take a controller away or give it back: no link is changed by that."""
        for gone in (self._gone, self._own):
            (gone.controllers.discard if up else gone.controllers.add)(name)

    def restore(self) -> list[str]:
        """Give everything back; return the names."""
        names = self._topology.names
        given = [names[node] for node in sorted(self._own.nodes)]
        given += [f"link {link}" for link in sorted(self._own.links)]
        given += [f"{names[node]}-eth{port}" for node, port in sorted(self._own.ports)]
        given += sorted(self._own.controllers)
        self._gone.controllers -= self._own.controllers
        self._gone.nodes -= self._own.nodes
        self._gone.links -= self._own.links
        self._gone.ports -= self._own.ports
        self._own = Gone()
        return given
