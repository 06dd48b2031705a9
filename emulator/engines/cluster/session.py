"""Quick changes of a network of a cluster: a session on each worker that is concerned.

A session on a worker changes its own ends. A tunnel has one end on each of two workers: it is removed and
created on both. With a node, the tunnels to its neighbours on other workers go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from emulator.engines.cluster.calls import Workers
from emulator.engines.cluster.leased import Leased
from emulator.plan import Plan
from emulator.removed_elements import RemovedElements
from emulator.restoring_session import RestoringSession
from topologies.openflow_switches import switches_with
from topologies.topology import I64

_RESTORE_SECONDS = 300.0


class ClusterSession(RestoringSession):
    """A session across workers. A context manager; `plan_now()` returns the current plan."""

    def __init__(self, plan_now: Callable[[], Plan], workers: Workers) -> None:
        self._plan_now = plan_now
        self._workers = workers
        self._removed = RemovedElements(plan_now().topology)
        self._leased = Leased(workers)
        self._held: dict[str, list[list[Any]]] | None = None

    def __exit__(self, *error: object) -> None:
        try:
            self.restore()
        finally:
            self._leased.close(_RESTORE_SECONDS)

    def _change(self, each: dict[str, list[list[Any]]]) -> None:
        """Carry out changes ([verb, words]) on workers, opening sessions where there are none."""
        if self._held is not None:
            for name, changes in each.items():
                self._held.setdefault(name, []).extend(changes)
            return
        numbers = self._leased.numbers
        if new := [name for name in each if name not in numbers]:
            found = self._workers.ask("emulator.agent.sessions:start", self._workers.each(new))
            self._leased.add({name: int(answer.value) for name, answer in found.items()})
        self._workers.ask(
            "emulator.agent.sessions:change",
            {name: {"number": numbers[name], "changes": changes} for name, changes in each.items()},
        )

    def _worker(self, node: int) -> str:
        plan = self._plan_now()
        return plan.workers[int(plan.placement[node])].name

    def _ends(self, link: int) -> list[str]:
        """Return the workers of a link's ends that exist: one, or two of a tunnel."""
        nodes = [n for n in self._plan_now().topology.ends[link].tolist() if n not in self._removed.nodes]
        return list(dict.fromkeys(map(self._worker, nodes)))

    def prepare(self, ports: Iterable[tuple[int, int]]) -> None:
        """Prepare changes of ports on their workers."""
        each: dict[str, list[list[int]]] = {}
        for node, port in ports:
            each.setdefault(self._worker(node), []).append([int(node), int(port)])
        self._change({name: [["prepare", words]] for name, words in each.items()})

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Bring a port down or up."""
        self._removed.set_port(node, port, up=up)
        self._change({self._worker(node): [["set_port", [int(node), int(port), up]]]})

    def remove_link(self, link: int) -> None:
        """Delete a link: the ports at both ends vanish, on both workers of a tunnel."""
        self._change({name: [["remove_link", [int(link)]]] for name in self._ends(link)})
        self._removed.record_link(link)
        self._removed.forget_ports(link)

    def add_link(self, link: int) -> None:
        """Create a removed link again, as it was."""
        self._change({name: [["add_link", [int(link)]]] for name in self._ends(link)})
        self._removed.links.pop(link, None)

    def remove_node(self, node: int) -> None:
        """Remove a node with its links, and end its processes."""
        each = {self._worker(node): [["remove_node", [int(node)]]]}
        for name, link in self._tunnels_of(node):
            each.setdefault(name, []).append(["remove_link", [link]])
        self._change(each)
        self._removed.record_node(node)

    def add_node(self, node: int) -> None:
        """Create a removed node again, with its links to existing nodes."""
        self._removed.nodes.pop(node, None)
        each: dict[str, list[list[Any]]] = {self._worker(node): [["add_node", [int(node)]]]}
        for name, link in self._tunnels_of(node):
            each.setdefault(name, []).append(["add_link", [link]])
        self._change(each)

    def _tunnels_of(self, node: int) -> list[tuple[str, int]]:
        """Return (worker, link) of the node's tunnels whose other ends exist."""
        topology, own = self._plan_now().topology, self._worker(node)
        out = []
        for link, end, _ in topology.incident(node):
            other = int(topology.ends[link, 1 - end])
            name = self._worker(other)
            if name != own and self._removed.there(link, but=node):
                out.append((name, link))
        return out

    def move_port(self, node: int, host: int) -> None:
        """Move a light port to another compute host, or back: every worker knows where ports are."""
        self._change({name: [["move_port", [int(node), int(host)]]] for name in self._workers.names})
        self._removed.set_moved(node, moved=host != self._removed.home(node))

    def announce_port(self, node: int, host: int | None) -> None:
        """Lead what is sent to a light port to another compute host, or (None) to the port."""
        self._change({name: [["announce_port", [int(node), host]]] for name in self._workers.names})
        self._removed.set_announced(node, host)

    def set_ports(self, nodes: I64, *, up: bool) -> None:
        """Bring the ports of many light nodes down or up."""
        self._change(self._of_many("set_ports", nodes, up))
        self._removed.set_ports(nodes.tolist(), up=up)

    def remove_ports(self, nodes: I64) -> None:
        """Remove many light nodes with their ports."""
        self._change(self._of_many("remove_ports", nodes))
        self._removed.set_nodes(nodes.tolist(), removed=True)

    def add_ports(self, nodes: I64) -> None:
        """Create many removed light nodes again."""
        self._change(self._of_many("add_ports", nodes))
        self._removed.set_nodes(nodes.tolist(), removed=False)

    def remove_links(self, links: I64) -> None:
        """Delete the links of many light nodes, with their ports."""
        self._change(self._of_many("remove_links", links))
        self._removed.set_links(links.tolist(), removed=True)

    def add_links(self, links: I64) -> None:
        """Create many deleted links of light nodes again."""
        self._change(self._of_many("add_links", links))
        self._removed.set_links(links.tolist(), removed=False)

    def _of_many(self, verb: str, numbers: I64, *more: object) -> dict[str, list[list[Any]]]:
        """Return a change of nodes or links for all workers: each takes its own and knows of the others'."""
        words = [np.asarray(numbers).tolist(), *more]
        return {name: [[verb, words]] for name in self._workers.names}

    def set_controller(self, name: str, *, up: bool) -> None:
        """Stop a controller of the switches, or start it again, on each worker that has such switches."""
        workers = dict.fromkeys(map(self._worker, switches_with(self._plan_now().topology, name)))
        self._change({worker: [["set_controller", [name, up]]] for worker in workers})
        self._removed.set_controller(name, up=up)

    def restore(self) -> list[str]:
        """Restore everything that was removed, by one call a worker; return the names."""
        self._held = {}
        try:
            names = self._removed.restore_all(self)
        finally:
            held, self._held = self._held, None
        if held:
            self._change(held)
        return names
