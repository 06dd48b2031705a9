"""What must hold of every topology, whatever its family and its parameters."""

from __future__ import annotations

import json
from itertools import pairwise
from math import prod
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from topologies.addressing import FlatAddressing
from topologies.build import build
from topologies.families import GENERATORS
from topologies.identifiers import IFNAME_MAX, bridge_name, interface_name, mac
from topologies.spec.load import Document, load_text
from topologies.topology import Kind, Topology

Params = dict[str, Any]
Counts = tuple[int, int, int]
"""Hosts, switches, links."""

few = st.integers(0, 3)
some = st.integers(1, 6)


def family(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Params]:
    return st.fixed_dictionaries(keys)


def on_switches(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Params]:
    return family(**keys, hosts_per_switch=few)


@st.composite
def jellyfish(draw: st.DrawFn) -> Params:
    switches = draw(st.integers(3, 24))
    degrees = [r for r in range(2, switches) if switches * r % 2 == 0]
    degree = draw(st.sampled_from(degrees))
    return {"switches": switches, "degree": degree, "ports": degree + draw(few)}


@st.composite
def core_aggregation_edge(draw: st.DrawFn) -> Params:
    pairs = draw(st.integers(1, 4))
    return {
        "cores": draw(some),
        "aggregations": 2 * pairs,
        "edges": pairs * draw(st.integers(1, 3)),
        "hosts_per_edge": draw(few),
    }


@st.composite
def barabasi_albert(draw: st.DrawFn) -> Params:
    n = draw(st.integers(2, 40))
    return {"n": n, "m": draw(st.integers(1, min(n - 1, 6))), "hosts_per_switch": draw(few)}


even = st.integers(1, 4).map(lambda half: 2 * half)
share = st.floats(0, 1)

FAMILIES: dict[str, st.SearchStrategy[Params]] = {
    "single": family(hosts=st.integers(1, 40)),
    "linear": on_switches(k=some),
    "ring": on_switches(k=st.integers(3, 20)),
    "star": on_switches(k=st.integers(1, 20)),
    "mesh": on_switches(k=st.integers(2, 12)),
    "tree": family(depth=st.integers(1, 3), fanout=st.integers(1, 5)),
    "torus": on_switches(dims=st.lists(st.integers(3, 5), min_size=2, max_size=3)),
    "hypercube": on_switches(dimension=some),
    "dumbbell": family(left=some, right=some),
    "fat-tree": family(k=even),
    "leaf-spine": family(spines=some, leaves=some, hosts_per_leaf=few),
    "core-aggregation-edge": core_aggregation_edge(),
    "vl2": family(DA=even, DI=even, hosts_per_tor=few),
    "bcube": family(n=st.integers(2, 4), k=st.integers(0, 3)),
    "dcell": st.sampled_from([{"n": n, "k": k} for n, k in ((2, 0), (2, 1), (2, 2), (3, 1), (3, 2), (6, 1))]),
    "jellyfish": jellyfish(),
    "erdos-renyi": on_switches(n=st.integers(1, 40), p=share),
    "barabasi-albert": barabasi_albert(),
    "waxman": on_switches(
        n=st.integers(1, 40), alpha=st.floats(0.01, 1), beta=st.floats(0.01, 1), delay=st.booleans()
    ),
    "region": family(zones=few.map(lambda z: z + 1), pods=some, racks=some, hosts=some, fabrics=some,
                     spines=some, cores=some, ports_per_host=few),
    "vpc": family(
        vpcs=some, subnets=some, ports=some, hosts=some, overlap=st.booleans(),
        spread=st.sampled_from(["even", "packed", "random"]),
    ),
}  # fmt: skip


def dcell_servers(n: int, k: int) -> int:
    return n if k == 0 else dcell_servers(n, k - 1) * (dcell_servers(n, k - 1) + 1)


def region_counts(p: Params) -> Counts:
    racks = p["zones"] * p["pods"] * p["racks"]
    fabrics, spines = p["zones"] * p["pods"] * p["fabrics"], p["zones"] * p["spines"]
    links = racks * (p["hosts"] + p["fabrics"]) + fabrics * p["spines"] + spines * p["cores"]
    ports = racks * p["hosts"] * p.get("ports_per_host", 0)
    return racks * p["hosts"] + ports, racks + fabrics + spines + p["cores"], links + ports


def vpc_counts(p: Params) -> Counts:
    """Ports, and the default underlay: two spines, two leaves and the compute hosts."""
    ports, hosts = p["vpcs"] * p["subnets"] * p["ports"], p["hosts"]
    return ports + hosts, 4, ports + hosts + 4


def counts(name: str, p: Params) -> Counts:
    """Return what the literature's formulas give; only for families whose shape isn't random."""
    n, k, h = p.get("n", 0), p.get("k", 0), p.get("hosts_per_switch", 0)
    table = {
        "single": lambda: (p["hosts"], 1, p["hosts"]),
        "linear": lambda: (k * h, k, k * h + k - 1),
        "ring": lambda: (k * h, k, k * h + k),
        "star": lambda: (k * h, k + 1, k * h + k),
        "mesh": lambda: (k * h, k, k * h + k * (k - 1) // 2),
        "tree": lambda: (
            p["fanout"] ** p["depth"],
            sum(p["fanout"] ** level for level in range(p["depth"])),
            sum(p["fanout"] ** level for level in range(1, p["depth"] + 1)),
        ),
        "torus": lambda: (prod(p["dims"]) * h, prod(p["dims"]), prod(p["dims"]) * (h + len(p["dims"]))),
        "hypercube": lambda: (
            2 ** p["dimension"] * h,
            2 ** p["dimension"],
            2 ** p["dimension"] * h + p["dimension"] * 2 ** p["dimension"] // 2,
        ),
        "dumbbell": lambda: (p["left"] + p["right"], 2, p["left"] + p["right"] + 1),
        "fat-tree": lambda: (k**3 // 4, 5 * k**2 // 4, 3 * k**3 // 4),
        "leaf-spine": lambda: (
            p["leaves"] * p["hosts_per_leaf"],
            p["leaves"] + p["spines"],
            p["leaves"] * (p["hosts_per_leaf"] + p["spines"]),
        ),
        "core-aggregation-edge": lambda: (
            p["edges"] * p["hosts_per_edge"],
            p["cores"] + p["aggregations"] + p["edges"],
            p["cores"] * p["aggregations"] + p["edges"] * (2 + p["hosts_per_edge"]),
        ),
        "vl2": lambda: (
            p["DA"] * p["DI"] // 4 * p["hosts_per_tor"],
            p["DA"] // 2 + p["DI"] + p["DA"] * p["DI"] // 4,
            p["DA"] * p["DI"] // 2 + p["DA"] * p["DI"] // 4 * (2 + p["hosts_per_tor"]),
        ),
        "bcube": lambda: (n ** (k + 1), (k + 1) * n**k, (k + 1) * n ** (k + 1)),
        "dcell": lambda: (
            dcell_servers(n, k),
            dcell_servers(n, k) // n,
            dcell_servers(n, k) + k * dcell_servers(n, k) // 2,
        ),
        "jellyfish": lambda: (
            p["switches"] * (p["ports"] - p["degree"]),
            p["switches"],
            p["switches"] * (p["ports"] - p["degree"]) + p["switches"] * p["degree"] // 2,
        ),
        "barabasi-albert": lambda: (n * h, n, n * h + p["m"] * (n - p["m"])),
        "region": lambda: region_counts(p),
        "vpc": lambda: vpc_counts(p),
    }
    return table[name]()


RANDOM_SIZE = {"erdos-renyi", "waxman"}


def document(name: str, params: Params, seed: int = 0) -> Document:
    return load_text(json.dumps({"name": "x", "seed": seed, "topology": {"generator": name, **params}}))


def graph(topology: Topology) -> nx.MultiGraph[int]:
    made: nx.MultiGraph[int] = nx.MultiGraph()
    made.add_nodes_from(range(topology.node_count))
    made.add_edges_from(topology.ends.tolist())
    return made


def check_connected_and_simple(topology: Topology) -> None:
    made = graph(topology)
    assert nx.is_connected(made)
    topology = topology.full  # a light node has one link, to its compute host, which has all of them
    made = graph(topology)
    assert nx.number_of_selfloops(made) == 0
    assert nx.Graph(made).number_of_edges() == topology.link_count
    hosts = topology.kinds == Kind.HOST
    relays = np.array([profile.relay for profile in topology.node_profiles])[topology.node_profile]
    assert (topology.degrees[hosts & ~relays] == 1).all()


def check_names(topology: Topology) -> None:
    names = list(topology.names)
    assert len(set(names)) == len(names) == topology.node_count
    assert [topology.names.find(name) for name in names] == list(range(len(names)))


def check_identifiers(topology: Topology) -> None:
    nodes, ports = topology.ends.ravel().tolist(), topology.ports.ravel().tolist()
    ends = list(zip(nodes, ports, strict=True))
    assert len(set(ends)) == len(ends)
    for node in range(topology.node_count):
        first = 0 if topology.kinds[node] == Kind.HOST else 1
        own = sorted(port for at, port in ends if at == node) if topology.node_count < 60 else None
        if own is not None:
            assert own == list(range(first, first + len(own)))
    interfaces = [interface_name(topology, node, port) for node, port in ends]
    bridges = [bridge_name(topology, node) for node in np.flatnonzero(topology.kinds != Kind.HOST).tolist()]
    assert len(set(interfaces)) == len(interfaces)
    assert not set(interfaces) & set(bridges)
    assert max(map(len, interfaces + bridges), default=0) <= IFNAME_MAX
    assert len({mac(topology, node, port) for node, port in ends}) == len(ends)


def check_addresses(topology: Topology) -> None:
    addressing = FlatAddressing(topology.full)
    hosts = topology.full.hosts.tolist()
    values = {address.value for host in hosts for address in addressing.of(host)}
    assert len(values) == len(hosts)


def check_groups(topology: Topology) -> None:
    """Hosts are of their switch's leaf group, and the groups that hosts have number from 0 on."""
    hosts = topology.kinds == Kind.HOST
    a, b = topology.ends.T
    hanging = (hosts[a] != hosts[b]) & (np.where(hosts[a], topology.ports[:, 0], topology.ports[:, 1]) == 0)
    assert (topology.groups[a][hanging] == topology.groups[b][hanging]).all()
    if hosts.any():
        used = np.unique(topology.groups[hosts])
        assert used.tolist() == list(range(len(used)))


def check_full(topology: Topology) -> None:
    """Light nodes and their links are last: the graph without them has the same indices."""
    full = topology.full
    kept = [node for node in range(topology.node_count) if not topology.light[node]]
    assert kept == list(range(full.node_count))
    assert list(full.names) == [topology.names[node] for node in kept]
    assert full.ends.tolist() == [pair for pair in topology.ends.tolist() if set(pair) <= set(kept)]
    for node in kept:
        assert full.node_profile_of(node) == topology.node_profile_of(node)
        some = [one for one in topology.incident(node) if one.link < full.link_count]
        assert full.incident(node) == some
    carried = {int(host) for host in topology.light_hosts}
    assert full.carriers.tolist() == sorted(carried)


def test_every_family_has_a_strategy() -> None:
    assert set(FAMILIES) == set(GENERATORS)


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_holds_for_every_family(name: str, data: st.DataObject) -> None:
    params = data.draw(FAMILIES[name])
    seed = data.draw(st.integers(0, 2**63 - 1))
    checked = document(name, params, seed)
    topology = build(checked)
    check_connected_and_simple(topology)
    check_names(topology)
    check_identifiers(topology)
    check_addresses(topology)
    check_groups(topology)
    check_full(topology)
    assert checked.params.node_estimate() == topology.node_count
    if name in RANDOM_SIZE:
        assert checked.params.link_estimate() >= topology.link_count
    else:
        kinds = topology.kind_counts()
        assert (kinds.get("host", 0), kinds["switch"], topology.link_count) == counts(name, params)
        assert checked.params.link_estimate() == topology.link_count


ARRAYS = ("kinds", "tiers", "groups", "ends", "ports", "link_profile", "node_profile")


def same(one: Topology, other: Topology) -> bool:
    return (
        all(getattr(one, key).tobytes() == getattr(other, key).tobytes() for key in ARRAYS)
        and list(one.names) == list(other.names)
        and one.link_profiles == other.link_profiles
        and one.node_profiles == other.node_profiles
    )


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_same_file_same_bytes(name: str, data: st.DataObject) -> None:
    params = data.draw(FAMILIES[name])
    assert same(build(document(name, params, 3)), build(document(name, params, 3)))


@st.composite
def compositions(draw: st.DrawFn) -> Params:
    names = draw(st.lists(st.sampled_from(["east", "west", "n1", "s-2"]), min_size=2, unique=True))
    parts = {}
    for name in names:
        kind = draw(st.sampled_from(["linear", "ring", "jellyfish", "waxman", "fat-tree"]))
        parts[name] = {"generator": kind, **draw(FAMILIES[kind])}
    first = {name: "c1" if part["generator"] == "fat-tree" else "s1" for name, part in parts.items()}
    links = [[f"{a}.{first[a]}", f"{b}.{first[b]}"] for a, b in pairwise(names)]
    return {"compose": parts, "links": links}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(params=compositions())
def test_compositions_hold_too(params: Params) -> None:
    checked = load_text(json.dumps({"name": "x", "topology": params}))
    topology = build(checked)
    check_connected_and_simple(topology)
    check_names(topology)
    check_identifiers(topology)
    check_addresses(topology)
    check_groups_of_parts(topology, list(params["compose"]))
    estimates = [checked.params, *checked.children.values()]
    assert sum(part.node_estimate() for part in estimates) == topology.node_count
    assert sum(part.link_estimate() for part in estimates) >= topology.link_count


def check_groups_of_parts(topology: Topology, parts: list[str]) -> None:
    """No leaf group is of two parts, and the groups follow the order of the parts."""
    last = -1
    for part in parts:
        own = topology.groups[topology.names.match(f"{part}.*")]
        own = own[own >= 0]
        assert own.min() > last
        last = int(own.max())


@pytest.mark.parametrize(
    "topology",
    [
        {"generator": "single", "hosts": 10**12},
        {"generator": "linear", "k": 10**12},
        {"generator": "ring", "k": 10**12},
        {"generator": "star", "k": 10**12},
        {"generator": "mesh", "k": 10**12},
        {"generator": "mesh", "k": 20_000},
        {"generator": "tree", "depth": 24, "fanout": 100_000},
        {"generator": "torus", "dims": [10**6, 10**6]},
        {"generator": "hypercube", "dimension": 40},
        {"generator": "dumbbell", "left": 10**12},
        {"generator": "leaf-spine", "leaves": 10**12},
        {"generator": "leaf-spine", "leaves": 10**4, "spines": 10**4, "hosts_per_leaf": 0},
        {"generator": "core-aggregation-edge", "edges": 10**12},
        {"generator": "vl2", "DA": 10**6, "DI": 10**6},
        {"generator": "bcube", "n": 10**6, "k": 24},
        {"generator": "dcell", "n": 10**6, "k": 5},
        {"generator": "jellyfish", "switches": 10**12},
        {"generator": "erdos-renyi", "n": 10**12},
        {"generator": "erdos-renyi", "n": 10**5, "p": 0.1},
        {"generator": "barabasi-albert", "n": 10**12},
        {"generator": "waxman", "n": 10**6, "beta": 1e-4, "hosts_per_switch": 1000},
        {"generator": "region", "zones": 10**4, "pods": 10**4, "racks": 10**4},
        {"compose": {part: {"generator": "linear", "k": 6 * 10**6} for part in "ab"}},
    ],
    ids=lambda topology: topology.get("generator", "compose"),
)  # fmt: skip
def test_what_is_too_large_is_refused_before_it_is_made(
    topology: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = load_text(json.dumps({"name": "x", "topology": topology}))

    def never(*_: object) -> None:
        raise AssertionError("a generator was started")

    monkeypatch.setattr("topologies.build.module_for", never)
    with pytest.raises(ValueError, match=r"would make .* (nodes|links); the maximum is"):
        build(checked)
