"""Open vSwitch switches of one network: daemons, bridges and controllers, according to its plan."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np

from emulator.controllers.supervisor import ControllerProcesses
from emulator.errors import BrokenError
from emulator.linux.namespaces.store import NamespaceStore
from emulator.network import Progress, silent
from emulator.node_namespaces import SWITCHES
from emulator.ovs.bridges import Bridge
from emulator.ovs.flows import changed, flow_lines, install
from emulator.ovs.planned_bridges import bridges_of, by_name
from emulator.ovs.read_bridges import read_bridges, rows, without_known
from emulator.ovs.server import OvsServers
from emulator.ovs.transaction import lost_ports, transaction
from emulator.ovs.verify_ports import require_ports
from emulator.plan import Plan
from topologies.openflow import PROTOCOLS
from topologies.openflow_switches import controllers_of, ovs_nodes
from topologies.topology import I64, Topology

_CONFIGURED_WITHIN = 120.0
_TRIES = 3


class Switches:
    """Open vSwitch switches of the network whose namespaces are in `store`; files go to `folder`.

    `file` is the topology file: commands of controllers start in its folder. `here` are the nodes on this
    machine, None for all. Create it in the machine's
    network namespace. All methods return in the namespace in which they were called.
    """

    def __init__(
        self, folder: Path, store: NamespaceStore, topology: Topology, file: str = "",
        here: I64 | None = None,
    ) -> None:  # fmt: skip
        self._count = int(np.count_nonzero(ovs_nodes(topology)[slice(None) if here is None else here]))
        self._store = store
        self.topology = topology
        self._file = file
        self.folder = folder
        self.servers = OvsServers(folder / "ovs")

    @property
    def there(self) -> bool:
        """True when the network has such switches."""
        return self._count > 0

    @cached_property
    def controllers(self) -> ControllerProcesses:
        """Processes of the controllers."""
        spoken = {
            protocol for profile in self.topology.node_profiles for protocol in profile.openflow.protocols
        }
        return ControllerProcesses(
            self.folder / "controllers",
            controllers_of(self.topology),
            self._inside,
            protocols=[protocol for protocol in PROTOCOLS if protocol in spoken],
            switches=self._count,
            cwd=Path(self._file).parent if self._file else None,
        )

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """Enter the namespace of the switches."""
        with self._store.entered():
            self._store.go(SWITCHES)
            yield

    def start(self, plan: Plan, progress: Progress = silent) -> None:
        """Start the daemons, whatever remains of old ones, and make them take the existing ports."""
        self.servers.stop()
        progress("switches", 0, 1)
        after = by_name(bridges_of(plan))
        with self._inside():
            self.servers.start_database()
            with self.servers.database() as database:
                database.transact(transaction({}, after, {}, {}))
            self.servers.start_switch(_CONFIGURED_WITHIN)
        require_ports(self.servers)
        self.install(plan)

    def change(self, before: Mapping[int, Bridge], after: Mapping[int, Bridge]) -> None:
        """Change the bridges from `before` to `after` in one transaction; return when it is done."""
        self._change(by_name(before), by_name(after))

    def _change(self, old: Mapping[str, Bridge], new: Mapping[str, Bridge]) -> None:
        if old == new:
            return
        self.servers.require_running()
        with self.servers.database() as database:
            new = without_known(database, old, new)
            lost = [name for each, was in old.items() if each in new for name in lost_ports(was, new[each])]
            operations = transaction(old, new, rows(database, "Bridge", old), rows(database, "Port", lost))
            database.transact(operations)
            if not database.configured(_CONFIGURED_WITHIN, self.servers.running):
                self.servers.require_running()
                raise BrokenError(
                    f"Open vSwitch isn't done after {_CONFIGURED_WITHIN:.0f} s; "
                    f"its log is in {self.servers.folder}"
                )

    def converge_to(self, after: Mapping[str, Bridge], *, partly: bool = False) -> list[str]:
        """Change the bridges to `after`, whatever they are now; return the names of those that change.

        With `partly`, only existing ones: sessions remove others and create them again meanwhile.
        """
        for left in reversed(range(_TRIES)):
            before = self.present()
            try:
                self._change(before, {n: b for n, b in after.items() if n in before} if partly else after)
                break
            except BrokenError:  # a session made or removed the same port in between
                self.servers.require_running()
                if not left:
                    raise
        return [name for name, bridge in after.items() if before.get(name) != bridge]

    def present(self) -> dict[str, Bridge]:
        """Return the bridges in the database, by name."""
        with self.servers.database() as database:
            return read_bridges(database)

    def install(
        self, plan: Plan, before: Plan | None = None, also: Iterable[int] = (),
        only: Container[str] | None = None,
    ) -> None:  # fmt: skip
        """Install the computed flows of `plan`: those that differ from `before`'s, and `also`.

        With `only`, only in bridges of these names.
        """
        wanted = flow_lines(plan)
        old = {} if before is None or not wanted else flow_lines(before)
        name_of = {node: bridge.name for node, bridge in bridges_of(plan).items()}
        chosen = {name_of[node]: wanted[node] for node in changed(old, wanted, also)}
        install(self.servers, {name: lines for name, lines in chosen.items() if only is None or name in only})
