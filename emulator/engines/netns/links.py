"""Change the links of a running network: shape them, cut them, restore them.

A link that is down has both ends administratively down. Forwarding is then computed again with
what is left, and what differs is carried out: which ports are in their bridge, routes, neighbours.
In this order, so that no loop is closed even for an instant: links down, ports out of bridges,
links up, ports into bridges, and at last every bridge forgets what it learned.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from dataclasses import replace
from functools import cached_property

import numpy as np

from emulator.difference import NodeSettings, node_settings
from emulator.engines import link_changes
from emulator.engines.netns.switches import follow_links
from emulator.engines.refusals import missing_shaping
from emulator.errors import MissingError
from emulator.forwarding.base import Role
from emulator.forwarding.protocol import Forwarding
from emulator.indices import BRIDGE_INDEX, PortIndices
from emulator.link_states import States, effective_shape, links_up
from emulator.linux import bridge_messages, messages
from emulator.linux.namespaces import NamespaceStore
from emulator.linux.netlink import Batch, Netlink
from emulator.linux.partial_routes import run_partly
from emulator.linux.qdisc import add_shape
from emulator.linux.settings_messages import additions, removals
from emulator.node_namespaces import node_namespaces
from emulator.ovs.switches import Switches
from emulator.plan import Plan, make_plan
from emulator.state import NetworkState, Record
from topologies.topology import Topology

_UPS = 3
"""The step in which links come up: the switches of Open vSwitch follow then."""
_HARMLESS = frozenset({errno.ESRCH, errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENOENT, errno.EEXIST})
"""What a step done twice gives, or one that the kernel did itself (routes over a link that is down)."""


def change_links(
    state: NetworkState, record: Record, store: NamespaceStore, topology: Topology, wanted: States,
    *, switches: Switches | None = None,
) -> bool:  # fmt: skip
    """Make the links of a running network be as `wanted` says; return False when they were already.

    Changes `record` and writes it. The caller holds the network's lock. Raises UsageError for a link
    that there isn't, RefusedError when this kernel can't shape so, KernelError.
    """
    link_changes.refuse(topology, wanted, missing_shaping)

    def carry_out(before: States, after: States) -> None:
        _carry_out(store, _Change(topology, before, after), switches)

    return link_changes.change(state, record, wanted, carry_out)


def _carry_out(store: NamespaceStore, change: _Change, switches: Switches | None) -> None:
    """Lead from what was to what is wanted."""
    steps = change.steps()
    with store.entered():
        for number, step in enumerate(steps):
            if number == _UPS + 1 and switches is not None:
                follow_links(switches, change.old, change.new)
            for node, batch in step.items():
                with suppress(MissingError):  # whoever makes it again makes it as the record wants it
                    store.go(change.topology.names[node])
                    with Netlink() as netlink:
                        run_partly(netlink, change.new.whole, node, batch, _HARMLESS)


class _Change:
    """What leads from one set of link states to another: steps, each {node: batch}."""

    def __init__(self, topology: Topology, before: States, after: States) -> None:
        self.topology = topology
        self._before, self._after = before, after
        self._up_before, self._up_after = links_up(topology, before), links_up(topology, after)
        self._namespaces = node_namespaces(topology)
        self._indices = PortIndices(topology, self._namespaces)
        self.links = sorted({*before, *after})
        self._moved = np.flatnonzero(self._up_before != self._up_after).tolist()

    def steps(self) -> list[dict[int, Batch]]:
        """Return the steps in the order in which they must be done."""
        shapes, downs, ups = _Step(), _Step(), _Step()
        for link in self.links:
            self._shape(shapes, link)
        for link in self._moved:
            for end in (0, 1):
                step = ups if self._up_after[link] else downs
                self._set_up(step, link, end)
        if not self._moved:
            return [shapes]
        takes, gives, flushes = self._reroute()
        addresses = _Step()
        for link in self._moved:
            if self._up_after[link]:
                self._again(addresses, gives, link)
        return [shapes, downs, takes, ups, addresses, gives, flushes]

    @cached_property
    def old(self) -> Plan:
        """The plan with the links that were up."""
        return make_plan(self.topology, "netns", up=self._up_before)

    @cached_property
    def new(self) -> Plan:
        """The plan with the links that are to be up."""
        return make_plan(self.topology, "netns", up=self._up_after)

    def _shape(self, step: _Step, link: int) -> None:
        topology = self.topology
        for end in (0, 1):
            wanted = effective_shape(topology, self._after, link, end)
            if wanted == effective_shape(topology, self._before, link, end):
                continue
            index = self._indices.ends[link][end]
            mtu = topology.link_profile_of(link).effective_mtu
            add_shape(step.of(int(topology.ends[link, end])), index, wanted, mtu, _words(topology, link))

    def _set_up(self, step: _Step, link: int, end: int) -> None:
        index = self._indices.ends[link][end]
        up = bool(self._up_after[link])
        made = messages.link_up(index, up=up)
        words = "bring up" if up else "bring down"
        step.of(int(self.topology.ends[link, end])).add(made, words, _words(self.topology, link))

    def _reroute(self) -> tuple[_Step, _Step, _Step]:
        """Return what to take from nodes, what to give them, and which bridges to flush."""
        takes, gives, flushes = _Step(), _Step(), _Step()
        topology = self.topology
        old, new = self.old, self.new
        for node in self._touched(old.forwarding, new.forwarding):
            had, has = node_settings(old, node), node_settings(new, node)
            if had == has:
                continue
            takes.put(node, removals(had, has))
            gives.put(node, additions(had, has))
        inner = new.forwarding.roles[self._moved] != Role.ADDRESSED
        if inner.all(axis=1).any():
            for node in range(topology.node_count):
                if new.forwarding.has_bridge(node) and not self._namespaces.shared[node]:
                    made = bridge_messages.bridge_flush(BRIDGE_INDEX)
                    flushes.of(node).add(made, "flush", topology.names[node])
        return takes, gives, flushes

    def _touched(self, old: Forwarding, new: Forwarding) -> list[int]:
        """Return the nodes whose settings may differ: all where routes are computed from the graph."""
        topology = self.topology
        if any(map(new.is_router, range(topology.node_count))):
            return list(range(topology.node_count))
        ends: list[int] = np.unique(topology.ends[old.roles != new.roles]).tolist()
        return ends

    def _again(self, first: _Step, then: _Step, link: int) -> None:
        """Add what the kernel dropped when the link went down: IPv6 addresses; then routes, neighbours.

        All addresses come first: IPv6 takes a route only where its gateway can be reached.
        """
        plan = self.new
        for end in (0, 1):
            node, port = int(self.topology.ends[link, end]), int(self.topology.ports[link, end])
            settings = node_settings(plan, node)
            none: NodeSettings = replace(
                settings, addresses=frozenset(), routes=frozenset(), neighbours=frozenset()
            )
            own = frozenset(a for a in settings.addresses if a.port == port)
            first.put(node, additions(none, replace(none, addresses=own)))
            then.put(node, additions(none, replace(settings, addresses=frozenset())))


class _Step(dict[int, Batch]):
    """A batch per node."""

    def of(self, node: int) -> Batch:
        """Return the batch of `node`."""
        return self.setdefault(node, Batch())

    def put(self, node: int, batch: Batch) -> None:
        """Append `batch` to what `node` gets."""
        own = self.of(node)
        for message, (op, target) in zip(batch.messages, batch.labels, strict=True):
            own.add(message, op, target)
        if not own:
            del self[node]


def _words(topology: Topology, link: int) -> str:
    a, b = topology.ends[link].tolist()
    return f"link {topology.names[a]} -- {topology.names[b]}"
