"""Session for many quick changes to a running network, used by the stress runner.

A session belongs to one thread, which stays in the network's mount namespace. Sockets in the nodes'
namespaces are opened once and kept. Bringing a port down or up then costs one `sendmsg` and one `recvmsg`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np

from emulator.difference import Difference
from emulator.errors import UsageError
from emulator.link_states import States, reapply_shapes
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.nodes.converge import converge
from emulator.linux.nodes.handle_cache import open_namespaces, open_sockets
from emulator.linux.nodes.link_messages import UNSHAPED, shape_batches
from emulator.linux.nodes.node_sysctls import NodeSysctls
from emulator.linux.nodes.own_settings import restore_settings
from emulator.linux.nodes.partial_routes import apply_routes, run_partly
from emulator.linux.nodes.release import release_nodes
from emulator.linux.nodes.shared_messages import SharedMessages
from emulator.removed_elements import RemovedElements
from emulator.restoring_session import WithoutLightPorts
from topologies.identifiers import interface_name
from topologies.segments import is_routed

_MOST_SOCKETS = 4096
_MOST_BATCHES = 16384
_THERE = frozenset({errno.EEXIST})
_GONE = frozenset({errno.ENODEV})


class NetnsSession(WithoutLightPorts):
    """Quick changes to the nodes, ports and links of a running network. A context manager.

    If this machine has a share of the network, it does what concerns this share: of a link to another machine
    its own end, and of a node on another machine the links to it.

    It remembers the elements that it removed. `restore()` and leaving the context restore all of them.
    `shared.plan_now()` returns another plan once another command has changed links, `states_now()` their
    shapes.
    """

    def __init__(
        self, store: NamespaceStore, shared: SharedMessages, states_now: Callable[[], States]
    ) -> None:
        self._shared = shared
        self._plan_now = shared.plan_now
        self._states_now = states_now
        self._plan = plan = shared.plan_now()
        self._store = store
        self._topology = plan.topology
        self._writer = shared.of(plan)
        self._stack = ExitStack()
        self._batches: dict[tuple[int, int, bool], Batch] = {}
        self._carries = plan.topology.pools.ipv6 is not None and is_routed(plan.topology)
        self._removed = RemovedElements(plan.topology)

    def __enter__(self) -> Self:
        self._stack.enter_context(self._store.entered())
        self._namespaces = self._stack.enter_context(open_namespaces(self._store, self._plan.here))
        self._sysctls = self._stack.enter_context(NodeSysctls(self._plan.here))
        self._netlink = self._stack.enter_context(open_sockets(self._store, self._plan.here, _MOST_SOCKETS))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.restore()
        finally:
            self._stack.close()

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Bring `port` of `node` down or up; KernelError if it doesn't exist."""
        if up:
            self._follow()
        batch = self._batches.get((node, port, up)) or self._port_batch(node, port, up=up)
        if up and self._writer.is_down(node, port):  # by `link down`: it stays down
            self._removed.set_port(node, port, up=True)
        elif up:
            run_partly(self._netlink(node), self._plan.here, node, batch, _THERE)
            self._removed.set_port(node, port, up=True)
            if self._carries:
                self._carrier_came(node, port)
        else:
            self._removed.set_port(node, port, up=False)
            self._netlink(node).run(batch)

    def _follow(self) -> None:
        """Use the current plan: roles and routes change with the links that are up."""
        plan = self._plan_now()
        if plan is not self._plan:
            self._plan = plan
            self._writer = self._shared.of(plan)
            self._batches.clear()

    def prepare(self, ports: Iterable[tuple[int, int]]) -> None:
        """Prepare changes of `ports` (node, port), so that the first changes are as quick as later ones."""
        for node, port in ports:
            if len(self._batches) < _MOST_BATCHES and not self._netlink.full:
                self._netlink(node)
                for up in (False, True):
                    self._port_batch(node, port, up=up)

    def _port_batch(self, node: int, port: int, *, up: bool) -> Batch:
        """Return the batch that brings a port up or down; cached, because flaps repeat on the same ports."""
        name = interface_name(self._topology, node, port)
        batch = Batch()
        batch.add(
            messages.link_up(self._plan.indices.of(node, port), up=up),
            "bring up" if up else "bring down",
            name,
        )
        if up:
            self._writer.after_up(batch, node, port)
        if len(self._batches) < _MOST_BATCHES:
            self._batches[node, port, up] = batch
        return batch

    def _carrier_came(self, node: int, port: int) -> None:
        """Add the IPv6 routes of the router at the other end that need this end's carrier."""
        beyond = self._writer.router_beyond(node, port)
        if beyond is not None and beyond[0] not in self._removed.nodes:
            batch = Batch()
            self._writer.routes_over(batch, *beyond)
            run_partly(self._netlink(beyond[0]), self._plan.here, beyond[0], batch)

    def remove_link(self, link: int) -> None:
        """Delete a link: the ports at both ends vanish."""
        self._removed.record_link(link)
        self._delete(link)
        self._removed.forget_ports(link)
        self._go_around(link)

    def _delete(self, link: int, ignore: frozenset[int] = frozenset()) -> None:
        """Delete the ends of a link on this machine: both at once, or that of a tunnel."""
        for _, node, port, index in self._plan.here.ends_here(link)[:1]:
            batch = Batch()
            batch.add(messages.link_delete(index), "delete", interface_name(self._topology, node, port))
            self._netlink(node).run(batch, ignore)

    def _go_around(self, link: int) -> None:
        """Set multipath routes of routers at the ends of a deleted link over the remaining hops.

        The kernel keeps the remaining hops when a port goes down, but drops the whole route when the port is
        deleted.
        """
        for _, node, port, _ in self._plan.here.ends_here(link):
            if node not in self._removed.nodes and self._writer.shares_routes(node, port):
                apply_routes(self._netlink(node), self._plan.here, node)

    def add_link(self, link: int) -> None:
        """Create a removed link again, with its previous settings."""
        self._follow()
        if not self._plan.here.ends_here(link):
            self._removed.links.pop(link, None)
            return
        if self._writer.needs_older_end(link):
            self._converge([], [link])
        else:
            batch = Batch()
            self._writer.link(batch, link, self._namespaces)
            node = self._writer.newer_node(link)
            run_partly(self._netlink(node), self._plan.here, node, batch)
        self._removed.links.pop(link, None)
        self._settle([link])

    def remove_node(self, node: int) -> None:
        """Remove a node with its links, and kill its processes."""
        self._removed.record_node(node)
        name, index_of = self._topology.names[node], self._plan.indices.at(node)
        links = self._links_of(node)
        batch = Batch()
        for link, _, port in self._topology.incident(node):
            batch.add(messages.link_delete(index_of(port)), "delete a link of", name)
            self._removed.forget_ports(link)
        if not self._plan.here.has(node):
            for link, _ in links:
                self._delete(link, _GONE)
                self._go_around(link)
            return
        # delete the ports before the namespace: the kernel destroys a namespace later, together with the
        # other ends; their names would still be in use when the node is created again
        self._netlink(node).run(batch, ignore=_GONE)
        self._netlink.forget(node)
        self._namespaces.forget(node)
        release_nodes(self._store, self._plan.namespaces, [node])
        for link, _ in links:
            self._go_around(link)

    def add_node(self, node: int) -> None:
        """Create a removed node again, with its links to existing nodes."""
        self._follow()
        every = self._links_of(node)
        links = [link for link, _ in every if self._removed.there(link, but=node)]
        here = self._plan.here.has(node)
        writer = self._writer
        older = (one for one in links if writer.needs_older_end(one) or writer.newer_node(one) != node)
        quick = here and len(links) == len(every) and next(older, None) is None
        if quick:
            self._store.make(self._plan.namespaces.file(node))
            self._sysctls.apply(node)
            with Netlink() as netlink:
                run_partly(netlink, self._plan.here, node, self._writer.first(node, self._namespaces))
        elif here:
            self._converge([node], links)
        elif mine := [link for link in links if self._plan.here.ends_here(link)]:
            self._converge([], mine)
        self._removed.nodes.pop(node, None)
        if self._plan_now() is not self._plan and here:  # links were changed meanwhile, and it missed them
            self._follow()
            apply_routes(self._netlink(node), self._plan.here, node)
        self._settle(links, node)

    def _settle(self, links: list[int], *nodes: int) -> None:
        """Set what new interfaces lack: shapes that were changed, and sysctls of the file."""
        reapply_shapes(links, self._states_now, self._shape)
        restore_settings(self._plan.here, self._store, {*self._topology.ends[links].ravel().tolist(), *nodes})

    def _shape(self, states: States, links: Iterable[int]) -> None:
        for node, batch in shape_batches(self._plan.here, states, links).items():
            self._netlink(node).run(batch, ignore=UNSHAPED)

    def set_controller(self, name: str, *, up: bool) -> None:
        """Refuse: bridges have no controllers."""
        del up
        raise UsageError(f"there is no controller `{name}`: the switches are made as bridges")

    def restore(self) -> list[str]:
        """Restore everything that this session removed; return the names."""
        return self._removed.restore_all(self)

    def _links_of(self, node: int) -> list[tuple[int, int]]:
        return [(link, end) for link, end, _ in self._topology.incident(node)]

    def _converge(self, nodes: list[int], links: list[int]) -> None:
        """Create nodes and links by `converge`: both ends in turn."""
        mask = np.zeros(self._topology.link_count, dtype=bool)
        mask[links] = True
        converge(self._plan.here, Difference(new_nodes=nodes, new_links=mask), self._store, partly=True)
