from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.topologies import made, problems

from topologies.build import MAX_PORTS, is_routed, open_topology
from topologies.errors import InputError
from topologies.topology import Topology


def message(topology: dict[str, Any]) -> str:
    found = problems(topology)
    assert len(found) == 1
    return "".join(f"{key}: {words}" for key, words in found.items())


def fidelities(topology: Topology) -> dict[str, str]:
    """Return the fidelity of each node, by name."""
    return {name: topology.node_profile_of(node).fidelity for node, name in enumerate(topology.names)}


def test_what_the_file_says_is_in_the_topology() -> None:
    topology = made(
        {"generator": "single"}, seed=7, forwarding="routed",
        addressing={"ipv4": "10.9.0.0/16", "static_arp": True},
    )  # fmt: skip
    assert (topology.name, topology.seed, topology.forwarding) == ("x", 7, "routed")
    assert (topology.pools.ipv4, topology.pools.ipv6, topology.static_arp) == ("10.9.0.0/16", None, True)


def test_fidelity_is_of_all_nodes_but_those_that_say_their_own() -> None:
    full = {"fidelity": "full"}
    nodes = {"a": full, "s": {"kind": "switch", **full}, "b": {}, "c": {"fidelity": "light"}}
    topology = made({"nodes": nodes, "links": [["a", "s"], ["b", "s"], ["c", "a"]]}, fidelity="hollow")
    assert fidelities(topology) == {"a": "full", "s": "full", "b": "hollow", "c": "light"}


def test_own_fidelity_survives_composition_and_yields_to_rules() -> None:
    parts = {"p": {"nodes": {"a": {"fidelity": "hollow"}, "b": {"fidelity": "hollow"}, "c": {}}}}
    rules = [{"match": {"name": "p.b"}, "fidelity": "full"}]
    topology = made({"compose": parts}, nodes=rules)
    assert fidelities(topology) == {"p.a": "hollow", "p.b": "full", "p.c": "full"}


def test_too_many_nodes() -> None:
    assert message({"generator": "linear", "k": 10**12}) == (
        "topology: would make 2,000,000,000,000 nodes; the maximum is 16,777,214: give smaller numbers"
    )


def test_too_many_links() -> None:
    assert message({"generator": "mesh", "k": 10_000}) == (
        "topology: would make 50,005,000 links; the maximum is 33,554,432: give smaller numbers"
    )


def test_parts_count_together() -> None:
    part = {"generator": "linear", "k": 3_000_000}
    nested = {"a": part, "b": {"compose": {"c": part, "d": {"generator": "single"}}}}
    assert "would make 12,000,003 nodes" not in message({"compose": nested | {"e": part}})
    assert message({"compose": nested | {"e": part}}) == (
        "topology: would make 18,000,003 nodes; the maximum is 16,777,214: give smaller numbers"
    )


def test_too_many_ports_on_a_node() -> None:
    assert message({"generator": "single", "hosts": MAX_PORTS + 1}) == (
        "topology: `s1` would have 65,535 ports; the maximum is 65,534: make less of it, or put several "
        "nodes in its place"
    )
    assert made({"generator": "single", "hosts": MAX_PORTS}).link_count == MAX_PORTS


def test_problems_of_all_kinds_are_told_together() -> None:
    found = problems(
        {"generator": "single", "hosts": 10},
        addressing={"ipv4": "10.0.0.0/30"},
        nodes=[{"match": {"name": "z"}, "cpu": 1}],
        links=[{"match": {"between": ["h1", "h2"]}, "bandwidth": "1 Mbit"}],
    )
    assert set(found) == {"addressing.ipv4", "nodes[0].match", "links[0].match.between"}


@pytest.mark.parametrize(
    ("keys", "routed"),
    [
        ({}, False),
        ({"forwarding": "routed"}, True),
        ({"nodes": [{"match": {"name": "s1"}, "kind": "router"}]}, True),
    ],
)
def test_is_routed(keys: dict[str, Any], routed: bool) -> None:
    assert is_routed(made({"generator": "single"}, **keys)) is routed


def test_open_topology(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("name: net\ntopology: {generator: ring, k: 5}\n")
    assert open_topology(path).kind_counts() == {"host": 5, "switch": 5}


def test_the_place_of_an_error(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("name: net\ntopology:\n  generator: mesh\n  k: 100000\n")
    with pytest.raises(InputError, match=r"net\.yaml:2:1: topology: would make"):
        open_topology(path)
