"""How tasks are divided among workers: nothing is lost, nothing is done twice, and answers fit together."""

from __future__ import annotations

import json
from typing import Any

from stress.histogram import Histogram
from stress.probes.plain import records_of
from stress.probes.spread import LISTEN, ProbesSpread
from stress.spreads import ByWorker, HostsSpread, OnAll, PortsSpread


class EvenAndOdd:
    """Even nodes are on a, odd ones on b; the clock of b is 100 s ahead."""

    workers = ("a", "b")

    def worker_of(self, node: int) -> str:
        return self.workers[node % 2]

    def clock_ahead(self, worker: str) -> float:
        return {"a": 0.0, "b": 100.0}[worker]


PLACES = EvenAndOdd()


def spec(kind: str, pairs: list[list[Any]]) -> dict[str, Any]:
    return {"kind": kind, "name": kind, "pairs": pairs}


def test_probes_go_with_their_sources_and_listeners_with_their_targets() -> None:
    pairs = [[0, 2, "x"], [0, 1, "y"], [1, 3, "z"]]
    whole = {"specs": [spec("ping", pairs), spec("tcp", pairs)], "origin": 5.0}
    parts = ProbesSpread().arguments(whole, PLACES)
    assert {worker: part["origin"] for worker, part in parts.items()} == {"a": 5.0, "b": 105.0}
    of_a = [(one["kind"], one["pairs"]) for one in parts["a"]["specs"]]
    of_b = [(one["kind"], one["pairs"]) for one in parts["b"]["specs"]]
    assert of_a == [("ping", pairs[:2]), ("tcp", pairs[:2])]
    assert of_b == [("ping", pairs[2:]), ("tcp", pairs[2:]), (LISTEN, pairs[1:2])]
    sums = ProbesSpread().joined(None, {"a": {"wrong": 1, "answered": 3}, "b": {"wrong": 2, "answered": 4}})
    assert sums == {"wrong": 3, "answered": 7}


def test_a_probe_that_two_workers_send_has_one_histogram() -> None:
    def group(source: str, seconds: float) -> dict[str, Any]:
        record = {"probe": "ping", "source": source, "target": "t", "kind": "ping", "interval": 1.0,
                  "sent": 1, "answered": 1, "late": 0, "unasked": 0, "windows": [], "asked": [0.0],
                  "seconds": [seconds]}  # fmt: skip
        return {"histogram": Histogram([seconds]).plain(), "records": [record]}

    parts = {
        "a": {"records": [group("h1", 0.1)], "cost": 1.0},
        "b": {"records": [group("h2", 0.3)], "cost": 2.0},
    }
    found = ProbesSpread().results(json.loads(json.dumps(parts)))
    one, other = records_of(found["records"])
    assert found["cost"] == 3.0
    assert one.histogram is other.histogram
    assert one.histogram is not None
    assert (one.histogram.count, one.histogram.min, one.histogram.max) == (2, 0.1, 0.3)


def test_ports_go_with_their_nodes() -> None:
    parts = PortsSpread().arguments({"ports": [[0, "p0"], [1, "p1"], [2, "p2"]]}, PLACES)
    assert parts == {"a": {"ports": [[0, "p0"], [2, "p2"]]}, "b": {"ports": [[1, "p1"]]}}
    assert set(HostsSpread([1, 3]).arguments({}, PLACES)) == {"b"}
    assert PortsSpread().joined(None, {"a": {"p0": {"rx": 1}}, "b": {"p1": {"rx": 2}}}) == {
        "p0": {"rx": 1}, "p1": {"rx": 2},
    }  # fmt: skip


def test_sums_go_to_any_depth_and_what_stays_apart_is_named() -> None:
    answers = {
        "a": {"vpc": {"0": [1, 2]}, "memory": 1.5},
        "b": {"vpc": {"0": [3, 4], "1": [5, 6]}, "memory": 2},
    }
    assert OnAll().joined(None, answers) == {"vpc": {"0": [4, 6], "1": [5, 6]}, "memory": 3.5}
    assert OnAll().results({"a": None, "b": None}) is None
    assert ByWorker().joined(None, answers) == answers
