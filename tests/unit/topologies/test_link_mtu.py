"""MTUs: IPv6's least is held to, and domains whose links differ are told of by name."""

from __future__ import annotations

from typing import Any

import pytest
from support.topologies import made, problems

from topologies.link_mtu import link_mtus, mixed_mtus

IPV6 = {"ipv6": "fd00::/64"}


def line(**mtus: int) -> dict[str, Any]:
    """Return h1 - s1 - s2 - h2 with these MTUs: `h1`, `middle`, `h2`."""
    links = [["h1", "s1"], ["s1", "s2"], ["s2", "h2"]]
    for link, key in zip(links, ("h1", "middle", "h2"), strict=True):
        if key in mtus:
            link.append({"mtu": mtus[key]})  # type: ignore[arg-type]  # a link's third item is a mapping
    return {"nodes": {"h1": {}, "h2": {}, "s1": {"kind": "switch"}, "s2": {"kind": "switch"}}, "links": links}


def test_mtus_are_those_of_the_file_or_the_usual_one() -> None:
    assert link_mtus(made(line(middle=9000))).tolist() == [1500, 9000, 1500]


@pytest.mark.parametrize(
    ("mtus", "names"),
    [
        ({}, None),
        ({"h1": 9000, "middle": 9000, "h2": 9000}, None),
        ({"middle": 9000}, None),  # nobody sends what is larger than 1,500
        ({"h1": 9000}, ("h1 -- s1 has 9,000 bytes", "s1 -- s2 has 1,500")),
        ({"middle": 1400}, ("h1 -- s1 has 1,500 bytes", "s1 -- s2 has 1,400")),
        ({"h2": 1400}, ("h1 -- s1 has 1,500 bytes", "s2 -- h2 has 1,400")),
    ],
)
def test_a_domain_whose_senders_exceed_a_link_is_warned_of(
    mtus: dict[str, int], names: tuple[str, ...] | None
) -> None:
    said = mixed_mtus(made(line(**mtus)))
    assert len(said) == (names is not None)
    assert all(name in said[0] for name in names or ())


def test_routed_links_are_domains_of_their_own() -> None:
    assert mixed_mtus(made(line(middle=9000), forwarding="routed")) == []
    assert mixed_mtus(made(line(h1=9000), forwarding="routed")) == []
    two = line(h1=9000)
    two["nodes"]["h3"] = {}
    two["links"].append(["h3", "s1"])
    # the switch that routes has one bridge for its hosts: it sends what the narrower link carries
    [said] = mixed_mtus(made(two, forwarding="routed"))
    assert "h1 -- s1 has 9,000 bytes, s1 -- h3 has 1,500" in said.replace("h3 -- s1", "s1 -- h3")


def test_several_domains_are_counted() -> None:
    lans = {
        "nodes": {"r": {"kind": "router"}, **{f"s{k}": {"kind": "switch"} for k in (1, 2)},
                  **{f"h{k}": {} for k in (1, 2)}},
        "links": [["s1", "r"], ["s2", "r"], ["h1", "s1", {"mtu": 9000}], ["h2", "s2", {"mtu": 9000}]],
    }  # fmt: skip
    [said] = mixed_mtus(made(lans))
    assert "(and so in 1 more)" in said


def test_ipv6_needs_1280_and_a_later_rule_may_give_them() -> None:
    told = problems(line(h1=1279), addressing=IPV6)
    assert list(told) == ["topology.links[0][2].mtu"]
    rules = [{"mtu": 1000}, {"mtu": 1280}]
    assert link_mtus(made(line(h1=1279), addressing=IPV6, links=rules)).tolist() == [1280] * 3
    assert list(problems(line(), addressing=IPV6, links=rules[::-1])) == ["links[1].mtu"]
    assert link_mtus(made(line(h1=68))).tolist() == [68, 1500, 1500]


def test_a_link_from_another_file_is_named(tmp_path: Any) -> None:
    from topologies.build import open_topology
    from topologies.errors import InputError

    (tmp_path / "g.json").write_text(
        '{"nodes": [{"id": "a"}, {"id": "b"}], "links": [{"source": "a", "target": "b", "mtu": 600}]}'
    )
    (tmp_path / "t.yaml").write_text('name: t\naddressing: {ipv6: "fd00::/64"}\ntopology: {file: g.json}\n')
    with pytest.raises(InputError, match=r"t\.yaml:3:1: topology: link a -- b: mtu `600` is below 1,280"):
        open_topology(tmp_path / "t.yaml")


@pytest.mark.parametrize(("device", "least"), [({}, 118), ({"device": True}, 1330)])
@pytest.mark.parametrize("place", ["links[0].mtu", "topology.links[1][2].mtu"])
def test_uplinks_of_compute_hosts_have_room_for_vxlan(
    device: dict[str, bool], least: int, place: str
) -> None:
    def file(mtu: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        by_rule = place.startswith("links")
        nodes = {"c": {}, "d": {}, "s": {"kind": "switch"}, "p": {"fidelity": "light", **device}}
        uplink = ["c", "s"] if by_rule else ["c", "s", {"mtu": mtu}]
        rules = [{"match": {"between": ["c", "s"]}, "mtu": mtu}] if by_rule else []
        return {"nodes": nodes, "links": [["d", "s", {"mtu": 100}], uplink, ["p", "c"]]}, rules

    topology, rules = file(least)
    made(topology, links=rules)
    topology, rules = file(least - 1)
    (found,) = problems(topology, links=rules).items()
    assert found[0] == place
    assert f"`{least - 1}` is below {least:,}" in found[1]
    assert f"write {least} or more" in found[1]
