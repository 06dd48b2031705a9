"""Change the data path of a running network to another plan; what is the same in both goes on undisturbed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

import numpy as np

from emulator.errors import MissingError
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink.connection import Batch
from emulator.linux.overlay.create import make_maps
from emulator.linux.overlay.enlarge import enlarged, take_counts
from emulator.linux.overlay.find import open_maps
from emulator.linux.overlay.gone import release_gone_ports, release_gone_tenants
from emulator.linux.overlay.host_messages import HostMessages
from emulator.linux.overlay.host_table import forget_hosts, has_room, write_hosts
from emulator.linux.overlay.items import UNTOUCHED, host_items, tenant_items
from emulator.linux.overlay.maps import OverlayMaps, place
from emulator.linux.overlay.port_table import PortTable
from emulator.linux.overlay.programs import load_programs
from emulator.linux.overlay.repair import restore_namespaces, run_there
from emulator.linux.overlay.survey import OverlayDamage, OverlaySurvey
from emulator.overlay.difference import OverlayDifference
from emulator.overlay.plan import Overlay
from topologies.topology import I64


class OverlayChange:
    """Change from one overlay to another. A context manager that holds the maps, whatever becomes of hosts.

    Call `begin` before the full nodes are changed, `finish` after it; both inside the store's mount
    namespace. `again` are the nodes of the new plan that are created, or whose uplink or addresses are. All
    ports are up, before and after.
    """

    def __init__(self, difference: OverlayDifference, store: NamespaceStore, again: frozenset[int]) -> None:
        self._difference, self._store, self._again = difference, store, again
        self._maps: OverlayMaps | None = None

    def __enter__(self) -> Self:
        if self._difference.old is not None:
            with suppress(MissingError):
                self._maps = open_maps(self._difference.old, self._store)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._maps is not None:
            self._maps.close()

    def begin(self) -> None:
        """Move ports to hosts that are there already, and remove the ports that go."""
        old, new, maps = self._difference.old, self._difference.new, self._maps
        if old is None or maps is None:
            return
        if new is not None:
            self._move(maps, new, self._difference.moved[_lives_in(new, old, self._difference.moved)])
        gone = self._difference.gone
        table = PortTable(maps)
        slots = table.slots(old, gone)
        table.remove(slots[slots >= 0])
        release_gone_ports(self._difference, self._store)

    def finish(self, check: Callable[[], None]) -> None:
        """Change compute hosts and tenants' namespaces, and add the new ports. Raises KernelError."""
        old, new = self._difference.old, self._difference.new
        release_gone_tenants(self._difference, self._store)
        if old is not None:
            self._release_hosts(old)
        if new is None:
            return
        if self._maps is None:
            self._maps = make_maps(new)
        before, table = self._maps, PortTable(self._maps)
        maps = self._with_room(before, table, new)
        write_hosts(maps, new)
        try:
            self._attach(maps, new, new.hosts_here if maps is not before else self._unlike_hosts(new), check)
        except BaseException:
            if maps is not before:  # all hosts need the same maps again
                self._attach(before, new, new.hosts_here, lambda: None)
                maps.close()
            raise
        if maps is not before:
            take_counts(before, maps, old, new, self._difference.kept)
            self._maps = maps
            before.close()
        check()
        self._write_ports(maps, new)
        forget_hosts(maps, new)

    def _attach(
        self, maps: OverlayMaps, new: Overlay, hosts: Iterable[int], check: Callable[[], None]
    ) -> None:
        """Give compute hosts, and the tenants' namespaces there, what they lack, with programs of `maps`."""
        survey = OverlaySurvey(new, np.ones(len(new.ports), dtype=bool), self._store)
        survey.use(maps)
        damage = OverlayDamage()
        for node in hosts:
            check()
            survey.look_at_namespaces(damage, [node])
        restore_namespaces(new, maps, self._store, damage)

    def _with_room(self, maps: OverlayMaps, table: PortTable, new: Overlay) -> OverlayMaps:
        """Return maps that have the pages of all new ports: larger ones where these have no room."""
        if has_room(maps, new):
            for empty_it in (False, True):
                if empty_it:
                    table.drop_empty_pages()
                with suppress(OverflowError):
                    table.add_pages(new)
                    return maps
        return enlarged(maps, self._difference.old, new, self._difference.kept)

    def _write_ports(self, maps: OverlayMaps, new: Overlay) -> None:
        table, added, changed = PortTable(maps), self._difference.added, self._difference.changed
        self._move(maps, new, self._difference.moved)
        table.write(new, added, np.ones(len(added), dtype=bool))
        rows = np.union1d(changed, self._difference.moved)  # a namespace needs another flag than a host
        table.rewrite(new, rows, np.ones(len(rows), dtype=bool))

    def _move(self, maps: OverlayMaps, new: Overlay, rows: I64) -> None:
        """Move ports to their places in `new`."""
        table = PortTable(maps)
        table.move(table.slots(new, rows), place(new.device[rows], new.vtep[rows]))

    def _unlike_hosts(self, new: Overlay) -> list[int]:
        """Return the compute hosts that are new, or whose items or tenants differ."""
        old = self._difference.old
        if old is None:
            return list(new.hosts_here)
        before = {old.underlay.names[node]: host for node, host in old.hosts_here.items()}
        out = []
        for node, host in new.hosts_here.items():
            was = before.get(new.underlay.names[node])
            again = any(
                one in self._again for one in (node, *(member.node for member in new.members_of(node)))
            )
            if was is None or again or _items(old, was.node) != _items(new, node):
                out.append(host.node)
        return out

    def _release_hosts(self, old: Overlay) -> None:
        """Give hosts that carry no ports any more the rules of other nodes; their uplinks are made again."""
        new = self._difference.new
        kept = set() if new is None else {new.underlay.names[node] for node in new.hosts}
        gone = [host for host in old.hosts_here.values() if old.underlay.names[host.node] not in kept]
        if not gone or self._maps is None:
            return
        with load_programs(self._maps) as programs:
            writer = HostMessages(old, programs)
            for host in gone:
                batch, name = Batch(), old.underlay.names[host.node]
                writer.change(batch, host_items(old, host), UNTOUCHED, name)
                with suppress(MissingError):  # the node is gone
                    run_there(self._store, name, batch)


def _items(overlay: Overlay, node: int) -> tuple[object, ...]:
    """Return all that a compute host and its tenants' namespaces have."""
    tenants = [(one.file, one.device, tenant_items(overlay, one)) for one in overlay.tenants_of(node)]
    return host_items(overlay, overlay.hosts[node]), tenants


def _lives_in(new: Overlay, old: Overlay, rows: I64) -> I64:
    """Return which of the rows of `new` (as positions) have a place that exists in `old`."""
    places = [(host.uplink, host.vtep) for host in old.hosts.values()]
    places += [(one.device, old.hosts[one.host].vtep) for one in old.tenants]
    there = place(*(np.array(column) for column in zip(*places, strict=True)))
    return np.flatnonzero(np.isin(place(new.device[rows], new.vtep[rows]), there))
