import io
import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from support import topologies

from topologies.build import build, open_topology
from topologies.errors import ParameterError
from topologies.formats import graphml, node_link
from topologies.formats.assemble import assemble
from topologies.formats.export import chunks
from topologies.formats.import_options import Options
from topologies.formats.writers import WRITERS
from topologies.spec.load import load_text
from topologies.topology import Topology

EXAMPLES = Path(__file__).parents[4] / "topologies" / "examples"
RICH = """\
name: rich
topology:
  nodes:
    h1: {ip: 10.0.0.9/24, mac: "02:00:00:00:00:99", memory: 64 MiB, cpu: 0.5}
    h2: {machine_interfaces: [eth1, {name: eth2, addresses: [192.0.2.7/24, "2001:db8::7/64"]}]}
    out: {kind: nat, uplink: 198.18.0.0/30}
    relay: {kind: host, relay: true, tier: servers}
    s1: {kind: switch, tier: edge, dpid: 9}
    r1: {kind: router, ip: 10.0.0.200/24, routes: {10.99.0.0/16: 10.0.0.9}, sysctl: {net.ipv4.tcp_sack: 0}}
  links:
    - [h1, s1, {bandwidth: 100 Mbit, forward: {delay: 5 ms, jitter: 1 ms}, backward: {loss: 2 %, queue: 77}}]
    - [s1, h2, {interfaces: [wan0, null]}]
    - [s1, out]
    - [s1, r1, {mtu: 9000}]
    - [s1, r1]
    - [relay, r1, {delay: 3 ms, duplicate: 1 %, reorder: 5 %, corrupt: 0.5 %}]
"""
READERS = {"graphml": graphml.read, "json": node_link.read}


def again(made: Topology, to: str) -> Topology:
    return assemble(READERS[to](io.BytesIO(topologies.exported(made, to).encode())), Options())


def edges(made: Topology) -> list[object]:
    """Everything that is true of the links, whatever the profiles' numbers."""
    return [
        (ends, ports, made.link_profile_of(link))
        for link, (ends, ports) in enumerate(zip(made.ends.tolist(), made.ports.tolist(), strict=True))
    ]


def nodes(made: Topology) -> list[object]:
    return [
        (name, int(made.kinds[at]), made.tier_names[int(made.tiers[at])], int(made.groups[at]),
         made.node_profile_of(at), made.explicit.get(at))
        for at, name in enumerate(made.names)
    ]  # fmt: skip


@pytest.mark.parametrize("to", list(READERS))
@pytest.mark.parametrize(
    "text",
    [
        RICH,
        "name: f\ntopology: {generator: fat-tree, k: 4}\n",
        "name: w\ntopology: {generator: waxman}\n",
        "name: b\nfidelity: hollow\ntopology: {generator: bcube}\n",
        "name: r\ntopology: {generator: region, zones: 2, pods: 2, racks: 2, hosts: 3}\n",
    ],
)
def test_what_is_written_reads_back_the_same(to: str, text: str) -> None:
    made = build(load_text(text))
    back = again(made, to)
    assert nodes(back) == nodes(made)
    assert edges(back) == edges(made)
    if made.positions is None:
        assert back.positions is None
    else:
        assert back.positions is not None
        np.testing.assert_array_equal(back.positions, made.positions)


def test_an_imported_graph_reads_back_the_same() -> None:
    made = open_topology(EXAMPLES / "att-like.yaml")
    back = again(made, "graphml")
    assert nodes(back) == nodes(made)
    assert edges(back) == edges(made)


def test_networkx_reads_both_exports_as_the_same_graph() -> None:
    made = build(load_text(RICH))
    first = nx.read_graphml(io.BytesIO(topologies.exported(made, "graphml").encode()), force_multigraph=True)
    second = nx.node_link_graph(json.loads(topologies.exported(made, "json")), edges="edges")
    assert dict(first.nodes(data=True)) == dict(second.nodes(data=True))
    assert first.number_of_edges() == second.number_of_edges() == made.link_count
    pairs = sorted(sorted((made.names[a], made.names[b])) for a, b in made.ends.tolist())
    assert sorted(sorted(edge[:2]) for edge in first.edges) == pairs
    assert sorted(sorted(edge[:2]) for edge in second.edges) == pairs


@pytest.mark.parametrize("key", ["edges", "links"])
def test_node_link_of_networkx_is_read_under_both_keys(key: str) -> None:
    graph = nx.grid_2d_graph(3, 3)
    data = json.dumps(nx.node_link_data(graph, edges=key))
    made = assemble(node_link.read(io.BytesIO(data.encode())), Options())
    assert list(made.names)[:3] == ["0-0", "0-1", "0-2"]
    assert made.link_count == graph.number_of_edges()


def test_large_exports_come_in_pieces() -> None:
    made = build(load_text("name: t\ntopology: {generator: single, hosts: 20000}\n"))
    for to in WRITERS:
        pieces = list(chunks(made, to))
        assert len(pieces) >= 8, to
        assert max(map(len, pieces)) < 0.4 * sum(map(len, pieces)), to


def test_unknown_format_names_the_nearest() -> None:
    made = build(load_text("name: t\ntopology: {generator: single}\n"))
    with pytest.raises(ParameterError, match="did you mean `graphml`"):
        topologies.exported(made, "graphlm")


VPC = "{generator: vpc, vpcs: 2, subnets: 2, ports: 3, hosts: 2, overlap: true}"
BY_HAND = (
    "{nodes: {c: {}, s: {kind: switch}, p: {fidelity: light, ip: 10.0.0.3/29, mac: '02:00:00:00:00:03'}, "
    "q: {fidelity: light, vpc: v2}}, links: [[c, s], [p, c], [q, c]]}"
)
SUBNETS = "vpcs: {v1: [10.0.0.0/29, 10.0.0.8/29], v2: [10.0.0.0/29, 10.0.0.8/29]}\n"


@pytest.mark.parametrize("to", list(READERS))
@pytest.mark.parametrize("text", [f"topology: {VPC}\n", f"{SUBNETS}topology: {BY_HAND}\n"])
def test_light_hosts_keep_their_vpcs_and_addresses(to: str, text: str, tmp_path: Path) -> None:
    """The subnets aren't in the export: the file that imports it names them again."""
    made = build(load_text(f"name: v\n{text}"))
    (tmp_path / f"v.{to}").write_text(topologies.exported(made, to))
    back = build(load_text(f"name: v\n{SUBNETS}topology: {{file: v.{to}}}\n", folder=tmp_path))
    assert made.vpcs is not None
    assert back.vpcs is not None
    assert list(back.names) == list(made.names)
    np.testing.assert_array_equal(back.vpcs.addresses, made.vpcs.addresses)
    np.testing.assert_array_equal(back.vpcs.of_node, made.vpcs.of_node)
    np.testing.assert_array_equal(back.light_hosts, made.light_hosts)
    assert edges(back) == edges(made)
    macs = [
        {node: values.macs for node, values in one.explicit.items() if values.macs} for one in (back, made)
    ]
    assert macs[0] == macs[1]


def test_mininet_refuses_light_hosts_by_name() -> None:
    made = build(load_text(f"name: v\ntopology: {VPC}\n"))
    with pytest.raises(ParameterError, match="no light hosts, such as `v1s1p1`"):
        topologies.exported(made, "mininet")
