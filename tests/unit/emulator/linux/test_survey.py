"""One look at all nodes serves every engine: what an engine says otherwise, and what is told as missing."""

from __future__ import annotations

from typing import Any, cast

import pytest
from support.topologies import made

from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.observed import survey
from emulator.linux.observed.compare import NodeComparison
from emulator.linux.observed.parse import Found, FoundInterface
from emulator.linux.observed.read import DumpSelection, Reader
from emulator.linux.observed.survey import Survey
from emulator.linux.observed.wanted import WantedPort, WantedState
from emulator.node_namespaces import SWITCHES
from emulator.node_settings import NodeSettings
from emulator.plan import make_plan


class Store:
    """Namespaces with these files; notes what is looked into."""

    def __init__(self, *pinned: str) -> None:
        self.pinned, self.gone_into = pinned, list[str]()

    def files(self) -> tuple[str, ...]:
        return self.pinned

    def go(self, name: str) -> None:
        self.gone_into.append(name)


@pytest.fixture
def selections(monkeypatch: pytest.MonkeyPatch) -> list[DumpSelection]:
    """What was asked of the kernel, which always answers that there is nothing."""
    asked: list[DumpSelection] = []

    def read(selection: DumpSelection, also: Reader | None = None) -> Found:
        assert also is None
        asked.append(selection)
        return Found()

    monkeypatch.setattr(survey, "read_here", read)
    return asked


def looked_at(store: Store, kind: type[Survey] = Survey, **keys: Any) -> Survey:
    topology = made({"generator": "linear", "k": 2, "hosts_per_switch": 1}, **keys)
    return kind(WantedState(make_plan(topology, "netns"), {}), cast("NamespaceStore", store))


def test_what_has_no_namespace_is_missing_with_its_links(selections: list[DumpSelection]) -> None:
    store = Store("s1", "s2", "h2")
    damage = looked_at(store).damage()
    topology = made({"generator": "linear", "k": 2, "hosts_per_switch": 1})
    assert [topology.names[node] for node in damage.nodes] == ["h1"]
    assert str(damage.deviations[0]).startswith("node h1")
    assert len(damage.links) == 3  # the kernel said of the others that they have no ports at all
    assert store.gone_into == ["s1", "s2", "h2"]
    assert all(one.layer3 for one in selections)


def test_a_namespace_that_nodes_share_is_read_once_and_for_ports_only(
    selections: list[DumpSelection],
) -> None:
    store = Store(SWITCHES, "h1", "h2")
    looked_at(store, switch="ovs").damage()
    assert store.gone_into == [SWITCHES, "h1", "h2"]
    assert [one.layer3 for one in selections] == [False, True, True]


def test_dumps_are_asked_for_only_where_the_plan_has_something_to_compare(
    selections: list[DumpSelection],
) -> None:
    looked_at(Store("s1", "s2", "h1", "h2")).damage()
    assert {(one.ipv6, one.neighbours, one.forwarding) for one in selections} == {(False, False, False)}
    selections.clear()
    addressing = {"ipv6": "fd00::/48", "static_arp": True}
    looked_at(Store("s1", "s2", "h1", "h2"), addressing=addressing, forwarding="bridged").damage()
    assert [(one.ipv6, one.neighbours) for one in selections] == [(True, False)] * 2 + [(True, True)] * 2
    selections.clear()
    looked_at(Store("s1", "s2", "h1", "h2"), forwarding="routed").damage()
    assert [one.forwarding for one in selections] == [True, True, False, False]


def test_an_engine_says_otherwise_what_it_knows(selections: list[DumpSelection]) -> None:
    class Other(Survey):
        compared: list[int] = []  # noqa: RUF012 -- one test's

        def is_known(self, node: int) -> bool:
            return node != 3

        def comparison(
            self, node: int, settings: NodeSettings, ports: list[WantedPort], found: Found
        ) -> NodeComparison:
            self.compared.append(node)
            return super().comparison(node, settings, ports, found)

    store = Store("s1", "s2", "h1", "h2")
    damage = looked_at(store, Other).damage()
    assert damage.nodes == [3]
    assert store.gone_into == ["s1", "s2", "h1"]
    assert Other.compared == [0, 1, 2]


def test_a_node_in_a_shared_namespace_is_there_by_any_of_its_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    device = FoundInterface(9, bytes(6), 1500, up=True, master=0, peer=0, kind="veth")
    topology = made({"generator": "linear", "k": 3, "hosts_per_switch": 1})
    for engine, switch in (("mininet", "bridge"), ("mininet", "ovs"), ("netns", "ovs")):
        topology = made({"generator": "linear", "k": 3, "hosts_per_switch": 1}, switch=switch, engine=engine)
        found = Found(interfaces={"s1": device, "s2-eth1": device, "s33": device})
        monkeypatch.setattr(survey, "read_here", lambda *_, found=found: found)
        store = Store(SWITCHES, "h1", "h2", "h3")
        wanted = WantedState(make_plan(topology, engine), {})
        damage = Survey(wanted, cast("NamespaceStore", store)).damage()
        assert [topology.names[node] for node in damage.nodes] == ["s3"]
        assert store.gone_into.count(SWITCHES) == 1
        assert {node for node in range(6) if node not in damage.nodes} == set(damage.findings)
