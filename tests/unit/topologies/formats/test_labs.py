"""Import of GML, containerlab and netlab files."""

import json
from pathlib import Path

import networkx as nx
import pytest

from topologies.build import build
from topologies.errors import InputError
from topologies.identifiers import interface_name
from topologies.spec.load import load, load_text
from topologies.topology import Topology

CLAB = """
name: lab
mgmt: {network: x}
topology:
  defaults: {kind: linux}
  kinds: {nokia_srlinux: {image: srl}}
  groups: {clients: {exec: [ip route replace default via 10.1.1.254]}}
  nodes:
    r1: {kind: nokia_srlinux, startup-config: r1.cfg}
    c1: {group: clients, cpu: 0.5}
    c2: {kind: linux, exec: [ip addr add 10.1.2.2/24 dev eth1, ip -6 addr add fd00::2/64 dev eth1, sleep 1]}
    br: {kind: bridge}
  links:
    - {endpoints: ["c1:eth1", "r1:e1-1"], ipv4: [10.1.1.1/24, 10.1.1.254/24], mtu: 9000}
    - endpoints: [{node: r1, interface: ethernet-1/2, ipv4: 10.1.2.254/24}, {node: br, interface: p1}]
      labels: {a: b}
    - type: veth
      endpoints: [{node: br, interface: p2}, {node: c2, interface: eth1, mac: "02:00:00:00:00:22"}]
    - endpoints: ["c1:eth2", "host:veth9"]
    - {type: dummy, endpoint: {node: c1, interface: d0}}
"""
NETLAB = """
defaults.device: frr
provider: clab
groups: {hosts: {members: [h1, h2], device: linux, module: [routing]}}
nodes:
  r1: {id: 1}
  r2: {device: eos}
  h1:
  h2: {role: host}
links:
- r1-r2
- {r1: {ipv4: 10.9.0.1/30}, r2: {ipv4: 10.9.0.2/30}, bandwidth: 10000, mtu: 1400, gateway: true}
- {r1: {ipv4: 254}, h1: {}, h2: {ipv4: 7}, prefix: 10.8.0.0/24}
- {interfaces: [{node: r2, ifname: wan0}], type: stub}
- {r1: , r2: , prefix: {ipv4: 10.7.0.0/30, ipv6: "fd07::/64"}}
"""


def test_a_lab_in_the_place_of_a_topology_file_is_named(tmp_path: Path) -> None:
    for name, text, program in (("a.yml", CLAB, "containerlab"), ("topology.yml", NETLAB, "netlab")):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError) as error:
            load(tmp_path / name)
        assert [problem.message for problem in error.value.problems] == [
            f"is a file of {program}; write a file with `name:` and `topology: {{file: {name}}}`"
        ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nodes: [a, b]\nlinks: [a-b]\n", "is a file of netlab; write a file"),
        (json.dumps(nx.node_link_data(nx.path_graph(2), edges="edges")), "is a graph; write a file"),
        ("name: s\nsteps: [{action: port-flap, rate: 1}]\n", "is a stress scenario; `emulator stress x.yaml"),
    ],
)
def test_what_is_no_topology_file_is_called_what_it_is(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        load(tmp_path / "x.yaml")
    (problem,) = error.value.problems
    assert problem.message.startswith(words)


@pytest.mark.parametrize(
    "text", ["nodes: [a]\n", "name: x\ntopology: {links: [[a, b]]}\n", "topology: 1\n", "[1]\n"]
)
def test_other_errors_stay(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        load(tmp_path / "x.yaml")
    assert "is a file of" not in str(error.value)


def loaded(folder: Path, name: str, text: str, options: str = "") -> Topology:
    (folder / name).write_text(text, encoding="utf-8")
    text = f"name: m\ntopology: {{file: {name}{options}}}\naddressing: {{ipv6: 'fd00::/16'}}\n"
    return build(load_text(text, folder=folder))


def stated(topology: Topology) -> dict[str, list[tuple[str, str]]]:
    """Return (interface, address) of all addresses that the file gives, by node."""
    return {
        topology.names[node]: [(interface_name(topology, node, port), text) for port, text in own.addresses]
        for node, own in topology.explicit.items()
        if own.addresses
    }


def linked(topology: Topology) -> list[tuple[str, str]]:
    return [(topology.names[a], topology.names[b]) for a, b in topology.ends.tolist()]


@pytest.mark.parametrize("options", ["", ", format: containerlab"])
def test_containerlab(tmp_path: Path, options: str) -> None:
    made = loaded(tmp_path, "a.clab.yml", CLAB, options)
    assert made.kind_counts() == {"host": 2, "switch": 1, "router": 1}
    assert linked(made) == [("c1", "r1"), ("r1", "br"), ("br", "c2")]
    assert stated(made) == {
        "r1": [("e1-1", "10.1.1.254/24"), ("r1-eth2", "10.1.2.254/24")],
        "c1": [("eth1", "10.1.1.1/24")],
        "c2": [("eth1", "10.1.2.2/24"), ("eth1", "fd00::2/64")],
    }
    assert made.explicit[made.names.find("c2")].macs == ((0, "02:00:00:00:00:22"),)
    assert made.node_profile_of(made.names.find("c1")).cpu == 0.5
    assert [made.link_profile_of(link).mtu for link in range(3)] == [9000, None, None]
    assert [note.removeprefix("a.clab.yml: not taken over: ").split(" (")[0] for note in made.notes] == [
        "`image` of r1",
        "`startup-config` of r1",
        "`exec` of c2",
        "`mgmt`",
        "`labels` of r1-br",
        "link of type host of c1-host",
        "link of type dummy of c1",
        "interface name ethernet-1/2 of r1",
    ]


@pytest.mark.parametrize("options", ["", ", format: netlab"])
def test_netlab(tmp_path: Path, options: str) -> None:
    made = loaded(tmp_path, "topology.yml", NETLAB, options)
    assert made.kind_counts() == {"host": 2, "switch": 1, "router": 2}
    assert linked(made) == [
        ("r1", "r2"), ("r1", "r2"), ("r1", "lan3"), ("h1", "lan3"), ("h2", "lan3"), ("r1", "r2"),
    ]  # fmt: skip
    assert {name: [text for _, text in own] for name, own in stated(made).items()} == {
        "r1": ["10.9.0.1/30", "10.8.0.254/24", "10.7.0.1/30", "fd07::1/64"],
        "r2": ["10.9.0.2/30", "10.7.0.2/30", "fd07::2/64"],
        "h1": ["10.8.0.3/24"],
        "h2": ["10.8.0.7/24"],
    }
    profile = made.link_profile_of(1)
    assert (profile.forward.bandwidth, profile.backward.bandwidth, profile.mtu) == (10e6, 10e6, 1400)
    assert [note.removeprefix("topology.yml: not taken over: ").split(" (")[0] for note in made.notes] == [
        "`defaults.device`", "`provider`", "`module` of h1, h2", "`gateway` of r1-r2", "stub link of r2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\n", "is YAML, but neither containerlab's"),
        ("- a\n", "is not a mapping"),
        ("a: [\n", "l.yml:2: "),
        ("topology: {nodes: {a: {}}}\n", "a node has no `kind`"),
        ("topology: {nodes: {a: {kind: linux}}, links: [{endpoints: ['a:eth1']}]}\n", "has 1 endpoints"),
        (
            "topology: {nodes: {a: {kind: linux}}, links: [{endpoints: ['a:eth1', b]}]}\n",
            "not `node:interface`",
        ),
        ("topology: {nodes: {a: {kind: linux}}, links: [{endpoints: ['a:e', 'b:e']}]}\n", "ends at `b`"),
        ("topology: {nodes: []}\n", "`topology.nodes` is not a mapping"),
        ("nodes: [a, b]\nlinks: [a-c]\n", "ends at `c`"),
        ("nodes: [a, b]\nlinks: [{c: {}}]\n", "links[0] names no node"),
        ("nodes: [a, b]\nlinks: [{a: {}, b: {}, prefix: x}]\n", "`x` is not a network"),
        ("nodes: [a, b]\nlinks: [{a: {}, b: {}, bandwidth: fast}]\n", "not a number of kbit/s"),
        ("nodes: [a, b, lan1]\nlinks: [[a, b, lan1]]\n", "would be `lan1`, the name of a node"),
        ("nodes: {}\n", "has no nodes"),
    ],
)
def test_labs_that_fail_say_why(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        loaded(tmp_path, "l.yml", text)
    assert words in str(caught.value)


def test_gml_of_networkx(tmp_path: Path) -> None:
    graph = nx.MultiGraph()
    for number, city in enumerate(["Oslo", "São Paulo", "Rome"]):
        graph.add_node(city, kind="router" if number else "host", Latitude=float(number), Longitude=10.0)
    graph.add_edge("Oslo", "Rome", bandwidth="10 Mbit", delay=0.01)
    graph.add_edge("Rome", "São Paulo")
    graph.add_edge("Rome", "São Paulo", loss=0.1)
    nx.write_gml(graph, tmp_path / "made.gml")
    made = loaded(tmp_path, "g.gml", (tmp_path / "made.gml").read_text(encoding="utf-8"))
    assert sorted(made.names) == ["Oslo", "Rome", "Sao-Paulo"]
    assert sorted(map(sorted, linked(made))) == [
        ["Oslo", "Rome"],
        ["Rome", "Sao-Paulo"],
        ["Rome", "Sao-Paulo"],
    ]
    assert made.kind_counts() == {"host": 1, "router": 2}
    assert made.shape(0, 0).bandwidth == 10e6
    assert made.positions is not None


def test_gml_of_others(tmp_path: Path) -> None:
    text = (
        'graph [ directed 1\n node [ id 5 label "x" graphics [ x 1.5 y 2 ] ]\n node [ id 7 label "x" ]\n'
        " edge [ source 5 target 7 delay 0.2 ]\n edge [ source 7 target 5 delay 0.1 ] ]\n"
    )
    made = loaded(tmp_path, "g.txt", text, ", format: gml")
    assert (list(made.names), made.link_count) == (["x", "x-2"], 1)
    assert (made.shape(0, 0).delay, made.shape(0, 1).delay) == (0.2, 0.1)


@pytest.mark.parametrize(
    "text", ["nonsense", "graph [ node [ id 1 ] edge [ source 1 target 2 ] ]", "graph ["]
)
def test_gml_that_fails_says_why(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="is not GML that networkx reads: "):
        loaded(tmp_path, "g.gml", text)
