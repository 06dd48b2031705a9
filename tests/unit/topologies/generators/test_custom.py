from __future__ import annotations

from support.topologies import made, refused

from topologies.addressing import FlatAddressing


def test_order_kinds_tiers_and_ports() -> None:
    nodes = {"h1": None, "s1": {"kind": "switch", "tier": "edge"}, "r1": {"kind": "router"}, "h2": {}}
    links = [["h1", "s1"], ["h1", "r1"], ["s1", "r1"], ["h2", "s1", None]]
    topology = made({"nodes": nodes, "links": links})
    assert list(topology.names) == ["h1", "s1", "r1", "h2"]
    assert topology.kinds.tolist() == [0, 1, 2, 0]
    assert [topology.tier_names[t] for t in topology.tiers.tolist()] == ["host", "edge", "router", "host"]
    assert topology.ports.tolist() == [[0, 1], [1, 1], [2, 2], [0, 3]]


def test_a_node_keeps_its_own_fidelity() -> None:
    topology = made({"nodes": {"h1": {"fidelity": "hollow"}, "h2": {}, "h3": {"fidelity": "full"}}})
    assert topology.fidelity_counts() == {"full": 2, "hollow": 1}


def test_given_addresses() -> None:
    nodes = {"a": {"ip": "10.0.0.1/24"}, "b": {}, "c": {}}
    topology = made({"nodes": nodes})
    addressing = FlatAddressing(topology)
    assert [addressing.of(node)[0].text for node in range(3)] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_everything_wrong_at_once() -> None:
    nodes = {
        "h1": {"ip": "10.0.0.1/24"},
        "h2": {"ip": "10.0.0.1/24"},
        "switch1": {"kind": "swich"},
        "a/b": {},
    }
    links = [["h1", "swtch1"], ["h1", "h1"], ["h1"], ["h1", "h2", {"bandwith": "1 Gbit"}], "h1-h2"]
    found = refused({"nodes": nodes, "links": links})
    assert "switch1" in found["links[0][1]"]
    assert "itself" in found["links[1]"]
    assert "1 item" in found["links[2]"]
    assert "bandwidth" in found["links[3][2].bandwith"]
    assert "list" in found["links[4]"]
    assert "already used by `h1`" in found["nodes.h2.ip"]
    assert "switch" in found["nodes.switch1.kind"]
    assert any("not a node name" in words for words in found.values())
    assert len(found) == 8
