from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from support import topologies

from emulator.engines.dry_run_session import DryRunSession
from emulator.errors import UsageError
from emulator.network import Session
from emulator.removed_elements import RemovedElements
from emulator.restoring_session import WithoutLightPorts


def removed() -> RemovedElements:
    """h1 -- s1 -- s2 -- h2: link 0 is s1 -- h1, nodes are s1, s2, h1, h2."""
    return RemovedElements(topologies.made({"generator": "linear", "k": 2, "hosts_per_switch": 1}))


class Told:
    """A session that only says what it is asked to do, and takes it off the books as sessions do."""

    def __init__(self, removed: RemovedElements) -> None:
        self.removed = removed
        self.done: list[tuple[object, ...]] = []

    def add_node(self, node: int) -> None:
        self.removed.nodes.pop(node)
        self.done.append(("node", node))

    def add_link(self, link: int) -> None:
        self.removed.links.pop(link)
        self.done.append(("link", link))

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        self.removed.ports.pop((node, port))
        self.done.append(("port", node, port, up))

    def set_controller(self, name: str, *, up: bool) -> None:
        self.removed.controllers.pop(name)
        self.done.append(("controller", name, up))


def test_what_is_away_cannot_go_again() -> None:
    here = removed()
    here.record_link(0)
    here.record_node(1)
    with pytest.raises(UsageError, match=r"^link 0 is removed already$"):
        here.record_link(0)
    with pytest.raises(UsageError, match=r"^s2 is removed already$"):
        here.record_node(1)


def test_a_link_is_there_when_it_and_both_its_ends_are() -> None:
    here = removed()
    assert here.there(0)
    here.record_node(0)
    assert not here.there(0)
    assert here.there(0, but=0)
    assert not here.there(0, but=2)
    here.record_link(0)
    assert not here.there(0, but=0)


def test_ports_of_a_link_that_is_made_anew_are_up() -> None:
    here = removed()
    here.ports |= dict.fromkeys([(0, 1), (2, 0), (3, 0)])
    here.forget_ports(0)
    assert list(here.ports) == [(3, 0)]


def test_nodes_come_back_first_then_links_ports_and_controllers() -> None:
    here = removed()
    here.set_controller("c0", up=False)
    here.set_port(3, 0, up=False)
    here.record_link(0)
    here.record_node(1)
    session = Told(here)
    given = here.restore_all(cast("Session", session))
    assert session.done == [("node", 1), ("link", 0), ("port", 3, 0, True), ("controller", "c0", True)]
    assert given == ["s2", "s1 -- h1", "h2-eth0", "c0"]
    assert here.restore_all(cast("Session", session)) == []


def test_a_link_is_down_when_it_or_a_port_or_a_node_of_it_is() -> None:
    here = removed()
    assert here.links_down() == set()
    here.set_port(2, 0, up=False)  # h1's only port
    assert here.links_down() == {0}
    here.set_port(2, 0, up=True)
    here.record_node(1)  # s2: its links to s1 and h2
    assert len(here.links_down()) == 2
    here.record_link(0)
    assert 0 in here.links_down()


def test_light_ports_go_and_come_back_many_at_once() -> None:
    topology = topologies.made({"generator": "vpc", "vpcs": 1, "ports": 8, "hosts": 2})
    of_network = RemovedElements(topology)
    first, link = topology.full.node_count, topology.full.link_count
    nodes = np.arange(first, first + 8)
    session = DryRunSession(topology, of_network)
    session.set_ports(nodes, up=False)
    assert of_network.links_down() == set(range(link, link + 8))
    session.set_ports(nodes[:2], up=True)
    session.remove_ports(nodes[2:4])  # what is removed is not down, when it comes back
    assert list(of_network.nodes) == [first + 2, first + 3]
    assert list(of_network.ports) == [(node, 0) for node in nodes[4:].tolist()]
    session.add_ports(nodes[2:3])
    session.remove_node(1)
    session.move_port(first, of_network.home(first) + 1)
    names = topology.names
    back = [
        names[1],
        names[first + 3],
        names[first],
        *(f"{names[node]}-eth0" for node in range(first + 4, first + 8)),
    ]
    assert session.restore() == back
    assert of_network.links_down() == set()
    assert not of_network.moved


def test_sessions_without_light_ports_say_so() -> None:
    session, nodes = WithoutLightPorts(), np.array([1])
    for ask in (
        lambda: session.set_ports(nodes, up=True),
        lambda: session.remove_ports(nodes),
        lambda: session.add_ports(nodes),
        lambda: session.remove_links(nodes),
        lambda: session.add_links(nodes),
        lambda: session.move_port(1, 2),
    ):
        with pytest.raises(UsageError, match="has no light ports"):
            ask()
