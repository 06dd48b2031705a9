"""Quick single changes to a running network with Open vSwitch switches.

The daemon keeps a socket for each port. If an interface is deleted and another of the same name is
created, the daemon listens to the old one forever. So a port leaves its bridge before its interface is
deleted, and returns after it; each time this waits for the daemon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property

from emulator.link_states import States
from emulator.linux.machine.offload import compute_checksums
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.session import NetnsSession
from emulator.linux.nodes.shared_messages import SharedMessages
from emulator.ovs.bridges import Bridge
from emulator.ovs.checksums import userspace_ports
from emulator.ovs.flows import flow_lines, install
from emulator.ovs.planned_bridges import bridges_of
from emulator.ovs.switches import Switches
from topologies.identifiers import interface_name


class OvsSession(NetnsSession):
    """`NetnsSession` that also removes and adds bridges, ports and controllers of Open vSwitch."""

    def __init__(
        self,
        store: NamespaceStore,
        switches: Switches,
        shared: SharedMessages,
        states_now: Callable[[], States],
    ) -> None:
        super().__init__(store, shared, states_now)
        self._switches = switches
        self._wanted = bridges_of(self._plan)
        self._now: dict[int, Bridge] = dict(self._wanted)
        self._checksums = userspace_ports(self._topology, self._wanted)
        self._controllers = switches.controllers  # made here, in the machine's namespaces

    def _follow(self) -> None:
        """Use the current plan: the ports in bridges depend on the links that are up."""
        before = self._plan
        super()._follow()
        if self._plan is not before:
            self._wanted = bridges_of(self._plan)
            self.__dict__.pop("_flows", None)

    def remove_link(self, link: int) -> None:
        """Delete a link: the ports at both ends vanish."""
        if link not in self._removed.links:
            self._detach_ports([link])
        super().remove_link(link)

    def add_link(self, link: int) -> None:
        """Create a removed link again, as it was."""
        super().add_link(link)
        self._attach_ports([link])

    def remove_node(self, node: int) -> None:
        """Remove a node with its links."""
        if node not in self._removed.nodes:
            self._detach_ports([link for link, _ in self._links_of(node)], gone=node)
        super().remove_node(node)

    def add_node(self, node: int) -> None:
        """Create a removed node again, with its links to existing nodes."""
        super().add_node(node)
        self._attach_ports(
            [link for link, _ in self._links_of(node) if self._removed.there(link, but=node)],
            come=node,
        )

    def set_controller(self, name: str, *, up: bool) -> None:
        """Stop a controller of the switches, or start it again; a remote one is cut off."""
        if up:
            self._controllers.start([name])
            self._removed.set_controller(name, up=True)
        else:
            self._removed.set_controller(name, up=False)
            self._controllers.stop([name])

    def _ends(self, links: Iterable[int]) -> list[tuple[int, str]]:
        """Return (node, interface) of both ends of each of `links`."""
        topology = self._topology
        return [
            (node, interface_name(topology, node, port))
            for link in links
            for node, port in zip(topology.ends[link].tolist(), topology.ports[link].tolist(), strict=True)
        ]

    def _detach_ports(self, links: Iterable[int], gone: int = -1) -> None:
        """Detach the ports of `links` from their bridges, and delete the bridge of node `gone`.

        Ports are detached whether they are attached or not: a link that was cut meanwhile may have put a port
        into a bridge that was blocked when this session began.
        """
        before: dict[int, Bridge] = {}
        after: dict[int, Bridge] = {}
        for node, name in self._ends(links):
            if node in self._now:
                had, has = before.get(node, self._now[node]), after.get(node, self._now[node])
                before[node] = replace(had, ports={name: 0, **had.ports})
                after[node] = replace(has, ports={p: n for p, n in has.ports.items() if p != name})
        if gone in self._now:
            before[gone] = self._now[gone]
            after.pop(gone, None)
        self._switches.change(before, after)
        self._now.update(after)
        self._now.pop(gone, None)

    def _attach_ports(self, links: Iterable[int], come: int = -1) -> None:
        """Attach the ports of `links` to the bridges of the plan; create the bridge of node `come`."""
        changed: dict[int, Bridge] = {}
        if come in self._wanted:
            changed[come] = replace(self._wanted[come], ports={})
        for node, name in self._ends(links):
            if node in self._checksums:
                self._store.go(self._plan.namespaces.file(node))
                compute_checksums({name}.intersection(self._checksums[node]))
            if node not in self._wanted or node in self._removed.nodes:
                continue
            bridge = changed.get(node) or self._now.get(node) or replace(self._wanted[node], ports={})
            number = self._wanted[node].ports.get(name)
            if number is not None:
                changed[node] = replace(bridge, ports={**bridge.ports, name: number})
        before = {node: self._now[node] for node in changed if node in self._now}
        self._switches.change(before, changed)
        self._now.update(changed)
        new = [node for node in changed if node not in before and node in self._flows]
        install(self._switches.servers, {changed[node].name: self._flows[node] for node in new})

    @cached_property
    def _flows(self) -> dict[int, list[str]]:
        """Computed flows, for switches that come back."""
        return flow_lines(self._plan)
