"""The switches of Open vSwitch of one network: their daemons, bridges and controllers, as its plan says."""

from __future__ import annotations

import time
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from emulator.controllers.supervisor import ControllerProcesses
from emulator.errors import BrokenError
from emulator.linux.features import has_openvswitch
from emulator.linux.namespaces import NamespaceStore
from emulator.network import Progress, silent
from emulator.node_namespaces import SWITCHES
from emulator.ovs.bridges import KERNEL, USERSPACE, Bridge, bridges
from emulator.ovs.connections import by_target, refresh, unconnected
from emulator.ovs.faults import require_ports
from emulator.ovs.flows import changed, flow_lines, install, remove_flows
from emulator.ovs.present import present, rows, without_known
from emulator.ovs.server import OvsServers
from emulator.ovs.transaction import lost_ports, transaction
from emulator.plan import Plan
from topologies.counting import counted
from topologies.openflow import PROTOCOLS, OpenFlow
from topologies.openflow_switches import controllers_of, ovs_nodes
from topologies.topology import Topology

_CONFIGURED_WITHIN = 120.0
CONNECTED_WITHIN = 30.0
"""Seconds that `up` waits for switches to be connected to their controllers."""
_NOTICED_WITHIN = 2.0
_TRIES = 3
_MOST_NAMES = 8


def datapath_of(openflow: OpenFlow) -> str:
    """Return the datapath of a switch: the kernel's where it has one, unless the file chooses."""
    if openflow.datapath == "auto":
        return KERNEL if has_openvswitch() else USERSPACE
    return KERNEL if openflow.datapath == "kernel" else USERSPACE


def bridges_of(plan: Plan) -> dict[int, Bridge]:
    """Return the bridges of `plan` by node, with this machine's datapath."""
    return bridges(plan, datapath_of)


def by_name(found: Mapping[int, Bridge]) -> dict[str, Bridge]:
    """Return bridges by their names instead of by node."""
    return {bridge.name: bridge for bridge in found.values()}


class Switches:
    """The switches of Open vSwitch of the network whose namespaces are in `store`; files go to `folder`.

    `file` is the topology file: commands of controllers start beside it. Make it in the machine's
    network namespace. None of its methods leaves the thread in another namespace than it was called in.
    """

    def __init__(self, folder: Path, store: NamespaceStore, topology: Topology, file: str = "") -> None:
        self._store = store
        self._topology = topology
        self._file = file
        self._folder = folder
        self.servers = OvsServers(folder / "ovs")

    @property
    def there(self) -> bool:
        """Whether the network has such switches."""
        return bool(ovs_nodes(self._topology).any())

    @cached_property
    def controllers(self) -> ControllerProcesses:
        """The processes of the controllers."""
        spoken = {
            protocol for profile in self._topology.node_profiles for protocol in profile.openflow.protocols
        }
        return ControllerProcesses(
            self._folder / "controllers",
            controllers_of(self._topology),
            self._inside,
            protocols=[protocol for protocol in PROTOCOLS if protocol in spoken],
            switches=int(ovs_nodes(self._topology).sum()),
            cwd=Path(self._file).parent if self._file else None,
        )

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """Be in the namespace of the switches."""
        with self._store.entered():
            self._store.go(SWITCHES)
            yield

    def start(self, plan: Plan, progress: Progress = silent) -> None:
        """Start the daemons, whatever is left of old ones, and have them take the ports, which are made."""
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
        """Lead the bridges from `before` to `after` in one transaction; return when it is done."""
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

    def lead(self, after: Mapping[str, Bridge], *, partly: bool = False) -> list[str]:
        """Make the bridges be `after`, whatever they are now; return the names of those that change.

        With `partly`, only those that are there: sessions remove others and make them again meanwhile.
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
        """Return the bridges that the database says there are, by name."""
        with self.servers.database() as database:
            return present(database)

    def install(
        self, plan: Plan, before: Plan | None = None, also: Iterable[int] = (),
        only: Container[str] | None = None,
    ) -> None:  # fmt: skip
        """Give the switches of `plan` their computed flows: those that differ from `before`'s, and `also`.

        With `only`, no bridges but those of these names.
        """
        wanted = flow_lines(plan)
        old = {} if before is None or not wanted else flow_lines(before)
        name_of = {node: bridge.name for node, bridge in bridges_of(plan).items()}
        chosen = {name_of[node]: wanted[node] for node in changed(old, wanted, also)}
        install(self.servers, {name: lines for name, lines in chosen.items() if only is None or name in only})

    def forget(self, plan: Plan) -> None:
        """Have all bridges, and the learning controllers that we started, forget where each address is.

        Such a controller knows no other way than a new start; its switches' flows go, and they are
        waited for.
        """
        self.servers.require_running()
        self.servers.appctl("fdb/flush")
        controllers = controllers_of(self._topology)
        learning = [name for name, controller in controllers.items() if controller.kind == "learning"]
        running = self.controllers.running()
        learning = [name for name in learning if running[name] or self.controllers.half_restarted(name)]
        if not learning:
            return
        self.controllers.will_start_again(learning)
        bridges = self.stop_controllers(plan, learning)
        deadline = time.monotonic() + _NOTICED_WITHIN
        while len(unconnected(self.servers, bridges, 0, silent)) < len(bridges):  # the database lags behind
            if time.monotonic() > deadline:
                break
            with self.servers.database() as database:
                refresh(database)
            time.sleep(_NOTICED_WITHIN / 100)
        self.controllers.start(learning)
        lost = unconnected(self.servers, bridges, CONNECTED_WITHIN, silent)
        if lost and all(self.controllers.running()[name] for name in learning):
            words = f"{_lost(len(lost), len(bridges))} to their controller, which was started again"
            raise BrokenError(f"{words}: {_some(lost)}")

    def stop_controllers(self, plan: Plan, names: Collection[str]) -> list[str]:
        """Stop controllers, and take away the flows of their switches: others wouldn't know of them.

        Returns the names of these switches' bridges, of those that are there.
        """
        there = self.present() if self.servers.running() else {}
        controllers = controllers_of(self._topology)
        stopped = {controllers[name] for name in names}
        taught = [
            (bridge.name, there[bridge.name].protocols)
            for node, bridge in bridges_of(plan).items()
            if bridge.name in there
            and stopped.intersection(self._topology.node_profile_of(node).openflow.controllers)
        ]
        self.controllers.stop(names)
        remove_flows(self.servers, taught)
        return [name for name, _ in taught]

    def await_controllers(self, plan: Plan, progress: Progress = silent) -> str:
        """Wait until all switches with controllers are connected; return a line about those that aren't.

        Raises BrokenError when one isn't whose controller the engine has started.
        """
        found = bridges_of(plan)
        node_of = {bridge.name: node for node, bridge in found.items() if bridge.controllers}
        if not node_of:
            return ""
        lost = [
            node_of[name] for name in unconnected(self.servers, list(node_of), CONNECTED_WITHIN, progress)
        ]
        # Without it what was dropped meanwhile would be dropped as long as somebody sends it (OpenFlow10).
        self.servers.appctl("revalidator/purge")
        if not lost:
            return ""
        names = _some([self._topology.names[node] for node in lost])
        ours = [
            controller.words
            for node in lost
            for controller in self._topology.node_profile_of(node).openflow.controllers
            if controller.kind != "remote"
        ]
        words = f"{_lost(len(lost), len(node_of))} to their controller: {names}"
        if ours:
            raise BrokenError(f"{words}; `{ours[0]}` runs, see its log in {self._folder / 'controllers'}")
        why = [
            f"{self.controllers.called(name)}: {reason}" for name, reason in self.controllers.away().items()
        ]
        return "; ".join((words, *why, "they connect when it answers"))

    def datapaths(self) -> set[str]:
        """Return the datapaths that are used: "kernel", "userspace"."""
        with self.servers.database() as database:
            found = {row["datapath_type"] for row in database.select("Bridge", ["datapath_type"])}
        return {"userspace" if each == USERSPACE else "kernel" for each in found}

    def details(self) -> dict[str, object]:
        """Return what `status` says beside: the datapaths, and each controller."""
        if not self.there:
            return {}
        controllers = controllers_of(self._topology)
        return {
            "datapath": sorted(self.datapaths()),
            "controllers": {name: controller.words for name, controller in controllers.items()},
        }

    def problems(self) -> list[str]:
        """Return what doesn't run that should."""
        return [*(self.servers.ended() if self.there else ()), *self.controllers.problems()]

    def notes(self) -> list[str]:
        """Return which controllers aren't reached, and by how many switches, while all that is ours runs."""
        found: dict[str, dict[str, bool]] = {}
        if self.there and self.controllers.ports:
            with self.servers.database() as database:
                found = by_target(database)
        reasons = self.controllers.away()
        out = []
        for name, port in self.controllers.ports.items():
            switches = found.get(f"tcp:127.0.0.1:{port}", {})
            lost = [switch for switch, connected in switches.items() if not connected]
            words = [f"{self.controllers.called(name)}"]
            if name in reasons and len(lost) == len(switches):
                words.append(f"doesn't answer ({reasons[name]})")
            if lost:
                words.append(f"{_lost(len(lost), len(switches))} to it: {_some(sorted(lost))}")
            if len(words) > 1:
                out.append(": ".join(words))
        return out


def _lost(lost: int, total: int) -> str:
    """Return `1 of 1 switch isn't connected`, `2 of 5 switches aren't connected`."""
    return f"{lost:,} of {counted(total, 'switch')} {'is' if lost == 1 else 'are'}n't connected"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
