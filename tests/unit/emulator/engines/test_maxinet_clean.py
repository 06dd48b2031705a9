"""MaxiNet's clean-up after kills, over workers in memory: who has them meanwhile, and who is named."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.maxinet_cluster import MARK, OWNER, Cluster, Modules, Proxy, driver_modules

DOCUMENT = {
    "nodes": [
        {"name": "s1", "kind": "bridge", "worker": 0},
        {"name": "s2", "kind": "bridge", "worker": 1},
        {"name": "h1", "kind": "host", "worker": 0},
    ],
    "links": [],
}
NOTHING: dict[str, Any] = {"nodes": [], "links": []}


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Modules:
    """Function that returns a module of the driver."""
    return driver_modules(monkeypatch)


@pytest.fixture
def cluster(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Two free workers that have parts of the network, and of others with equal names."""
    cluster, fleet = Cluster(modules), modules("fleet").Fleet
    monkeypatch.setattr(sys, "argv", [f"{OWNER}.1"])
    monkeypatch.setattr(modules("clean"), "Connection", lambda _: cluster)
    monkeypatch.setattr(modules("clean"), "_TAKES_OVER", 0.05)
    monkeypatch.setattr(modules("clean"), "_PAUSE", 0.01)

    @contextmanager
    def proxy(_: Any, worker: str, kind: str, seconds: float = 1.0) -> Iterator[Proxy]:
        del kind, seconds
        cluster.reach(worker)
        yield Proxy(cluster, worker)

    monkeypatch.setattr(fleet, "proxy", proxy)
    monkeypatch.setattr(fleet, "shell", lambda _, worker, command, __=0.0: cluster.shell(worker, command))
    return cluster


@pytest.fixture
def clean(modules: Modules, cluster: Cluster) -> Callable[..., Sequence[str]]:
    """Function that cleans up the workers of `cluster`."""
    assert cluster

    def run(document: dict[str, Any] = DOCUMENT) -> Sequence[str]:
        found: Sequence[str] = modules("clean").clean({"workers": ["w1", "w2"]}, document, lambda *_: None)
        return found

    return run


Clean = Callable[..., list[str]]


def test_workers_are_reserved_while_they_are_emptied_and_free_afterwards(
    cluster: Cluster, clean: Clean
) -> None:
    assert clean() == []
    for worker in ("w1", "w2"):
        assert cluster.is_own(cluster.while_emptied[worker])
    assert cluster.users == {"w1": None, "w2": None}
    assert cluster.signed_out == []
    assert cluster.idents == set()


def test_what_others_have_under_equal_names_stays(cluster: Cluster, clean: Clean) -> None:
    cluster.records["w1"] = ["s1", "s1-eth2"]  # killed while it was made: one port had no mark yet
    cluster.has["w1"]["s1-eth2"] = ""
    clean()
    assert cluster.has == {"w1": {"eth0": ""}, "w2": {"s1": "another's", "s3": ""}}
    assert cluster.records["w1"] == []


def test_a_worker_whose_dead_user_nobody_frees_is_taken_over(cluster: Cluster, clean: Clean) -> None:
    cluster.users["w1"] = f"{MARK}.0"
    assert clean() == []
    assert cluster.while_emptied["w1"] != f"{MARK}.0"
    assert cluster.users == {"w1": None, "w2": None}


def test_a_worker_of_somebody_elses_is_left_alone_and_named_if_it_has_something(
    cluster: Cluster, clean: Clean
) -> None:
    cluster.users["w1"] = "other"
    (words,) = clean()
    assert "worker w1 is in use by other and still has s1, s1-eth1" in words
    assert "w1" not in cluster.while_emptied
    assert cluster.users == {"w1": "other", "w2": None}
    cluster.has["w1"] = {"eth0": ""}
    assert clean() == []


def test_a_lost_worker_is_signed_out_and_named_each_time_until_it_is_back(
    cluster: Cluster, clean: Clean
) -> None:
    cluster.lost.add("w2")
    assert clean() == ["worker w2 is lost"]
    assert cluster.signed_out == ["w2"]
    assert cluster.users == {"w1": None}
    for _ in range(2):
        (words,) = clean()
        assert "worker w2 isn't registered" in words
        assert "`systemctl restart maxinet-worker`" in words
    cluster.lost.clear()
    cluster.users["w2"] = None
    assert clean() == []
    assert cluster.has["w2"] == {"s1": "another's", "s3": ""}


def test_a_worker_that_answers_and_is_not_empty_is_neither_freed_nor_signed_out(
    cluster: Cluster, clean: Clean
) -> None:
    cluster.stubborn.add("s2")
    (words,) = clean()
    assert "worker w2 still has s2 of this network: remove it there (`ip link del`" in words
    assert cluster.users["w1"] is None
    assert cluster.is_own(cluster.users["w2"])
    assert cluster.signed_out == []


def test_a_worker_that_cannot_remove_its_network_ever_again_must_be_restarted(
    cluster: Cluster, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(worker: str) -> None:
        if worker == "w1":
            raise KeyError(worker)

    monkeypatch.setattr(cluster, "destroy_mininet", fails)
    (words,) = clean()
    assert "MaxiNet on worker w1 can't remove an earlier network" in words
    assert cluster.signed_out == ["w1"]
    assert "s1" not in cluster.has["w1"]


def test_workers_that_got_nothing_need_not_be_there(cluster: Cluster, clean: Clean) -> None:
    del cluster.users["w2"]
    assert clean(NOTHING) == []
    assert len(clean()) == 1


def test_open_vswitches_that_cannot_be_asked_are_not_taken_for_removed(
    cluster: Cluster, clean: Clean
) -> None:
    document = {"nodes": [{"name": "o1", "kind": "ovs", "worker": 0}], "links": []}
    (words,) = clean(document)
    assert "no Open vSwitch answers on worker w1" in words
    assert cluster.users["w2"] is None
