"""From one list of a namespace's items to another: messages only for what differs, in an order that works."""

from __future__ import annotations

from emulator.linux.netlink.connection import Batch
from emulator.linux.overlay.host_messages import HostMessages
from emulator.linux.overlay.items import UNTOUCHED, Item, LocalNetwork, LocalRule, OutRule, WayOut, host_items
from emulator.linux.overlay.programs import Programs
from emulator.plan import make_plan
from topologies.build import build
from topologies.spec.load import load_text

PLAN = make_plan(
    build(load_text("name: n\nforwarding: routed\ntopology: {generator: vpc, ports: 5, hosts: 2}\n")), "netns"
)
OLD, NEW = (bytes((10, 0, 0, 0)), 24), (bytes((10, 0, 0, 0)), 20)


def change(before: list[Item], after: list[Item]) -> list[str]:
    assert PLAN.overlay
    batch = Batch()
    HostMessages(PLAN.overlay, Programs(3, 4, 5)).change(batch, before, after, "h1")
    return [op.removesuffix(" in") for op, _ in batch.labels]


def ways(network: tuple[bytes, int], mtu: int = 1450) -> list[Item]:
    return [LocalNetwork(9, network), WayOut(9, network, b"abcd", mtu), OutRule(network)]


def test_equal_items_need_no_message() -> None:
    assert PLAN.overlay
    for host in PLAN.overlay.hosts.values():
        items = list(host_items(PLAN.overlay, host))
        assert change(items, items[::-1]) == []
        there = change(list(UNTOUCHED), items)
        back = change(items, list(UNTOUCHED))
        assert len(there) == len(items) + 1  # and the rule of a new namespace goes
        assert there[-1] == "remove rule 0 for the local table"
        assert back[0] == "add rule 0 for the local table"
        assert back[-1] == "remove rule 100 for the local table"


def test_the_new_network_is_there_before_the_old_one_goes() -> None:
    said = change([*ways(OLD), LocalRule(100)], [*ways(NEW), LocalRule(100)])
    assert [words.split()[0] for words in said] == ["add"] * 3 + ["remove"] * 3
    assert "rule" in said[2]  # after the route that it leads to
    assert "rule" in said[3]  # before that route


def test_what_can_not_be_there_twice_is_removed_first() -> None:
    said = change(ways(OLD), ways(OLD, mtu=1000))
    assert said == ["remove route 10.0.0.0/24 to ports", "add route 10.0.0.0/24 to ports"]
