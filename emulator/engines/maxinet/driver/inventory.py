"""What MaxiNet creates: the worker and the process of each node, and all interfaces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from serving.server import StepError

from .fleet import Batch, Command, Fleet

Document = dict[str, Any]


class Inventory:
    """Nodes and interface ends by name; `workers` are the names of the workers, by number.

    `mark` tells what is the network's on a worker, see `remains`.
    """

    def __init__(self, workers: Sequence[str], fleet: Fleet, mark: str) -> None:
        self.mark = mark
        self.workers = list(workers)
        self.fleet = fleet
        self.nodes: dict[str, Document] = {}
        self.ends: dict[str, Document] = {}
        self.links: list[Document] = []
        self._pids: dict[str, int] = {}

    def plan(self, document: Document) -> None:
        """Add what is about to be created."""
        for node in document["nodes"]:
            self.nodes[node["name"]] = node
        self.links += document["links"]
        for link in document["links"]:
            for end in link["ends"]:
                self.ends[end["name"]] = {**end, "mtu": link["mtu"], "tunnel": link["tunnel"]}

    def read_back(self, names: Iterable[str]) -> None:
        """Ask the workers for the processes of nodes; StepError for nodes that they don't have."""
        wanted: dict[str, list[str]] = {}
        for name in names:
            wanted.setdefault(self.worker_of(name), []).append(name)

        def ask(worker: str) -> dict[str, int]:
            with self.fleet.proxy(worker, "mininet") as mininet:
                return {name: _pid(mininet, name, worker) for name in wanted.get(worker, ())}

        for found in self.fleet.each(ask).values():
            self._pids.update(found)

    def names(self, worker: str) -> frozenset[str]:
        """Return the names of what the network has on a worker, outside of its hosts."""
        switches = {
            name for name, node in self.nodes.items()
            if node["kind"] != "host" and self.worker_of(name) == worker
        }  # fmt: skip
        return frozenset((*switches, *(name for name, end in self.ends.items() if end["node"] in switches)))

    def uses_ovs(self, worker: str) -> bool:
        """Return whether the network has Open vSwitches on a worker."""
        return any(self.worker_of(name) == worker for name in self.switches("ovs"))

    def uses(self, worker: str) -> bool:
        """Return whether the network has nodes on a worker."""
        return any(self.worker_of(name) == worker for name in self.nodes)

    def worker_of(self, node: str) -> str:
        """Return the worker of a node."""
        return self.workers[self.nodes[node]["worker"]]

    def in_node(
        self, node: str, argv: Sequence[str], seconds: float | None, given: str = ""
    ) -> tuple[str, Command]:
        """Return a command in a node, with its worker; `given` is its input in base64."""
        if node not in self._pids:
            raise StepError(f"MaxiNet has no node {node}")
        return self.worker_of(node), (self._pids[node], list(argv), seconds, given)

    def batch(self, node: str, argv: Sequence[str], lines: Iterable[str]) -> tuple[str, Batch]:
        """Return a program in a node that reads `lines`, with its worker."""
        worker, _ = self.in_node(node, argv, None)
        return worker, (self._pids[node], argv, "".join(f"{line}\n" for line in lines))

    def places(self) -> dict[str, str]:
        """Return the worker of each node whose shell runs there now."""
        out = {}
        for worker in self.workers:
            mine = {str(pid): name for name, pid in self._pids.items() if self.worker_of(name) == worker}
            if mine:
                pids = " ".join(mine)
                said = self.fleet.shell(worker, f"for p in {pids}; do [ -d /proc/$p ] && echo $p; done; true")
                out.update({mine[pid]: worker for pid in said.split()})
        return out

    def switches(self, kind: str) -> list[str]:
        """Return the switches of one kind."""
        return [name for name, node in self.nodes.items() if node["kind"] == kind]

    def ends_of(self, node: str) -> list[str]:
        """Return the interfaces of a node."""
        return [name for name, end in self.ends.items() if end["node"] == node]


def _pid(mininet: Any, name: str, worker: str) -> int:
    """Return the process id of a node's shell."""
    try:
        return int(mininet.attr(name, "pid"))
    except KeyError:
        raise StepError(f"MaxiNet reported success, but worker {worker} has no node {name}") from None
