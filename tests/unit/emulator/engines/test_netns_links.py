"""The order and the content of what a change of links does, without a kernel."""

from __future__ import annotations

import numpy as np
import pytest
from support.links import change_of
from support.topologies import made

from emulator.engines.link_changes import LinkChange
from emulator.engines.netns.links import LinkSteps
from emulator.forwarding.base import Role
from emulator.forwarding.select import forwarding_for
from emulator.indices import BRIDGE_INDEX, port_index
from emulator.link_states import effective_shape
from emulator.linux.netlink import bridge_messages, messages
from emulator.network import LinkState
from topologies.build import build
from topologies.profiles import PLAIN, Shape
from topologies.spec.load import load_text
from topologies.topology import Topology

DOWN = LinkState(up=False)


@pytest.fixture
def ring() -> Topology:
    nodes = "{h1: {}, h2: {}, s1: {kind: switch}, s2: {kind: switch}, s3: {kind: switch}}"
    links = "[[h1, s1], [h2, s2], [s1, s2, {bandwidth: 1 Mbit}], [s2, s3], [s3, s1]]"
    return build(load_text(f"name: ring\ntopology: {{nodes: {nodes}, links: {links}}}\n"))


def said(change: LinkChange) -> list[tuple[str, str, str]]:
    """Return (node, operation, target) of every message, in order."""
    names = change.topology.names
    return [
        (names[n], *label)
        for step in LinkSteps(change).steps()
        for n, batch in step.items()
        for label in batch.labels
    ]


def test_a_shape_is_changed_at_its_end_only(ring: Topology) -> None:
    change = change_of(ring, {}, {2: LinkState(backward=Shape(bandwidth=5e6))})
    assert said(change) == [("s2", "shape", "link s1 -- s2")] * 2
    assert effective_shape(ring, {2: LinkState(backward=PLAIN)}, 2, 1) == PLAIN
    assert effective_shape(ring, {2: DOWN}, 2, 1) == Shape(bandwidth=1e6)


def test_the_blocked_link_takes_over(ring: Topology) -> None:
    blocked = int(np.flatnonzero((forwarding_for(ring).roles == Role.BLOCKED).any(axis=1))[0])
    cut = next(link for link in (2, 3, 4) if link != blocked)
    operations = [operation for _, operation, _ in said(change_of(ring, {}, {cut: DOWN}))]
    assert operations == ["bring down"] * 2 + ["bridge a port of"] * 2 + ["flush"] * 3


def test_ports_leave_their_bridge_before_a_link_comes_back(ring: Topology) -> None:
    """Otherwise the ring would be closed for an instant, and a broadcast would circle for ever."""
    blocked = int(np.flatnonzero((forwarding_for(ring).roles == Role.BLOCKED).any(axis=1))[0])
    cut = next(link for link in (2, 3, 4) if link != blocked)
    operations = [operation for _, operation, _ in said(change_of(ring, {cut: DOWN}, {}))]
    assert operations == ["unbridge a port of"] * 2 + ["bring up"] * 2 + ["flush"] * 3


def test_a_hosts_link_changes_no_bridge(ring: Topology) -> None:
    change = change_of(ring, {}, {0: DOWN})
    assert said(change) == [("h1", "bring down", "link h1 -- s1"), ("s1", "bring down", "link h1 -- s1")]
    (_, downs, *_) = LinkSteps(change).steps()
    host = ring.names.find("h1")
    assert host is not None
    assert downs[host].messages == [messages.link_up(port_index(0), up=False)]


def test_a_host_gets_back_what_the_kernel_dropped(ring: Topology) -> None:
    words = said(change_of(ring, {0: DOWN}, {}))
    assert ("h1", "give 10.0.0.1 to", "h1") in words
    assert words.index(("h1", "bring up", "link h1 -- s1")) < words.index(("h1", "give 10.0.0.1 to", "h1"))


def test_bridges_are_flushed_by_their_index() -> None:
    assert bridge_messages.bridge_flush(BRIDGE_INDEX)[16:].startswith(messages.link_body(BRIDGE_INDEX))


def test_a_change_says_which_links_move_and_which_ends_send_otherwise(ring: Topology) -> None:
    shaped = LinkState(forward=Shape(bandwidth=5e6))
    change = change_of(ring, {0: DOWN, 2: shaped}, {1: DOWN, 2: shaped, 3: shaped})
    assert (change.downs, change.ups) == ([1], [0])
    assert list(change.reshaped()) == [(3, 0, Shape(bandwidth=5e6))]


def test_settings_may_differ_where_roles_do_and_everywhere_in_a_routed_network(ring: Topology) -> None:
    blocked = int(np.flatnonzero((forwarding_for(ring).roles == Role.BLOCKED).any(axis=1))[0])
    cut = next(link for link in (2, 3, 4) if link != blocked)
    assert set(change_of(ring, {}, {cut: DOWN}).touched()) == set(ring.ends[[blocked]].ravel().tolist())
    routed = made({"generator": "leaf-spine", "leaves": 2, "spines": 2}, forwarding="routed")
    assert change_of(routed, {}, {0: DOWN}).touched() == list(range(routed.node_count))
