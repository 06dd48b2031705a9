"""What is expected of addresses in bridged networks: as ping found on the kernel, and as networkx says."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.multihomed import write
from support.topologies import made

from emulator.checks.components import expectation
from emulator.forwarding.select import forwarding_for
from topologies.build import open_topology
from topologies.topology import Topology


def heard(topology: Topology, up: npt.NDArray[np.bool_]) -> dict[str, str]:
    """Return, by host, the last bytes of the addresses of others that answer it."""
    answers, forwarding, names = expectation(topology, up), forwarding_for(topology), topology.names
    hosts = topology.hosts.tolist()
    return {
        names[a]: " ".join(
            address.text.partition(".0.")[2]
            for b in hosts
            if a != b
            for address in forwarding.addresses(b)
            if answers(a, b, address.text)
        )
        for a in hosts
    }


@pytest.mark.parametrize(
    ("case", "expected"),
    [  # m is at s1 with 10.0.0.1 and at s2 with 10.0.1.1, a at s1, b and c at s2
        ("one prefix on both links", {"m": "0.2", "a": "0.1 1.1", "b": ""}),
        ("two networks", {"m": "0.2 1.2", "a": "0.1", "b": "1.1", "c": ""}),
        ("only the second link", {"m": "1.2", "a": "", "b": "1.1"}),
    ],
)
def test_hosts_on_two_networks(case: str, expected: dict[str, str], tmp_path: Path) -> None:
    topology = open_topology(write(tmp_path, case))
    assert heard(topology, np.ones(topology.link_count, dtype=bool)) == expected


def test_without_its_link_an_address_stays_and_its_prefix_goes(tmp_path: Path) -> None:
    topology = open_topology(write(tmp_path, "the longer prefix wins", joined=True))
    up = np.ones(topology.link_count, dtype=bool)
    up[1] = False  # m -- s2
    assert heard(topology, up) == {
        "m": "0.2 1.3", "a": "0.1 1.1 1.3", "b": "1.1 1.3", "c": "0.1 1.1 0.2 1.2",
    }  # fmt: skip


def test_permanent_neighbours_are_one_port_only(tmp_path: Path) -> None:
    static = {"addressing": {"static_arp": True}}
    topology = open_topology(write(tmp_path, "one prefix on both links", joined=False, **static))
    everything = np.ones(topology.link_count, dtype=bool)
    assert heard(topology, everything) == {"m": "0.2", "a": "0.1", "b": ""}


def test_an_address_that_nobody_has_does_not_answer() -> None:
    topology = made({"generator": "single", "hosts": 2})
    answers = expectation(topology, np.ones(topology.link_count, dtype=bool))
    one, two = topology.hosts.tolist()
    assert answers(one, two, "10.0.0.2")
    assert not answers(one, two, "10.0.0.1")
    assert not answers(one, two, "10.0.0.9")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_hosts_with_one_link_reach_what_networkx_connects(data: st.DataObject) -> None:
    topology = made({"generator": "ring", "k": data.draw(st.integers(3, 6)), "hosts_per_switch": 1})
    up = np.array(
        data.draw(st.lists(st.booleans(), min_size=topology.link_count, max_size=topology.link_count))
    )
    graph = nx.Graph()
    graph.add_nodes_from(range(topology.node_count))
    graph.add_edges_from(topology.ends[up].tolist())
    answers, forwarding = expectation(topology, up), forwarding_for(topology)
    for a in topology.hosts.tolist():
        for b in topology.hosts.tolist():
            [address] = forwarding.addresses(b)
            assert answers(a, b, address.text) == nx.has_path(graph, a, b)
