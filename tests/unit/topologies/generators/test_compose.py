from __future__ import annotations

from typing import Any

import pytest
from support.topologies import edges, made, refused

from topologies.addressing import FlatAddressing
from topologies.profiles import Shape

EAST_WEST = {"east": {"generator": "linear", "k": 2}, "west": {"generator": "single", "hosts": 2}}


def test_names_links_and_order() -> None:
    topology = made({"compose": EAST_WEST, "links": [["east.s2", "west.s1"]]})
    assert list(topology.names) == [
        "east.s1",
        "east.s2",
        "east.h1",
        "east.h2",
        "west.s1",
        "west.h1",
        "west.h2",
    ]
    assert edges(topology) == {
        "east.h1-east.s1", "east.h2-east.s2", "east.s1-east.s2", "west.h1-west.s1", "west.h2-west.s1",
        "east.s2-west.s1",
    }  # fmt: skip


def test_new_links_get_the_next_free_ports() -> None:
    links = [["east.s2", "west.s1"], ["west.s1", "east.s2"], ["east.h1", "west.h1"]]
    topology = made({"compose": EAST_WEST, "links": links})
    assert topology.ports[-3:].tolist() == [[3, 3], [4, 4], [1, 1]]
    assert topology.ends[-3:].tolist() == [[1, 4], [4, 1], [2, 5]]


def test_groups_follow_part_by_part_and_no_group_stays_none() -> None:
    parts = {"a": {"generator": "star", "k": 2}, "b": {"generator": "star", "k": 2}}
    topology = made({"compose": parts, "links": [["a.s1", "b.s1"]]})
    assert topology.groups.tolist() == [-1, 0, 1, 0, 1, -1, 2, 3, 2, 3]


def test_tiers_of_equal_names_are_one() -> None:
    parts = {"a": {"generator": "fat-tree", "k": 2}, "b": {"generator": "star"}}
    topology = made({"compose": parts, "links": [["a.c1", "b.s1"]]})
    assert topology.tier_names == ("core", "aggregation", "edge", "host")
    tier = {
        name: topology.tier_names[t] for name, t in zip(topology.names, topology.tiers.tolist(), strict=True)
    }
    assert (tier["a.c1"], tier["b.s1"], tier["b.s2"], tier["b.h1"]) == ("core", "core", "edge", "host")


def test_profiles_carry_over() -> None:
    parts = {
        "a": {"generator": "dumbbell", "left": 1, "right": 1, "bottleneck": {"bandwidth": "1 Mbit"}},
        "b": {"generator": "bcube", "n": 2, "k": 0},
    }
    links = [["a.s1", "b.s1", {"bandwidth": "5 Mbit", "backward": {"bandwidth": "2 Mbit"}}]]
    topology = made({"compose": parts, "links": links})
    assert [topology.shape(link, 0).bandwidth for link in range(topology.link_count)] == [
        None, None, 1e6, None, None, 5e6,
    ]  # fmt: skip
    assert topology.shape(5, 1) == Shape(bandwidth=2e6)
    relays = [name for at, name in enumerate(topology.names) if topology.node_profile_of(at).relay]
    assert relays == ["b.h1", "b.h2"]


def test_given_addresses_carry_over() -> None:
    custom = {"nodes": {"h1": {"ip": "10.0.0.9/8", "mac": "02:00:00:00:00:09"}, "s1": {"kind": "switch"}},
              "links": [["h1", "s1"]]}  # fmt: skip
    topology = made({"compose": {"a": EAST_WEST["east"], "b": custom}, "links": [["a.s1", "b.s1"]]})
    node = topology.names.find("b.h1")
    assert topology.explicit[node].macs == ((0, "02:00:00:00:00:09"),)
    assert FlatAddressing(topology).of(node)[0].text == "10.0.0.9"


def test_positions_are_kept_if_all_parts_have_them() -> None:
    waxman = {"generator": "waxman", "n": 3}
    both = made({"compose": {"a": waxman, "b": waxman}, "links": [["a.s1", "b.s1"]]})
    assert both.positions.shape == (12, 2)
    one = made({"compose": {"a": waxman, "b": EAST_WEST["east"]}, "links": [["a.s1", "b.s1"]]})
    assert one.positions is None


def test_equal_random_parts_differ() -> None:
    waxman = {"generator": "waxman", "n": 5}
    topology = made({"compose": {"a": waxman, "b": waxman}, "links": [["a.s1", "b.s1"]]})
    assert (topology.positions[:5] != topology.positions[10:15]).all()


def test_compositions_nest() -> None:
    inner = {"compose": EAST_WEST, "links": [["east.s1", "west.s1"]]}
    topology = made(
        {"compose": {"up": inner, "down": EAST_WEST["west"]}, "links": [["up.east.s1", "down.s1"]]}
    )
    assert "down.s1-up.east.s1" in edges(topology)
    assert topology.names.find("up.west.h2") is not None


def test_all_wrong_links_are_told_at_once() -> None:
    links = [
        ["east.s1", "wst.s1"],
        ["east", "west.s1"],
        ["west.s1", "west.s1"],
        ["east.s1"],
        ["east.s1", "west.s1", {"bandwidth": "fast"}],
    ]
    found = refused({"compose": EAST_WEST, "links": links})
    assert found["links[0][1]"] == "there is no part `wst`; did you mean `west`?"
    assert found["links[1][0]"] == "`east` names no part; write <part>.<node>, for example east.s1"
    assert found["links[2]"] == "`west.s1` can't be linked to itself; name two nodes"
    assert "1 item" in found["links[3]"]
    assert "fast" in found["links[4][2].bandwidth"]
    assert len(found) == 5


def test_unknown_nodes_are_told_at_once() -> None:
    found = refused({"compose": EAST_WEST, "links": [["east.s3", "west.s1"], ["east.s1", "west.t1"]]})
    assert set(found) == {"links[0][0]", "links[1][1]"}
    assert found["links[0][0]"] == "there is no node `s3` in `east`; use one of: s1, s2, h1, h2"


@pytest.mark.parametrize("name", ["a.b", "", "x" * 33, "-a", "a/b"])
def test_names_of_parts(name: str) -> None:
    found = refused({"compose": {name: EAST_WEST["east"]}})
    assert any("is not a part's name" in words for words in found.values())


def test_a_wrong_part_is_told_beside_a_wrong_link() -> None:
    parts = {"east": {"generator": "fat-tree", "k": 3}, "west": EAST_WEST["west"]}
    found = refused({"compose": parts, "links": [["east.c1", "wet.s1"]]})
    assert set(found) == {"compose.east.k", "links[0][1]"}


def test_names_grown_too_long() -> None:
    custom = {"nodes": {"n" * 60: {"kind": "switch"}}}
    found = refused({"compose": {"east": custom}})
    assert "65 characters" in found["compose.east"]


def test_too_many_tiers() -> None:
    def part(word: str) -> dict[str, Any]:
        return {"nodes": {f"n{i}": {"kind": "switch", "tier": f"{word}{i}"} for i in range(200)}}

    assert refused({"compose": {"a": part("a"), "b": part("b")}})[""] == (
        "has 400 different tiers; the maximum is 256"
    )


def test_vpcs_of_parts_are_named_and_numbered_part_by_part_and_light_nodes_are_last() -> None:
    small = {"generator": "vpc", "vpcs": 2, "ports": 2, "hosts": 2}
    parts = {"east": small, "mid": {"generator": "single", "hosts": 1}, "west": small}
    links = [["east.spine1", "mid.s1"], ["mid.s1", "west.spine1"]]
    topology = made({"compose": parts, "links": links})
    vpcs, full = topology.vpcs, topology.full
    assert vpcs is not None
    assert vpcs.names == ("east.v1", "east.v2", "west.v1", "west.v2")
    assert [subnet.vpc for subnet in vpcs.subnets] == [0, 1, 2, 3]
    assert [vpcs.vni(number) for number in range(4)] == [1, 2, 3, 4]
    names = list(topology.names)
    assert names[full.node_count :] == [
        f"{part}.v{vpc}s1p{port}" for part in ("east", "west") for vpc in (1, 2) for port in (1, 2)
    ]
    assert [topology.names.find(name) for name in names] == list(range(len(names)))
    assert [vpcs.vpc_of(node) for node in range(full.node_count, len(names))] == [0, 0, 1, 1, 2, 2, 3, 3]
    host_of = {names[port]: names[host] for port, host in enumerate(topology.light_hosts, full.node_count)}
    assert all(port.split(".")[0] == host.split(".")[0] for port, host in host_of.items())
    assert vpcs.spaces.tolist() == [0, 0, 1, 1]
    assert full.link_count + 8 == topology.link_count


def test_addresses_of_the_file_stay_with_their_light_nodes() -> None:
    nodes = {"p": {"fidelity": "light", "ip": "10.0.0.9/8"}, "c": {}, "s": {"kind": "switch"}}
    part = {"nodes": nodes, "links": [["p", "c"], ["c", "s"]]}
    topology = made({"compose": {"a": {"generator": "single"}, "b": part}, "links": [["a.s1", "b.s"]]})
    assert topology.vpcs is not None
    node = topology.names.find("b.p")
    assert node == topology.node_count - 1
    assert int(topology.vpcs.addresses[node]) == 0x0A000009
