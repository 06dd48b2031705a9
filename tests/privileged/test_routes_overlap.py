"""Ports, links and nodes of a routed network come and go in any order: the routes are as before."""

from __future__ import annotations

import random
import re
import threading
import time
from pathlib import Path

import pytest

from emulator.engines.netns import NetnsEngine
from emulator.network import Network
from emulator.plan import make_plan
from topologies.build import build
from topologies.identifiers import interface_name
from topologies.spec.load import load_text

pytestmark = pytest.mark.privileged

FABRIC = """\
name: overlap
forwarding: routed
topology: {generator: leaf-spine, spines: 3, leaves: 3, hosts_per_leaf: 1}
"""
IPV6 = 'addressing: {ipv6: "fd00:1::/48"}\n'


def routes(network: Network, *nodes: int) -> list[list[str]]:
    """Return the routes of each of `nodes` (of all when none is given), hops in one line."""
    script = "ip -4 -o route; ip -6 -o route show table main"
    found = network.access.execute(nodes or range(network.topology.node_count), ["sh", "-c", script])
    assert not any(result.failed for result in found)
    return [sorted(result.output.decode().splitlines()) for result in found]


def soon(network: Network, expected: list[list[str]]) -> None:
    """Wait until the routes are as expected: the kernel notes IPv6 carriers a moment late."""
    end = time.monotonic() + 5
    while routes(network) != expected and time.monotonic() < end:
        time.sleep(0.1)
    assert routes(network) == expected


def uplinks(network: Network) -> list[int]:
    topology = network.topology
    hosts = set(topology.hosts.tolist())
    return [link for link, ends in enumerate(topology.ends.tolist()) if hosts.isdisjoint(ends)]


@pytest.mark.parametrize("more", ["", IPV6], ids=["ipv4", "ipv6"])
def test_routes_are_whole_again_however_flaps_overlap(state_dir: Path, more: str) -> None:
    network = NetnsEngine().deploy(make_plan(build(load_text(FABRIC + more)), "netns"))
    topology = network.topology
    errors: list[Exception] = []

    def flap(links: list[int], seed: int) -> None:
        """Bring ports of `links` down and up in a random order; leaving the session mends the rest."""
        draw = random.Random(seed)
        down: set[tuple[int, int]] = set()
        with network.session() as session:
            for _ in range(100):
                link, end = draw.choice(links), draw.randrange(2)
                port = int(topology.ends[link, end]), int(topology.ports[link, end])
                try:
                    session.set_port(*port, up=port in down)
                except Exception as error:  # noqa: BLE001 -- shown by the test
                    errors.append(error)
                down ^= {port}

    try:
        before = routes(network)
        links = uplinks(network)
        threads = [threading.Thread(target=flap, args=(links[k::3], k)) for k in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        soon(network, before)
    finally:
        network.down()


def test_routes_are_whole_again_after_nodes_links_and_ports_went_together(state_dir: Path) -> None:
    network = NetnsEngine().deploy(make_plan(build(load_text(FABRIC)), "netns"))
    topology = network.topology
    spines = [node for node, name in enumerate(topology.names) if name.startswith("spine")]
    leaf = topology.names.index("leaf2")
    port = next(
        port for link, end, port in topology.incident(leaf) if topology.ends[link, 1 - end] == spines[2]
    )
    try:
        before = routes(network)
        with network.session() as session:
            session.remove_node(spines[0])
            session.remove_node(spines[1])
            session.set_port(leaf, port, up=False)
            session.add_node(spines[1])
            assert len(routes(network, leaf)[0]) < len(before[leaf])
            session.remove_link(topology.incident(spines[1])[0].link)
            session.remove_node(spines[2])
            session.add_node(spines[0])
        soon(network, before)
    finally:
        network.down()


@pytest.mark.parametrize("more", ["", IPV6], ids=["ipv4", "ipv6"])
def test_a_link_or_node_that_is_away_is_gone_around(state_dir: Path, more: str) -> None:
    network = NetnsEngine().deploy(make_plan(build(load_text(FABRIC + more)), "netns"))
    topology = network.topology
    names = list(topology.names)
    leaf, spine = names.index("leaf1"), names.index("spine1")
    link = next(link for link in uplinks(network) if {leaf, spine} == set(topology.ends[link].tolist()))

    def hops_of_default() -> set[str]:
        """Return the interfaces over which leaf1 sends to where it knows nothing nearer."""
        (found,) = network.access.execute(
            [leaf], ["sh", "-c", "ip -4 route show default; ip -6 route show default"]
        )
        return set(re.findall(r"dev (\S+)", found.output.decode()))

    try:
        whole = hops_of_default()
        before = routes(network)
        end = topology.ends[link].tolist().index(leaf)
        gone = interface_name(topology, leaf, int(topology.ports[link, end]))
        with network.session() as session:
            session.remove_link(link)
            assert hops_of_default() == whole - {gone}
            session.add_link(link)
            soon(network, before)
            session.remove_node(spine)
            assert hops_of_default() == whole - {gone}
            session.add_node(spine)
        soon(network, before)
    finally:
        network.down()
