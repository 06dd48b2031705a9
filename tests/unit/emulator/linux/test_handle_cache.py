from __future__ import annotations

import os

import pytest
from support.topologies import make

from emulator.linux.nodes.handle_cache import HandleCache, open_namespaces
from emulator.plan import make_plan


def test_the_one_that_was_not_used_for_longest_makes_room() -> None:
    closed: list[int] = []
    with HandleCache(lambda node: node * 10, closed.append, most=2) as kept:
        assert [kept(1), kept(2), kept(1), kept(3)] == [10, 20, 10, 30]
        assert closed == [20]
        assert kept.full
        kept.forget(1)
        kept.forget(1)
        assert closed == [20, 10]
        assert not kept.full
    assert closed == [20, 10, 30]


def test_what_is_kept_is_made_once() -> None:
    made: list[int] = []
    with HandleCache(lambda node: made.append(node) or str(node), lambda _: None, most=4) as kept:  # type: ignore[func-returns-value]
        assert [kept(7), kept(7)] == ["7", "7"]
    assert made == [7]


@pytest.mark.parametrize(("links", "kept"), [(3, 256), (300, 300)])
def test_a_namespace_for_each_link_of_a_node_stays_open(
    monkeypatch: pytest.MonkeyPatch, links: int, kept: int
) -> None:
    """Making the links of a switch with 300 hosts visits all of them twice: none may be opened again."""
    opened: list[str] = []
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 4096))
    monkeypatch.setattr("resource.setrlimit", lambda _, both: limits.append(both))

    class Store:
        def open(self, node: str) -> int:
            opened.append(node)
            return os.open(os.devnull, os.O_RDONLY)

    topology = make("single", hosts=links)
    with open_namespaces(Store(), make_plan(topology, "netns").whole) as namespace_of:  # type: ignore[arg-type]
        hosts = topology.hosts.tolist()
        assert [namespace_of(host) for host in hosts] == [namespace_of(host) for host in hosts]
        assert len(opened) == links
        assert namespace_of._most == kept
    assert limits == [(kept + 128, 4096)]


@pytest.mark.parametrize(
    ("limits", "raised"),
    [((1024, 4096), None), ((64, 200), (200, 200)), ((-1, -1), None), ((64, -1), (384, -1))],
)
def test_the_limit_on_open_files_is_raised_only_where_it_is_too_low(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], raised: tuple[int, int] | None
) -> None:
    found: list[tuple[int, int]] = []
    monkeypatch.setattr("resource.getrlimit", lambda _: limits)
    monkeypatch.setattr("resource.setrlimit", lambda _, both: found.append(both))
    open_namespaces(None, make_plan(make("single", hosts=2), "netns").whole)  # type: ignore[arg-type]
    assert found == ([] if raised is None else [raised])


def test_nodes_of_one_namespace_have_one_handle() -> None:
    opened: list[str] = []

    class Store:
        def open(self, file: str) -> int:
            opened.append(file)
            return os.open(os.devnull, os.O_RDONLY)

    topology = make("linear", k=3, hosts_per_switch=1)
    with open_namespaces(Store(), make_plan(topology, "mininet").whole) as namespace_of:  # type: ignore[arg-type]
        found = {name: namespace_of(node) for node, name in enumerate(topology.names)}
    assert found["s1"] == found["s2"] == found["s3"] != found["h1"]
    assert sorted(opened) == [".switches", "h1", "h2", "h3"]
