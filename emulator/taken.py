"""What one session took away of a network that runs, so that it can be given back."""

from __future__ import annotations

from emulator.errors import UsageError
from emulator.network import Session
from topologies.identifiers import interface_name
from topologies.topology import Topology


class Taken:
    """The ports, links and nodes that are away, each in the order in which they went."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self.ports: dict[tuple[int, int], None] = {}
        self.links: dict[int, None] = {}
        self.nodes: dict[int, None] = {}

    def take_link(self, link: int) -> None:
        """Note that `link` goes; UsageError when it is gone already."""
        if link in self.links:
            raise UsageError(f"link {link} is removed already")
        self.links[link] = None

    def take_node(self, node: int) -> None:
        """Note that `node` goes; UsageError when it is gone already."""
        if node in self.nodes:
            raise UsageError(f"{self._topology.names[node]} is removed already")
        self.nodes[node] = None

    def there(self, link: int, but: int = -1) -> bool:
        """Return whether `link` is there: neither it nor a node at an end (other than `but`) is away."""
        ends = self._topology.ends[link].tolist()
        return link not in self.links and not any(n in self.nodes and n != but for n in ends)

    def forget_ports(self, link: int) -> None:
        """Forget that the ports of `link` are down: made anew, they are up."""
        ends, ports = self._topology.ends[link].tolist(), self._topology.ports[link].tolist()
        for key in zip(ends, ports, strict=True):
            self.ports.pop(key, None)

    def give_back(self, session: Session) -> list[str]:
        """Have `session` give everything back: nodes, then links, then ports. Return the names."""
        names = self._topology.names
        given = []
        for node in list(self.nodes):
            session.add_node(node)
            given.append(names[node])
        for link in list(self.links):
            a, b = self._topology.ends[link].tolist()
            session.add_link(link)
            given.append(f"{names[a]} -- {names[b]}")
        for node, port in list(self.ports):
            session.set_port(node, port, up=True)
            given.append(interface_name(self._topology, node, port))
        return given
