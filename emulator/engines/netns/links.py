"""Change the links of a running network: shape them, cut them, restore them.

The changes are ports of bridges, routes and neighbours. This order closes no loop even for an instant:
links down, ports out of bridges, links up, ports into bridges. At last every bridge forgets its learned
addresses.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from dataclasses import replace

from emulator.engines.link_changes import LinkChange
from emulator.engines.netns.switches import follow_links
from emulator.errors import MissingError
from emulator.forwarding.base import Role
from emulator.indices import BRIDGE_INDEX
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import bridge_messages, messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.netlink.qdisc import add_shape
from emulator.linux.netlink.settings_messages import additions, removals
from emulator.linux.nodes.partial_routes import run_partly
from emulator.node_settings import NodeSettings, node_settings
from emulator.ovs.switches import Switches
from topologies.profiles import Shape
from topologies.topology import Topology

_UPS = 3
"""Step in which links come up; the switches of Open vSwitch follow in it."""
_HARMLESS = frozenset({errno.ESRCH, errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENOENT, errno.EEXIST})
"""Errors of a step that was already done, by us or by the kernel (routes over a link that is down)."""


def change_links(change: LinkChange, store: NamespaceStore, switches: Switches | None) -> None:
    """Apply `change` in the kernel, and in Open vSwitch if the network has one; KernelError."""
    steps = LinkSteps(change).steps()
    with store.entered():
        for number, step in enumerate(steps):
            if number == _UPS + 1 and switches is not None:
                follow_links(switches, change.old, change.new)
            for node, batch in step.items():
                with suppress(MissingError):  # when created again, it follows the record
                    store.go(change.new.namespaces.file(node))
                    with Netlink() as netlink:
                        run_partly(netlink, change.new.here, node, batch, _HARMLESS)


class LinkSteps:
    """The steps of a change of links, each {node: batch}."""

    def __init__(self, change: LinkChange) -> None:
        self._change = change
        self._topology = change.topology
        self._here = change.new.here

    def steps(self) -> list[dict[int, Batch]]:
        """Return the steps in the required order."""
        change = self._change
        shapes, downs, ups = _Step(), _Step(), _Step()
        for link, end, shape in change.reshaped():
            self._shape(shapes, link, end, shape)
        for links, step, up in ((change.downs, downs, False), (change.ups, ups, True)):
            for link in links:
                self._set_up(step, link, up=up)
        if not (change.downs or change.ups):
            return [shapes]
        removed, added, flushes = self._reroute()
        addresses = _Step()
        for link in change.ups:
            self._again(addresses, added, link)
        return [shapes, downs, removed, ups, addresses, added, flushes]

    def _shape(self, step: _Step, link: int, end: int, shape: Shape) -> None:
        mtu = self._topology.link_profile_of(link).effective_mtu
        for found in self._here.ends_here(link):
            if found.end == end:
                name = _link_name(self._topology, link)
                add_shape(step.of(found.node), found.ifindex, shape, mtu, name)

    def _set_up(self, step: _Step, link: int, *, up: bool) -> None:
        words = "bring up" if up else "bring down"
        for _, node, _, index in self._here.ends_here(link):
            step.of(node).add(messages.link_up(index, up=up), words, _link_name(self._topology, link))

    def _reroute(self) -> tuple[_Step, _Step, _Step]:
        """Return the removals from nodes, the additions to nodes, and the bridges to flush."""
        removed, added, flushes = _Step(), _Step(), _Step()
        topology, old, new = self._topology, self._change.old, self._change.new
        for node in self._change.touched():
            had, has = node_settings(old, node), node_settings(new, node)
            if had == has:
                continue
            removed.put(node, removals(had, has))
            added.put(node, additions(had, has))
        inner = new.forwarding.roles[self._change.downs + self._change.ups] != Role.ADDRESSED
        if inner.all(axis=1).any():
            for node in self._here.nodes.tolist():
                if new.forwarding.has_bridge(node) and not new.namespaces.of_daemon[node]:
                    made = bridge_messages.bridge_flush(BRIDGE_INDEX)
                    flushes.of(node).add(made, "flush", topology.names[node])
        return removed, added, flushes

    def _again(self, first: _Step, then: _Step, link: int) -> None:
        """Add what the kernel dropped when the link went down: IPv6 addresses; then routes, neighbours.

        All addresses come first: the kernel accepts an IPv6 route only with a reachable gateway.
        """
        plan = self._change.new
        for _, node, port, _ in self._here.ends_here(link):
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
        """Append `batch` to the batch of `node`."""
        own = self.of(node)
        for message, (op, target) in zip(batch.messages, batch.labels, strict=True):
            own.add(message, op, target)
        if not own:
            del self[node]


def _link_name(topology: Topology, link: int) -> str:
    a, b = topology.ends[link].tolist()
    return f"link {topology.names[a]} -- {topology.names[b]}"
