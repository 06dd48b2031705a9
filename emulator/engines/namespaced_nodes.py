"""Nodes that are namespaces on this machine: how commands, sockets and processes get into them."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property, partial

from emulator.commands import CommandResult, Heard
from emulator.linux import cgroups
from emulator.linux.icmp import Source
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.node_files import mounts_of
from emulator.linux.nodes.teardown import processes_inside
from emulator.linux.overlay.devices.live import LiveDevices
from emulator.linux.overlay.items import TENANT_INTERFACE
from emulator.linux.overlay.live_ports import LivePorts
from emulator.linux.overlay.port_entry import is_ping, port_entry, with_source
from emulator.linux.overlay.port_view import PortView
from emulator.linux.processes.caller import Caller
from emulator.linux.processes.execute import Place, start
from emulator.linux.processes.own_ping import with_own_ping
from emulator.linux.processes.wait import gather
from emulator.node_namespaces import NodeNamespaces
from emulator.overlay.devices import device_name
from emulator.ovs.server import OvsServers
from emulator.plan import Plan
from emulator.state import NetworkState
from emulator.tasks import LightPorts
from topologies.identifiers import interface_name
from topologies.light_devices import has_devices
from topologies.openflow_switches import ovs_nodes
from topologies.topology import Topology

AT_ONCE = 64
"""Maximum number of concurrent commands in one `execute`."""


class NamespacedNodes:
    """Nodes of a network that are namespaces of a store on this machine."""

    def __init__(
        self, state: NetworkState, store: NamespaceStore, topology: Topology, plan: Callable[[], Plan]
    ) -> None:
        self._state = state
        self._plan_now = plan
        self.store = store
        self.topology = topology
        self.names = topology.names

    @property
    def namespaces(self) -> NodeNamespaces:
        """The namespaces of the nodes; light ports change theirs when they move."""
        return self._plan_now().namespaces

    def place(self, node: int) -> Place:
        """Return where processes of `node` run."""
        setup = self.topology.node_profile_of(node).setup
        mounts = mounts_of(self._state.folder, self.names[node], setup)
        return Place(self.namespaces.file(node), self.names[node], mounts)

    def source(self, node: int) -> Source:
        """Return where probes of `node` are sent from."""
        vpcs, file = self.topology.vpcs, self.namespaces.file(node)
        if vpcs is None or not self.topology.light[node]:
            return Source(file)
        return Source(file, int(vpcs.addresses[node]).to_bytes(4))

    def view(self, node: int) -> PortView | None:
        """Return what selects the frames of a light port, None for a full node."""
        vpcs = self.topology.vpcs
        vpc = vpcs.vpc_of(node) if vpcs and self.topology.light[node] else None
        if vpcs is None or vpc is None:
            return None
        return PortView(vpcs.vni(vpc), int(vpcs.addresses[node]).to_bytes(4))

    def device(self, node: int) -> str:
        """Return the interface that carries the frames of a light port, in its namespace."""
        overlay = self._plan_now().whole_overlay
        if overlay is not None and overlay.ports.devices:
            return device_name(int(overlay.ports.host_port[node - overlay.ports.first]))
        if self.namespaces.owner[node] < 0:
            return TENANT_INTERFACE
        host = int(self.namespaces.owner[node])
        (uplink, *_) = self.topology.underlay.incident(host)
        return interface_name(self.topology, host, uplink.port)

    def execute(
        self,
        nodes: Sequence[int],
        argv: Sequence[str],
        timeout: float | None = None,
        stopped: Callable[[], bool] | None = None,
        heard: Heard | None = None,
    ) -> Sequence[CommandResult]:
        """Run a command in each of `nodes`, up to 64 at once; the rest is as with `gather`."""
        results: list[CommandResult] = []
        for at in range(0, len(nodes), AT_ONCE):
            some = nodes[at : at + AT_ONCE]
            starts = [partial(self.start, node, argv, capture=True, apart=True) for node in some]
            results += gather([self.names[node] for node in some], starts, timeout, stopped, heard)
        return results

    def spawn(self, node: int, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a command in a node and return at once."""
        return self.start(node, argv, capture=True)

    def open_socket(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Return a socket opened inside `node`."""
        with self.store.entered():
            self.store.go(self.namespaces.file(node))
            return socket.socket(family, kind, protocol)

    def identity(self, node: int) -> str:
        """Return the address that a node's sockets must be bound to; empty when any will do."""
        address = self.source(node).address
        return socket.inet_ntoa(address) if address else ""

    def light_ports(self) -> LightPorts | None:
        """Open the light ports of the network; None when it has none."""
        overlay = self._plan_now().overlay
        if overlay is None:
            return None
        return (LiveDevices if overlay.ports.devices else LivePorts)(overlay, self.store)

    def processes(self) -> Sequence[int]:
        """Return the ids of the processes in the network's namespaces, without this one."""
        if not self.store.exists:
            return []
        with self.store.entered():
            inodes = self.store.inodes()
        return processes_inside(inodes, self._state.hosts_path)

    def start(
        self, node: int, argv: Sequence[str], *, capture: bool, apart: bool = False, feed: bool = False,
        session: bool = False, inherit: Sequence[int] = (), output: int | None = None,
        user: Caller | None = None, environment: dict[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:  # fmt: skip
        """Start a command in a node, within the node's limits; the options are those of `execute.start`."""
        name, profile = self.names[node], self.topology.node_profile_of(node)
        where, address = (self._state.root, self._state.name, name), self.source(node).address
        with ExitStack() as stack:
            before, also = stack.enter_context(cgroups.entry(*where, profile))
            descriptors = [*inherit, *also]
            if address:
                argv = with_source(argv, address)
                if not (self._has_devices and is_ping(argv)):  # its source is enough, and BPF may be missing
                    as_port, descriptor = stack.enter_context(port_entry(*where, address))
                    before, descriptors = [*before, *as_port], [*descriptors, descriptor]
            return start(
                self.store, self.place(node), self._state.hosts_path,
                [*before, *with_own_ping(argv, self._environment)],
                capture=capture, inherit=descriptors, apart=apart, feed=feed, session=session, output=output,
                user=user,
                environment=self._environment | (environment or {}) | dict(profile.setup.environment),
            )  # fmt: skip

    def ping_words(self, node: int) -> list[str]:
        """Return the words that `ping` stands for in a node; none if it is the program itself."""
        address = self.source(node).address
        words = with_own_ping(with_source(["ping"], address) if address else ["ping"], self._environment)
        return [] if words == ["ping"] else words

    @property
    def _has_devices(self) -> bool:
        return has_devices(self.topology)

    @cached_property
    def _environment(self) -> dict[str, str]:
        """Return the environment of commands in nodes: the location of the network's Open vSwitch."""
        if not ovs_nodes(self.topology).any():
            return {}
        return dict(OvsServers(self._state.folder / "ovs").environment)
