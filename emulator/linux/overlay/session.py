"""Session for many quick changes to a network with light ports: those of ports are stores into memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from emulator.errors import UsageError
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.session import NetnsSession
from emulator.linux.overlay.create import prepare_hosts
from emulator.linux.overlay.find import open_maps
from emulator.linux.overlay.maps import DOWN
from emulator.linux.overlay.port_table import PortTable, records
from emulator.linux.overlay.programs import load_programs
from emulator.network import silent
from emulator.overlay.migration import destination
from emulator.overlay.plan import Overlay
from emulator.plan import Plan
from emulator.removed_elements import RemovedElements
from emulator.restoring_session import RestoringSession

Rows = npt.NDArray[np.int64]


_UNDER_WAY = 0.05
"""Seconds after which no packet to the former place of a moved port is under way any more."""


class OverlaySession(RestoringSession):
    """Changes light ports, and full nodes by the session `full`. `plan_now()` returns the plan of both.

    A light port has two names, as its link has two ends: port 0 of the light node, and a port of its compute
    host. Removing a compute host removes its ports; it returns with those that nobody removed otherwise.
    """

    def __init__(self, full: NetnsSession, store: NamespaceStore, plan_now: Callable[[], Plan]) -> None:
        plan = plan_now()
        assert plan.overlay is not None  # noqa: S101 -- the network has light ports
        self._full, self._store, self._plan_now = full, store, plan_now
        self._topology = plan.topology
        self._removed = RemovedElements(plan.topology)
        self._overlay: Overlay = plan.overlay
        self._first, self._first_link = self._overlay.ports.first, self._overlay.ports.first_link
        self._plan, self._ports_up = plan, plan.ports_up
        self._moving: list[tuple[float, int]] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._full)
        self._maps = self._stack.enter_context(open_maps(self._overlay, self._store))
        self._stack.callback(self._settle)
        self._table = PortTable(self._maps)
        self._slots = self._table.slots(self._overlay)
        self._slot: list[int] = self._slots.tolist()
        every = np.ones(len(self._slots), dtype=bool)
        self._records = records(self._overlay, slice(None), every)
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
        self._full.prepare(port for port in ports if self._row_of(*port) is None)

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Bring a port down or up."""
        row = self._row_of(node, port)
        self._removed.set_port(node, port, up=up)
        if row is None:
            self._full.set_port(node, port, up=up)
        elif not up or self._is_wanted_up(row):
            self._table.set_up(self._slots[row : row + 1], up=up)

    def set_ports(self, rows: Rows, *, up: bool) -> None:
        """Bring many light ports down or up at once: `rows` int64[k] of the overlay."""
        nodes = (rows + self._first).tolist()
        if up:
            for node in nodes:
                self._removed.ports.pop((node, 0), None)
            rows = rows[self._up()[rows]]
        else:
            self._removed.ports.update(dict.fromkeys((node, 0) for node in nodes))
        self._table.set_up(self._slots[rows], up=up)

    def remove_link(self, link: int) -> None:
        """Delete a link; that of a light node takes its port away."""
        self._removed.record_link(link)
        self._removed.forget_ports(link)
        if link < self._first_link:
            self._full.remove_link(link)
        else:
            self._take([self._overlay.ports.row_of_link(link)])

    def add_link(self, link: int) -> None:
        """Create a removed link again, as it was."""
        if link < self._first_link:
            self._full.add_link(link)
        self._removed.links.pop(link, None)
        if link >= self._first_link:
            self._bring([self._overlay.ports.row_of_link(link)])

    def remove_node(self, node: int) -> None:
        """Remove a node with its links; a compute host with its light ports, too."""
        self._removed.record_node(node)
        if node >= self._first:
            self._take([node - self._first])
            return
        for link, _, _ in self._topology.incident(node):
            self._removed.forget_ports(link)
        self._full.remove_node(node)
        self._take(self._rows_on(node))
        for tenant in self._overlay.tenants_of(node):
            self._store.remove(tenant.file)

    def add_node(self, node: int) -> None:
        """Create a removed node again, with its links to existing nodes."""
        if node >= self._first:
            self._removed.nodes.pop(node, None)
            self._bring([node - self._first])
            return
        self._full.add_node(node)
        self._removed.nodes.pop(node, None)
        host = self._overlay.hosts.get(node)
        if host is not None:
            with load_programs(self._maps) as programs:
                prepare_hosts(self._overlay, programs, [host], self._store, silent)
            self._bring(self._rows_on(node))

    def move_port(self, node: int, host: int) -> None:
        """Move a light port to another compute host, or back to its own; address and MAC stay."""
        row = node - self._first
        if row < 0:
            raise UsageError(f"`{self._topology.names[node]}` can't move: only light ports do")
        names = self._plan_now().topology.names
        device, vtep = destination(self._overlay, row, host, (names[node], names[host]))
        home = int(self._overlay.ports.host[row]) == host
        self._removed.set_moved(node, moved=not home)
        if self._is_there(row):
            self._moving.append((time.monotonic(), self._slot[row]))
            self._table.migrate(self._slots[row : row + 1], device, vtep)
            self._settle(_UNDER_WAY)

    def _settle(self, age: float = 0.0) -> None:
        """Forget the former places of ports that moved at least `age` seconds ago."""
        until = time.monotonic() - age
        done = [slot for at, slot in self._moving if at <= until]
        del self._moving[: len(done)]
        self._table.settle(np.unique(np.array(done, dtype=np.int64)))

    def _take(self, rows: Iterable[int]) -> None:
        self._table.remove(self._slots[list(rows)])

    def _bring(self, rows: Iterable[int]) -> None:
        """Write ports again that nothing else keeps away."""
        there = [row for row in rows if self._is_there(row)]
        if there:
            ports, up, ended = self._records[there], self._up(), self._removed.ports
            for at, row in enumerate(there):
                if not up[row] or (row + self._first, 0) in ended:
                    ports["flags"][at] |= DOWN
            self._table.put(self._slots[there], ports)

    def _is_there(self, row: int) -> bool:
        """Return whether neither the port's node, its link nor its host is removed."""
        removed, ports = self._removed, self._overlay.ports
        return not (
            row + self._first in removed.nodes
            or int(ports.link[row]) in removed.links
            or int(ports.host[row]) in removed.nodes
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

    def _rows_on(self, host: int) -> list[int]:
        """Return the rows of the ports on a compute host."""
        order, start = self._by_host
        return order[start[host] : start[host + 1]].tolist()  # type: ignore[no-any-return]

    @cached_property
    def _by_host(self) -> tuple[Rows, Rows]:
        """Rows by compute host in the order of their port numbers, and the start of each node's."""
        host = self._overlay.ports.host
        order = np.lexsort((self._overlay.ports.host_port, host))
        return order, np.searchsorted(host[order], np.arange(self._first + 1))

    def _row_of(self, node: int, port: int) -> int | None:
        """Return the row of the light port that `port` of `node` is, None for a port of full nodes."""
        if node >= self._first:
            return node - self._first
        own = int(self._topology.full.degrees[node])
        if node not in self._overlay.hosts or port < own:
            return None
        rows = self._rows_on(node)
        numbers = self._overlay.ports.host_port[rows]
        at = int(np.searchsorted(numbers, port))
        if at == len(rows) or numbers[at] != port:
            raise UsageError(f"{self._topology.names[node]} has no port {port}")
        return rows[at]
