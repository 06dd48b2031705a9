"""What every network does alike whose nodes are in a store of namespaces, whoever made them.

Commands, pings, sockets and captures need to know only where a node's namespace is: they are the
same for a network that we made ourselves and for one that another program made for us.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from emulator.engines.place import require_root, store_of
from emulator.forwarding.base import Forwarding
from emulator.forwarding.select import forwarding_for
from emulator.link_states import links_up
from emulator.linux import cgroups
from emulator.linux.attend import attend, gather
from emulator.linux.capture import Captured, Wanted
from emulator.linux.capture import record as record_packets
from emulator.linux.execute import start
from emulator.linux.icmp import Pinger, at_once
from emulator.network import CommandResult, Echo, Health, LinkState
from emulator.ovs.server import OvsServers
from emulator.shaking import left_over
from emulator.state import NetworkState, link_states
from topologies.counting import counted
from topologies.openflow import controllers_of, ovs_nodes
from topologies.segments import Segments
from topologies.topology import Topology

_UPCALL = 8
"""How many times longer the first packet of a flow takes Open vSwitch than it takes a bridge."""

AT_ONCE = 64
"""Commands that run side by side in one `execute`."""


class NamespacedNetwork:
    """A running network whose nodes are namespaces of a store."""

    changes: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    def __init__(self, state: NetworkState) -> None:
        self.name = state.name
        self._state = state
        self._record = state.read()
        self._store = store_of(state)

    @cached_property
    def topology(self) -> Topology:
        """The graph that runs."""
        return self._state.load()

    @cached_property
    def forwarding(self) -> Forwarding:
        """How packets find their way."""
        return forwarding_for(self.topology)

    @property
    def links(self) -> Mapping[int, LinkState]:
        """What was changed on links since `up`."""
        return link_states(self._record)

    @property
    def controllers(self) -> Sequence[str]:
        """Names of the controllers of its switches."""
        return tuple(controllers_of(self.topology))

    def addresses(self, node: int) -> Sequence[str]:
        """Return the addresses of a node."""
        return [address.text for address in self.forwarding.addresses(node)]

    def health(self) -> Health:
        """Look whether every node's namespace is there, and no killed stress run has things of it."""
        if not self._store.exists:
            return Health(running=False, problems=(f"its namespaces are gone; `emulator down {self.name}`",))
        with self._store.entered():
            nodes = set(self._store.nodes()).intersection(self.topology.names)
        missing = self.topology.node_count - len(nodes)
        problems = (
            [f"{counted(missing, 'node')} {'is' if missing == 1 else 'are'} missing"] if missing else []
        )
        if self._record.phase != "up":
            problems.append(f"`up` did not finish; `emulator down {self.name}` removes the rest")
        problems += left_over(self._state.folder)
        return Health(running=not problems, nodes=len(nodes), problems=tuple(problems))

    def execute(
        self, nodes: Sequence[int], argv: Sequence[str], timeout: float | None = None
    ) -> Sequence[CommandResult]:
        """Run a command in each of `nodes`, up to 64 at once."""
        results: list[CommandResult] = []
        for at in range(0, len(nodes), AT_ONCE):
            some = nodes[at : at + AT_ONCE]
            starts = [partial(self._start, node, argv, capture=True, apart=True) for node in some]
            results += gather([self.topology.names[node] for node in some], starts, timeout)
        return results

    def interact(self, node: int, argv: Sequence[str], timeout: float | None = None) -> int:
        """Run a command in a node with this process's terminal."""
        return attend(lambda apart: self._start(node, argv, capture=False, apart=apart), timeout)

    def _start(
        self, node: int, argv: Sequence[str], *, capture: bool, apart: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start a command in a node, within the node's limits."""
        name, profile = self.topology.names[node], self.topology.node_profile_of(node)
        with cgroups.entry(self._state.root, self.name, name, profile) as (prefix, inherit):
            return start(
                self._store, name, self._state.hosts_path, [*prefix, *argv],
                capture=capture, inherit=inherit, apart=apart, environment=self._environment,
            )  # fmt: skip

    @cached_property
    def _environment(self) -> Mapping[str, str]:
        """What commands in nodes find in their environment: where the network's Open vSwitch is."""
        if not ovs_nodes(self.topology).any():
            return {}
        return OvsServers(self._state.folder / "ovs").environment

    def ping(self, echoes: Sequence[Echo], timeout: float) -> Sequence[float | None]:
        """Send ICMP echoes from inside the nodes."""
        with self._store.entered():
            return Pinger(echoes, timeout, self._askers).run(self._store, self.topology.names)

    @cached_property
    def _askers(self) -> int:
        """How many hosts may ask at a time without drowning each other in broadcasts."""
        of_end = Segments(self.topology).of_end
        largest = int(np.bincount(of_end[of_end >= 0]).max(initial=0))
        slower = _UPCALL if ovs_nodes(self.topology).any() else 1
        return at_once(largest * slower)

    def capture(self, node: int, wanted: Wanted, file: BinaryIO) -> Captured:
        """Record packets in a node until what is wanted is there, or Ctrl-C."""
        require_root()
        return record_packets(self._store, self.topology.names[node], wanted, file)

    def open_socket(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Return a socket opened inside `node`."""
        with self._store.entered():
            self._store.go(self.topology.names[node])
            return socket.socket(family, kind, protocol)

    def spawn(self, node: int, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a command in a node and return at once."""
        return self._start(node, argv, capture=True)

    def _links_up(self) -> npt.NDArray[np.bool_]:
        """Return which links are up, shape (links,)."""
        return links_up(self.topology, self.links)
