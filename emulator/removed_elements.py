"""Elements that were removed from a running network, so that they can be restored."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

import numpy as np

from emulator.errors import UsageError
from emulator.network import Session
from topologies.identifiers import interface_name
from topologies.topology import Topology


class RemovedElements:
    """Ports that are down, moved or announced elsewhere; links, nodes and controllers that are removed.

    All are in order. A port is (node, port). Each session has its own object. A stress run has one for all
    its sessions. Only one thread changes each entry.
    """

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self.ports: dict[tuple[int, int], None] = {}
        self.links: dict[int, None] = {}
        self.nodes: dict[int, None] = {}
        self.controllers: dict[str, None] = {}
        self.moved: dict[int, None] = {}
        self.announced: dict[int, None] = {}

    def record_link(self, link: int) -> None:
        """Record that `link` is removed; UsageError when it is removed already."""
        if link in self.links:
            raise UsageError(f"link {link} is removed already")
        self.links[link] = None

    def record_node(self, node: int) -> None:
        """Record that `node` is removed; UsageError when it is removed already."""
        if node in self.nodes:
            raise UsageError(f"{self._topology.names[node]} is removed already")
        self.nodes[node] = None

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Record that a port goes down or comes up."""
        if up:
            self.ports.pop((node, port), None)
        else:
            self.ports[node, port] = None

    def set_ports(self, nodes: Sequence[int], *, up: bool) -> None:
        """Record that the ports of light nodes go down or come up."""
        if up:
            for node in nodes:
                self.ports.pop((node, 0), None)
        else:
            self.ports.update(dict.fromkeys(zip(nodes, repeat(0))))

    def set_nodes(self, nodes: Sequence[int], *, removed: bool) -> None:
        """Record that light nodes are removed, with their ports, or back."""
        if removed:
            self.nodes.update(dict.fromkeys(nodes))
            self.set_ports(nodes, up=True)
        else:
            for node in nodes:
                self.nodes.pop(node, None)

    def set_links(self, links: Sequence[int], *, removed: bool) -> None:
        """Record that links of light nodes are deleted, with their ports, or back."""
        if removed:
            self.links.update(dict.fromkeys(links))
            for link in links if self.ports else ():
                self.forget_ports(link)
        else:
            for link in links:
                self.links.pop(link, None)

    def set_controller(self, name: str, *, up: bool) -> None:
        """Record that a controller is stopped or started."""
        if up:
            self.controllers.pop(name, None)
        else:
            self.controllers[name] = None

    def set_moved(self, node: int, *, moved: bool) -> None:
        """Record that a light port is on another compute host than its own, or back."""
        if moved:
            self.moved[node] = None
        else:
            self.moved.pop(node, None)

    def set_announced(self, node: int, host: int | None) -> None:
        """Record that a light port is announced at a compute host where it isn't, or (None) no more."""
        if host is None:
            self.announced.pop(node, None)
        else:
            self.announced[node] = None

    def there(self, link: int, but: int = -1) -> bool:
        """Return whether `link` exists: neither it nor a node at an end (other than `but`) is removed."""
        ends = self._topology.ends[link].tolist()
        return link not in self.links and not any(n in self.nodes and n != but for n in ends)

    def home(self, node: int) -> int:
        """Return the compute host of a light node, as the topology has it."""
        (incident, *_) = self._topology.incident(node)
        return int(self._topology.ends[incident.link, 1 - incident.end])

    def links_down(self) -> set[int]:
        """Return the links that carry nothing: removed, or with an end that is down or removed."""
        out = set(self.links)
        for node in {node for node, _ in self.ports} | set(self.nodes):
            for link, _, port in self._topology.incident(node):
                if node in self.nodes or (node, port) in self.ports:
                    out.add(link)
        return out

    def forget_ports(self, link: int) -> None:
        """Drop the record that the ports of `link` are down: when created again, they are up."""
        ends, ports = self._topology.ends[link].tolist(), self._topology.ports[link].tolist()
        for key in zip(ends, ports, strict=True):
            self.ports.pop(key, None)

    def restore_all(self, session: Session) -> list[str]:
        """Restore everything through `session`: nodes, then links, ports and controllers; return names.

        Light ports are restored all at once: there may be a million.
        """
        names = self._topology.names
        restored = []
        first = self._topology.full.node_count
        for node in [node for node in self.nodes if node < first]:
            session.add_node(node)
            restored.append(names[node])
        if light := list(self.nodes):
            session.add_ports(np.array(light))
            restored += [names[node] for node in light]
        for node in list(self.announced):
            session.announce_port(node, None)
            restored.append(names[node])
        for node in list(self.moved):
            session.move_port(node, self.home(node))
            restored.append(names[node])
        links, first_link = list(self.links), self._topology.full.link_count
        for link in [link for link in links if link < first_link]:
            session.add_link(link)
        if light := [link for link in links if link >= first_link]:
            session.add_links(np.array(light))
        restored += [f"{names[a]} -- {names[b]}" for a, b in self._topology.ends[links].tolist()]
        for node, port in [key for key in self.ports if key[0] < first]:
            session.set_port(node, port, up=True)
            restored.append(interface_name(self._topology, node, port))
        if light := [node for node, _ in self.ports]:
            session.set_ports(np.array(light), up=True)
            restored += [interface_name(self._topology, node, 0) for node in light]
        for name in list(self.controllers):
            session.set_controller(name, up=True)
            restored.append(name)
        return restored
