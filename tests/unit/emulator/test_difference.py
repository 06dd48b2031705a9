"""What differs between two plans."""

from __future__ import annotations

from zlib import crc32

import pytest

from emulator.difference import difference, difference_lines
from emulator.indices import port_index
from emulator.plan import Plan, make_plan
from topologies.build import build
from topologies.spec.load import load_text

BASE = """\
name: c
topology:
  nodes: {h1: {}, h2: {}, s1: {kind: switch}, s2: {kind: switch}}
  links: [[h1, s1], [h2, s2], [s1, s2]]
"""


def plan_of(text: str) -> Plan:
    return make_plan(build(load_text(text)), "netns")


def test_equal_files_differ_in_nothing() -> None:
    assert difference(plan_of(BASE), plan_of(BASE)).is_empty


def test_a_node_more_and_its_link() -> None:
    new = plan_of(
        BASE.replace("s2: {kind: switch}", "s2: {kind: switch}, h3: {}").replace("]]", "], [h3, s2]]")
    )
    found = difference(plan_of(BASE), new)
    assert [new.topology.names[node] for node in found.new_nodes] == ["h3"]
    assert found.new_links.tolist() == [False, False, False, True]
    assert (found.gone_nodes, found.removed_links, found.kept) == ({}, 0, [])
    assert found.lines(["h3"]) == ["added 1 node: h3", "added 1 link"]


def test_a_node_less_takes_its_link_from_the_node_that_stays() -> None:
    new = plan_of(BASE.replace("h2: {}, ", "").replace("[h2, s2], ", ""))
    found = difference(plan_of(BASE), new)
    assert found.gone_nodes == {"h2": "h2"}
    assert ("s2", port_index(1)) in found.gone_links
    assert found.removed_links == 2  # [s1, s2] has other ports now: s2's first port is free


def test_a_node_of_another_kind_is_made_anew_with_its_links() -> None:
    new = plan_of(BASE.replace("h2: {}", "h2: {kind: switch}"))
    found = difference(plan_of(BASE), new)
    assert found.gone_nodes == {"h2": "h2"}
    assert [new.topology.names[node] for node in found.new_nodes] == ["h2"]


def test_another_address_changes_settings_only() -> None:
    found = difference(plan_of(BASE), plan_of(BASE.replace("h1: {}", "h1: {ip: 10.0.0.9/8}")))
    assert (found.gone_nodes, found.new_nodes, found.removed_links) == ({}, [], 0)
    assert [new.name for _, new in found.kept] == ["h1", "h2"]  # h2's automatic address moves up


def test_another_shape_changes_both_ends_of_the_link_only() -> None:
    found = difference(plan_of(BASE), plan_of(BASE.replace("[s1, s2]", "[s1, s2, {bandwidth: 1 Mbit}]")))
    assert sorted(new.name for _, new in found.kept) == ["s1", "s2"]
    assert found.removed_links == 0


def test_links_that_go_are_named_by_their_busier_end_where_one_deletion_takes_them_all() -> None:
    star = (
        "name: c\ntopology:\n  nodes: {h1: {}, h2: {}, s1: {kind: switch}}\n  links: [[h1, s1], [h2, s1]]\n"
    )
    swapped = star.replace("[h1, s1], [h2, s1]", "[h2, s1], [h1, s1]")
    found = difference(plan_of(star), plan_of(swapped))
    assert sorted(found.gone_links) == [("s1", port_index(1)), ("s1", port_index(2))]


def test_a_link_whose_interface_gets_another_index_is_made_anew() -> None:
    """Ports of Open vSwitch share a namespace. Indices of these two names collide: the later gives way."""
    assert crc32(b"hdegvm-eth1") % 2**30 == crc32(b"jw01-eth1") % 2**30
    one = """\
name: c
switch: ovs
topology:
  nodes: {h1: {}, jw01: {kind: switch}}
  links: [[h1, jw01]]
"""
    two = one.replace("{h1: {}", "{h1: {}, h2: {}, hdegvm: {kind: switch}").replace("]]", "], [h2, hdegvm]]")
    before, after = plan_of(one), plan_of(two)
    found = difference(before, after)
    assert (before.indices.ends[0][1], after.indices.ends[0][1]) == (2**30 + 876559322, 2**30 + 876559323)
    assert found.new_links.tolist() == [True, True]
    assert (found.removed_links, found.gone_nodes) == (1, {})
    assert found.gone_links in ([("jw01", 2**30 + 876559322)], [("h1", before.indices.ends[0][0])])


WIDE = BASE.replace("[s1, s2]", "[s1, s2, {mtu: 1400}]")


@pytest.mark.parametrize(
    ("old", "new", "settings", "anew"),
    [
        (BASE, WIDE, ["s1", "s2"], []),
        (WIDE, WIDE.replace("1400", "1500"), ["s1", "s2"], []),
        (BASE, BASE.replace("[s1, s2]", "[s1, s2, {mtu: 1500}]"), [], []),
        (BASE, BASE.replace("[s1, s2]", "[s1, s2, {forward: {loss: 1 %}}]"), ["s1"], []),
        (BASE, BASE.replace("[s1, s2]", "[s1, s2, {backward: {loss: 1 %}}]"), ["s2"], []),
        (BASE, BASE.replace("h1: {}", "h1: {mac: '02:00:00:00:aa:01'}"), ["h1"], []),
        (BASE, BASE + "addressing: {static_arp: true}\n", ["h1", "h2"], []),
        (BASE, BASE + "addressing: {ipv6: 'fd00::/48'}\n", [], ["h1", "h2", "s1", "s2"]),
        (BASE, BASE.replace("h1: {}", "h1: {relay: true}"), [], ["h1"]),
        (BASE, BASE.replace("s2: {kind: switch}", "s2: {kind: switch, switch: ovs}"), [], ["s2"]),
        (BASE, BASE.replace("s2: {kind: switch}", "s2: {kind: router}"), ["h1", "h2"], ["s2"]),
    ],
)
def test_what_a_change_of_the_file_touches(old: str, new: str, settings: list[str], anew: list[str]) -> None:
    for before, after in ((old, new), (new, old)):
        plan = plan_of(after)
        found = difference(plan_of(before), plan)
        assert [plan.topology.names[node] for node in found.new_nodes] == anew
        assert sorted(found.gone_nodes) == anew
        assert set(settings) <= {to.name for _, to in found.kept}
        if not anew:
            assert sorted(to.name for _, to in found.kept) == settings
            assert found.removed_links == 0


def test_a_new_way_changes_the_routes_of_those_who_take_it() -> None:
    ring = """\
name: c
forwarding: routed
topology:
  nodes: {r1: {kind: router}, r2: {kind: router}, r3: {kind: router}}
  links: [[r1, r2], [r2, r3]]
"""
    more = ring.replace("[r2, r3]]", "[r2, r3], [r1, r3]]")
    found = difference(plan_of(ring), plan_of(more))
    assert found.new_links.tolist() == [False, False, True]
    changed = {to.name: (before.routes, to.routes) for before, to in found.kept}
    assert {"r1", "r3"} <= set(changed)
    assert all(before != after for name, (before, after) in changed.items() if name != "r2")


def test_the_words_name_what_is_done_and_not_too_many_of_them() -> None:
    names = [f"h{number}" for number in range(1, 21)]
    star = "name: c\ntopology: {generator: single, hosts: 2}\n"
    found = difference(plan_of(star.replace("hosts: 2", "hosts: 22")), plan_of(star))
    some = ", ".join(f"h{number}" for number in range(3, 11))
    assert found.lines()[0] == f"removed 20 nodes: {some}, …"
    assert "removed 20 links" in found.lines()
    back = difference(plan_of(star), plan_of(star.replace("hosts: 2", "hosts: 22")))
    eight = back.lines(names[:8])[0], back.lines(names[:9])[0]
    assert eight == (f"added 8 nodes: {', '.join(names[:8])}", f"added 9 nodes: {', '.join(names[:8])}, …")
    shaped = difference(plan_of(BASE), plan_of(BASE.replace("[s1, s2]", "[s1, s2, {loss: 1 %}]")))
    assert shaped.lines() == ["changed settings of 2 nodes: s1, s2"]


def test_a_link_less_is_one_link_removed_and_both_its_nodes_stay() -> None:
    triangle = BASE.replace("[s1, s2]]", "[s1, s2], [s1, s2]]")
    found = difference(plan_of(triangle), plan_of(BASE))
    assert found.lines()[0] == "removed 1 link"
    assert (found.removed_links, len(found.gone_links), found.gone_nodes) == (1, 1, {})
    assert found.gone_links[0][0] in ("s1", "s2")


def test_a_change_is_told_in_one_way_whoever_carries_it_out() -> None:
    assert difference_lines(["a"], ["b", "c"], (1, 2), ["d"]) == [
        "added 1 node: a", "removed 2 nodes: b, c", "added 1 link", "removed 2 links",
        "changed settings of 1 node: d",
    ]  # fmt: skip
    assert difference_lines([], [], (0, 1), []) == ["removed 1 link"]
    assert difference_lines([], [], (0, 0), []) == []
