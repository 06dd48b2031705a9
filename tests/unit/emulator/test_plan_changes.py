"""What `up` says of nodes that stay: their limits, MACs and addresses, by name."""

from __future__ import annotations

from emulator.plan import Plan, make_plan
from emulator.plan_changes import identity_changes, limit_changes
from topologies.build import build
from topologies.spec.load import load_text

STAR = "name: c\ntopology: {{generator: star, k: {k}, hosts_per_switch: {hosts}}}\n"
BY_HAND = "name: c\ntopology:\n  nodes: {{{nodes}}}\n  links: [[h1, s1], [h2, s1]]\n"


def plan_of(text: str) -> Plan:
    return make_plan(build(load_text(text)), "netns")


def nodes(text: str) -> Plan:
    return plan_of(BY_HAND.format(nodes=text))


def test_what_is_the_same_says_nothing() -> None:
    one, two = plan_of(STAR.format(k=2, hosts=1)), plan_of(STAR.format(k=2, hosts=1))
    assert identity_changes(one, two) == limit_changes(one, two) == []


def test_limits_are_named_with_both_values() -> None:
    old = nodes("h1: {cpu: 0.5}, h2: {memory: 64 MiB}, s1: {kind: switch}")
    new = nodes("h1: {cpu: 0.2}, h2: {cpu: 1, memory: 1 GiB}, s1: {kind: switch}")
    assert limit_changes(old, new) == ["h1: cpu 0.5 → 0.2", "h2: cpu unlimited → 1, memory 64 MiB → 1.0 GiB"]
    assert limit_changes(new, nodes("h1: {}, h2: {}, s1: {kind: switch}")) == [
        "h1: cpu 0.2 → unlimited",
        "h2: cpu 1 → unlimited, memory 1.0 GiB → unlimited",
    ]
    assert identity_changes(old, new) == []


def test_a_rule_for_all_nodes_is_summed_up() -> None:
    text = STAR.format(k=4, hosts=5)
    told = limit_changes(plan_of(text), plan_of(text + "nodes: [{match: {kind: host}, cpu: 0.5}]\n"))
    assert told == [
        "changed limits or settings of 20 nodes, the first of them:",
        *(f"h{k}: cpu unlimited → 0.5" for k in (1, 2, 3)),
    ]


def test_a_branch_more_moves_the_macs_of_the_hosts() -> None:
    told = identity_changes(plan_of(STAR.format(k=3, hosts=1)), plan_of(STAR.format(k=4, hosts=1)))
    assert told[0] == "h1: MAC 02:00:00:05:00:00 → 02:00:00:06:00:00"
    assert [line.split(":")[0] for line in told] == ["h1", "h2", "h3"]


def test_a_node_before_others_moves_their_addresses_too() -> None:
    old = nodes("h1: {}, h2: {mac: '0a:00:00:00:00:02'}, s1: {kind: switch}")
    new = nodes("h0: {}, h1: {}, h2: {mac: '0a:00:00:00:00:02'}, s1: {kind: switch}")
    found = identity_changes(old, new)
    assert found[0].startswith("h1: MAC 02:00:00:01:00:00 → 02:00:00:02:00:00, address 10.0.0.1/8 →")
    assert found[1:] == [
        "h2: address 10.0.0.2/8 → 10.0.0.3/8",
        "s1: MAC 02:00:00:03:00:01 → 02:00:00:04:00:01 and 2 ports more",
    ]


def test_nodes_that_are_added_last_move_nobody() -> None:
    old = nodes("h1: {}, h2: {}, s1: {kind: switch}")
    assert identity_changes(old, nodes("h1: {}, h2: {}, s1: {kind: switch}, h3: {}")) == []


def test_beyond_ten_nodes_their_number_is_told() -> None:
    told = identity_changes(plan_of(STAR.format(k=11, hosts=1)), plan_of(STAR.format(k=12, hosts=1)))
    assert told[0] == "changed MACs or addresses of 11 nodes, the first of them:"
    assert len(told) == 4
