"""Networks described in Python end as the same topology as the file that says the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import yaml

from topologies.build import build
from topologies.errors import EmulationError, InputError
from topologies.given import describe
from topologies.spec.load import load_text
from topologies.topology import Topology

FILES: list[dict[str, Any]] = [
    {"name": "a", "topology": {"generator": "tree", "depth": 2, "fanout": 3}},
    {"name": "b", "forwarding": "routed", "topology": {"generator": "leaf-spine", "leaves": 2, "spines": 2}},
    {
        "name": "c", "switch": "ovs",
        "topology": {"nodes": {"h1": {}, "s1": {"kind": "switch"}}, "links": [["h1", "s1"]]},
        "links": [{"match": {"between": ["h1", "s1"]}, "bandwidth": "10 Mbit", "forward": {"delay": "5 ms"}}],
    },
]  # fmt: skip


def same(one: Topology, other: Topology) -> None:
    assert list(one.names) == list(other.names)
    for array in ("kinds", "ends", "ports", "groups"):
        np.testing.assert_array_equal(getattr(one, array), getattr(other, array))
    for link in range(one.link_count):
        assert [one.shape(link, end) for end in (0, 1)] == [other.shape(link, end) for end in (0, 1)]
    assert [one.tier_names[t] for t in one.tiers] == [other.tier_names[t] for t in other.tiers]


@pytest.mark.parametrize("data", FILES, ids=lambda data: str(data["name"]))
def test_a_dict_is_what_the_file_is(data: dict[str, Any]) -> None:
    of_file = build(load_text(yaml.safe_dump(data, sort_keys=False)))
    described = describe(data)
    same(described.topology, of_file)
    assert (described.name, described.topology.forwarding) == (of_file.name, of_file.forwarding)
    assert described.file == ""


@pytest.mark.parametrize("data", FILES, ids=lambda data: str(data["name"]))
def test_what_goes_to_networkx_comes_back(data: dict[str, Any]) -> None:
    topology = describe(data).topology
    graph = topology.to_networkx()
    back = describe({**data, "links": [], "topology": graph})
    same(back.topology, topology)
    assert describe(graph).name == data["name"]


def test_a_topology_and_a_description_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text(yaml.safe_dump(FILES[1]))
    described = describe(tmp_path / "n.yaml")
    assert described.file == str(tmp_path / "n.yaml")
    assert describe(described) is described
    assert describe(described.topology).topology is described.topology
    assert describe(str(tmp_path / "n.yaml")).topology.forwarding == "routed"


def test_a_changed_delay_of_an_edge_wins_over_its_profile() -> None:
    graph = describe(FILES[2]).topology.to_networkx()
    (attributes,) = (data for *_, data in graph.edges(data=True))
    attributes["delay"] = 0.02
    topology = describe(graph).topology
    assert [topology.shape(0, end).delay for end in (0, 1)] == [0.02, 0.02]
    assert [topology.shape(0, end).bandwidth for end in (0, 1)] == [10e6, 10e6]
    del attributes["bandwidth"]
    assert describe(graph).topology.shape(0, 0).bandwidth is None


def test_graphs_of_networkx_itself() -> None:
    assert list(describe(nx.grid_2d_graph(2, 2)).topology.names) == ["0-0", "0-1", "1-0", "1-1"]
    directed = nx.DiGraph()
    directed.add_edge(1, 2, delay="1 ms")
    directed.add_edge(2, 1, delay="3 ms")
    topology = describe(directed).topology
    assert topology.link_count == 1
    assert [topology.shape(0, end).delay for end in (0, 1)] == [0.001, 0.003]
    multi = nx.MultiGraph([(1, 2), (1, 2)])
    assert describe(multi).topology.link_count == 2


def test_values_of_python_are_taken_as_a_files() -> None:
    data = {
        "name": "t",
        "topology": {"nodes": {"h1": {}, "h2": {}}, "links": (("h1", "h2"),)},
        "seed": np.int64(3),
    }
    assert describe(data).topology.seed == 3


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "t", "topology": {"generator": "tree", "depth": "a"}}, "depth: must be a whole number"),
        ({"topology": {"generator": "tree"}}, "name: is missing"),
        ({"name": "T T", "topology": nx.path_graph(2)}, "`T T` is not a network name"),
        ({"name": "t", "topology": nx.path_graph(2), "colour": 1}, "colour: unknown key"),
        (nx.Graph(), "the networkx graph has no nodes"),
        (nx.Graph([(1, "1")]), "the node id `1` is already used"),
        (nx.Graph([((), "a")]), "has a node ()"),
        (nx.Graph([(1, 1)]), "`1` is linked to itself"),
        (nx.Graph([(1, 2, {"delay": "soon"})]), "delay: `soon` is not"),
        (7, "a value of type int describes no network"),
        ({1: 2}, "name: is missing"),
        ("no/such/file.yaml", "there is no such file"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(given: Any, words: str) -> None:
    with pytest.raises(EmulationError) as found:
        describe(given)
    assert words in str(found.value)
    assert ":0:" not in str(found.value)
    if isinstance(found.value, InputError) and not isinstance(given, str):
        assert str(found.value).startswith("network described in Python: ")
