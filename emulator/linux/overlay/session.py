"""Session for many quick changes to a network with light ports, whichever way carries these."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from emulator.errors import UsageError
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.session import NetnsSession
from emulator.linux.overlay.astray_ports import AstrayPorts
from emulator.linux.overlay.devices.places import DevicePlaces
from emulator.linux.overlay.map_places import MapPlaces
from emulator.linux.overlay.port_places import PortPlaces
from emulator.linux.overlay.shared_ports import SharedPorts
from emulator.linux.overlay.whereabouts import Whereabouts
from emulator.plan import Plan
from emulator.removed_elements import RemovedElements
from emulator.restoring_session import RestoringSession
from topologies.topology import I64


class OverlaySession(RestoringSession):
    """Changes light ports, and full nodes by the session `full`. `plan_now()` returns the plan of both.

    A light port has two names, as its link has two ends: port 0 of the light node, and a port of its compute
    host. Removing a compute host removes the ports that are on it then; it returns with those that nobody
    removed otherwise.
    """

    def __init__(
        self, full: NetnsSession, store: NamespaceStore, plan_now: Callable[[], Plan], shared: SharedPorts
    ) -> None:
        plan = plan_now()
        self._full, self._store, self._plan_now = full, store, plan_now
        self._topology = plan.topology
        self._removed = RemovedElements(plan.topology)
        self._shared, self._overlay = shared, shared.overlay
        self._first = self._overlay.ports.first
        self._first_light, self._first_link = plan.topology.full.node_count, plan.topology.full.link_count
        self._plan, self._ports_up = plan, plan.ports_up
        self._where = Whereabouts(shared)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._full)
        kind: type[PortPlaces] = DevicePlaces if self._overlay.ports.devices else MapPlaces
        self._places = self._stack.enter_context(kind(self._shared, self._where, self._store))
        self._astray = AstrayPorts(self._places, self._where)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.restore()
        finally:
            self._stack.close()

    def restore(self) -> list[str]:
        """Restore everything that this session removed; return the names."""
        return self._removed.restore_all(self)

    def set_controller(self, name: str, *, up: bool) -> None:
        """Stop a controller of the switches, or start it again; a remote one is cut off."""
        self._full.set_controller(name, up=up)
        self._removed.set_controller(name, up=up)

    def prepare(self, ports: Iterable[tuple[int, int]]) -> None:
        """Prepare changes of ports of full nodes; light ones need no preparation."""
        own = [port for port in ports if port[0] < self._first_light]
        self._full.prepare(port for port in own if self._shared.row_of(*port) is None)

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Bring a port down or up."""
        row = self._shared.row_of(node, port)
        self._removed.set_port(node, port, up=up)
        if row is None:
            self._full.set_port(node, port, up=up)
            if up and node in self._overlay.hosts_here:
                self._restore_hosts([node])
        elif not up or self._is_wanted_up(row):
            self._places.set_up(np.array([row]), up=up)

    def set_ports(self, nodes: I64, *, up: bool) -> None:
        """Bring the ports of many light nodes down or up."""
        self._removed.set_ports(nodes.tolist(), up=up)
        rows = nodes - self._first
        if up:
            rows = rows[self._up()[rows]]
            rows = rows[self._are_there(rows)]
        self._places.set_up(rows, up=up)

    def remove_ports(self, nodes: I64) -> None:
        """Remove many light nodes with their ports."""
        self._removed.set_nodes(nodes.tolist(), removed=True)
        self._places.take(nodes - self._first)

    def add_ports(self, nodes: I64) -> None:
        """Create many removed light nodes again."""
        self._removed.set_nodes(nodes.tolist(), removed=False)
        self._bring(nodes - self._first)

    def remove_links(self, links: I64) -> None:
        """Delete the links of many light nodes: their ports are gone."""
        self._removed.set_links(links.tolist(), removed=True)
        self._places.take(self._overlay.ports.rows_of_links(links))

    def add_links(self, links: I64) -> None:
        """Create many removed links of light nodes again."""
        self._removed.set_links(links.tolist(), removed=False)
        self._bring(self._overlay.ports.rows_of_links(links))

    def remove_link(self, link: int) -> None:
        """Delete a link; that of a light node takes its port away."""
        self._removed.record_link(link)
        self._removed.forget_ports(link)
        if link < self._first_link:
            self._full.remove_link(link)
        if link >= self._overlay.ports.first_link:
            self._places.take(self._overlay.ports.rows_of_links(np.array([link])))

    def add_link(self, link: int) -> None:
        """Create a removed link again, as it was."""
        if link < self._first_link:
            self._full.add_link(link)
        self._removed.links.pop(link, None)
        if link < self._first_link:
            self._restore_hosts(self._topology.ends[link].tolist())
        if link >= self._overlay.ports.first_link:
            self._bring(self._overlay.ports.rows_of_links(np.array([link])))

    def remove_node(self, node: int) -> None:
        """Remove a node with its links; a compute host with its light ports, too."""
        self._removed.record_node(node)
        if node >= self._first:
            self._places.take(np.array([node - self._first]))
        if node >= self._first_light:
            self._removed.set_ports([node], up=True)
            return
        for link, _, _ in self._topology.incident(node):
            self._removed.forget_ports(link)
        self._full.remove_node(node)
        self._places.take_host(node)

    def add_node(self, node: int) -> None:
        """Create a removed node again, with its links to existing nodes."""
        if node >= self._first_light:
            self._removed.nodes.pop(node, None)
            self._bring(np.array([node - self._first]))
            return
        self._full.add_node(node)
        self._removed.nodes.pop(node, None)
        host = self._overlay.hosts.get(node)
        if host is None:
            ways = self._topology.full.incident(node)
            self._restore_hosts(int(self._topology.ends[link, 1 - end]) for link, end, _ in ways)
            if node >= self._first:
                self._bring(np.array([node - self._first]))
            return
        if node in self._overlay.hosts_here:
            members = self._overlay.members_of(node)
            absent = [one.device for one in members if not self._is_there(one.node - self._first)]
            self._places.add_host(node, absent)
            self._astray.announce_again()
        self._bring(self._where.rows_on(node))

    def move_port(self, node: int, host: int) -> None:
        """Move a light port to another compute host, or back to its own; address and MAC stay."""
        row = node - self._first
        if node < self._first_light:
            raise UsageError(f"`{self._topology.names[node]}` can't move: only light ports do")
        self._places.check(row, host)
        before, was_there, is_there = self._where.host_of(row), self._is_there(row), self._is_there(row, host)
        if before == host:
            return
        self.announce_port(node, None)
        if was_there and not is_there:
            self._places.take(np.array([row]))
        home = int(self._overlay.ports.host[row]) == host
        self._removed.set_moved(node, moved=not home)
        self._where.set_host(row, None if home else host)
        if was_there and is_there:
            self._places.move(row, before, host, up=not self._are_down(np.array([row]))[0])
            return
        self._places.lead(row)
        if is_there:
            self._bring(np.array([row]))

    def announce_port(self, node: int, host: int | None) -> None:
        """Lead what is sent to a light port to another compute host, where it is lost; None: to the port."""
        if node < self._first_light:
            raise UsageError(f"`{self._topology.names[node]}` can't be announced: only light ports are")
        self._astray.announce(node - self._first, host)
        self._removed.set_announced(node, self._astray.host_of(node - self._first))

    def _restore_hosts(self, nodes: Iterable[int]) -> None:
        """Restore what compute hosts among `nodes` lost when their uplinks were down or gone."""
        here = self._overlay.hosts_here
        hosts = [node for node in nodes if node in here and node not in self._removed.nodes]
        if hosts:
            self._places.restore_hosts(hosts, self._up())

    def _bring(self, rows: I64) -> None:
        """Write ports again that nothing else keeps away."""
        rows = rows[self._are_there(rows)]
        if not len(rows):
            return
        self._places.bring(rows, self._are_down(rows))
        self._astray.announce_again(rows)

    def _are_down(self, rows: I64) -> npt.NDArray[np.bool_]:
        """Return which ports are down when they are there: cut by `link down`, or by this session."""
        down, ended = ~self._up()[rows], self._removed.ports
        if ended:
            down |= np.fromiter(((row + self._first, 0) in ended for row in rows.tolist()), bool, len(rows))
        return down

    def _are_there(self, rows: I64) -> npt.NDArray[np.bool_]:
        """Return which ports have neither their node, their link nor their host removed: bool[k]."""
        if not (self._removed.nodes or self._removed.links):
            return np.ones(len(rows), dtype=bool)
        return np.fromiter(map(self._is_there, rows.tolist()), bool, len(rows))

    def _is_there(self, row: int, on: int | None = None) -> bool:
        """Return whether neither the port's node, its link nor its host (if given, `on`) is removed."""
        removed, ports = self._removed, self._overlay.ports
        return not (
            row + self._first in removed.nodes
            or int(ports.link[row]) in removed.links
            or (self._where.host_of(row) if on is None else on) in removed.nodes
        )

    def _is_wanted_up(self, row: int) -> bool:
        """Return whether the port is there and its link wasn't cut by `link down`."""
        return bool(self._up()[row]) and self._is_there(row)

    def _up(self) -> npt.NDArray[np.bool_]:
        """Return the ports that no `link down` cut: bool[k]. Other commands may cut some meanwhile."""
        plan = self._plan_now()
        if plan is not self._plan:
            self._plan, self._ports_up = plan, plan.ports_up
        return self._ports_up
