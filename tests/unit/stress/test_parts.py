"""Runs whose operations are cut by worker: each part on a network of its own, in a thread of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from pkgutil import resolve_name
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.topologies import made

from emulator.engines.dry_run import DryRunEngine, DryRunNetwork
from emulator.engines.dry_run_session import DryRunSession
from emulator.errors import LostWorkerError
from emulator.network import LinkState
from emulator.parts import Part, PartEnd, WorkerClock
from emulator.plan import make_plan
from emulator.removed_elements import RemovedElements
from stress.actions.registry import ACTIONS, action_named
from stress.records import RunResult
from stress.runner import run
from stress.runner.cutting import Cut, cut
from stress.runner.merging import merged
from stress.runner.part_data import Done, done_from, part_of, schedule_of
from stress.scenario.load import load_text
from stress.schedule import Schedule, planned

SCENARIO = """\
name: x
warmup: 100 ms
steps:
  - parallel:
      - {action: port-flap, target: host, rate: 100, down: 20 ms, duration: 500 ms}
      - {action: node-churn, rate: 20, away: 100 ms, duration: 500 ms}
      - {action: port-churn, target: {between: [switch, switch]}, rate: 20, away: 50 ms, duration: 500 ms}
      - {action: link-impair, rate: 20, shape: {bandwidth: 1 Mbit}, impaired: 50 ms, duration: 500 ms}
      - {action: link-flap, target: {between: [switch, switch]}, rate: 20, down: 50 ms, duration: 500 ms}
      - {action: partition, halves: true, reroute: true, cut: 200 ms, duration: 500 ms}
  - {action: switch-restart, rate: 10, down: 50 ms, duration: 300 ms}
"""
AHEAD = {"a": 0.0, "b": 1000.0}


class Places:
    """Two workers: the first half of the nodes is on a, the others on b, whose clock is ahead.

    `lost` is a worker whose call is lost when its part begins; the part itself goes on.
    """

    workers = ("a", "b")

    def __init__(self, network: DryRunNetwork, lost: str = "") -> None:
        self.network = network
        self.lost = lost
        self.parts: dict[str, threading.Thread] = {}
        self.found: dict[str, Any] = {}
        self.links: dict[str, dict[int, LinkState]] = {name: {} for name in self.workers}
        self.messages: dict[str, Any] = {}
        self.removed: list[RemovedElements] = []
        self.half = network.topology.node_count // 2

    def worker_of(self, node: int) -> str:
        return self.workers[node >= self.half]

    def clock_ahead(self, worker: str) -> float:
        return AHEAD[worker]

    def measure_clocks(self) -> Mapping[str, WorkerClock]:
        return {name: WorkerClock(ahead, 0.001) for name, ahead in AHEAD.items()}

    def run_part(self, part: Part, number: str, seconds: float, told: Callable[[Any], None]) -> PartEnd:
        del number, seconds
        control = Control(self, part.worker, told)
        topology, removed = self.network.topology, RemovedElements(self.network.topology)
        links = self.links[part.worker]
        share = SimpleNamespace(
            topology=topology, session=lambda: DryRunSession(topology, removed), link_changes={},
            set_links=links.update, set_link=lambda link, state: links.update({link: state}),
        )  # fmt: skip
        self.removed.append(removed)

        def carry_out() -> None:
            self.found[part.worker] = resolve_name(part.entry)(share, part.arguments, part.data, control)

        thread = self.parts[part.worker] = threading.Thread(target=carry_out)
        thread.start()
        if part.worker == self.lost:
            control.begun.wait(10)
            raise LostWorkerError("it can't be reached")
        thread.join()
        return PartEnd(*self.found[part.worker])

    def is_running(self, worker: str, number: str) -> bool:
        del number
        return worker in self.parts and self.parts[worker].is_alive()

    def take_end(self, worker: str, number: str) -> PartEnd | None:
        del number
        return PartEnd(*self.found[worker]) if worker in self.found else None

    def send(self, worker: str, number: str, message: Mapping[str, Any]) -> None:
        del number
        if "origin" in message:  # by the worker's clock: its part is of this process
            message = {"origin": message["origin"] - AHEAD[worker]}
        self.messages[worker] = message


class Control:
    is_lost = False

    def __init__(self, places: Places, worker: str, told: Callable[[Any], None]) -> None:
        self._places = places
        self._worker = worker
        self._told = told
        self.begun = threading.Event()

    @property
    def message(self) -> Any:
        return self._places.messages.get(self._worker)

    @property
    def is_unwanted(self) -> bool:
        return self.begun.is_set() and self._worker == self._places.lost

    def tell(self, progress: Any) -> None:
        if progress.get("done"):
            self.begun.set()
        self._told(progress)


@pytest.fixture
def network(state_dir: Path) -> DryRunNetwork:
    topology = made({"generator": "tree", "depth": 2, "fanout": 4})
    return DryRunEngine().deploy(make_plan(topology, "dry-run"))


def schedule_on(network: DryRunNetwork, text: str = SCENARIO) -> Schedule:
    document = load_text(text)
    return planned(document, network.topology, 1, document.steps())


def run_on(network: DryRunNetwork, places: Places, monkeypatch: pytest.MonkeyPatch) -> RunResult:
    monkeypatch.setattr(type(network.access), "places", places)
    document = load_text(SCENARIO)
    return run(document, schedule_on(network), network, seed=1)


def test_all_concerned_workers_see_an_operation_and_one_tells_of_it(network: DryRunNetwork) -> None:
    schedule, places = schedule_on(network), Places(network)
    numbers = np.arange(len(schedule))
    assert {schedule.steps[step].action.action for step in schedule.step[numbers]} == {
        "port-flap", "node-churn", "port-churn", "switch-restart", "link-impair", "link-flap", "partition",
    }  # fmt: skip
    found = cut(schedule, places)
    told = np.concatenate([one.numbers[one.tells] for one in found.values()])
    assert sorted(told) == numbers.tolist()
    topology = network.topology
    for number in numbers.tolist():
        target = schedule.targets[schedule.target[number]]
        action = schedule.steps[schedule.step[number]].action.action
        if action == "partition":  # forwarding changes everywhere
            nodes = {0, topology.node_count - 1}
        elif action == "link-flap":  # a port at one end
            nodes = {int(topology.ends[target.number, 0])}
        elif target.kind == "link":
            nodes = set(topology.ends[target.number].tolist())
        else:
            nodes = {target.number}
            if target.kind == "node":
                nodes |= {n for ends in topology.ends.tolist() if target.number in ends for n in ends}
        seen = {name for name, one in found.items() if number in one.numbers}
        assert seen == {places.worker_of(node) for node in nodes}
    assert any(len(one.numbers) > one.tells.sum() for one in found.values())


def test_a_part_arrives_as_it_was_sent(network: DryRunNetwork) -> None:
    schedule = schedule_on(network)
    numbers = np.arange(len(schedule))[::3]
    part = schedule_of(*part_of(schedule, numbers), network.topology)
    assert [one[1:] for one in map(_words, part.operations())] == [
        one[1:] for one in map(_words, map(schedule.operation, numbers.tolist()))
    ]
    used = [schedule.steps[step] for step in np.unique(schedule.step[numbers])]
    assert [(one.action, one.group, one.start) for one in part.steps] == [
        (one.action, one.group, one.start) for one in used
    ]


def _words(operation: Any) -> tuple[Any, ...]:
    return (
        operation.number,
        operation.at,
        operation.step,
        operation.action,
        operation.verb,
        operation.targets,
    )


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_survives_as_plain_data(name: str) -> None:
    document = load_text(f"name: x\nduration: 5 s\nsteps: [{action_named(name).EXAMPLE}]\n")
    (step,) = document.steps()
    sent = step.action.model_dump(mode="json", exclude_none=True)
    assert action_named(name).model_validate(sent) == step.action


def test_a_run_by_parts_is_whole(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch, unwatched: None
) -> None:
    places = Places(network)
    changed_here: list[Any] = []
    monkeypatch.setattr(network, "set_links", changed_here.append)
    result = run_on(network, places, monkeypatch)
    assert (result.aborted, result.leaks.leaked) == ("", [])
    assert changed_here == []
    assert all(not (one.nodes or one.links or one.ports) for one in places.removed)
    assert all(places.links.values())
    assert all(state == LinkState() for links in places.links.values() for state in links.values())
    assert len(result.outcomes) == sum(result.offered.values())
    assert [one.error for one in result.outcomes if one.error] == []
    assert [(one.name, one.errors, one.clock_error, one.clock_drift) for one in result.workers] == [
        ("a", 0, 0.001, 0.0), ("b", 0, 0.001, 0.0),
    ]  # fmt: skip
    assert sum(one.operations for one in result.workers) > len(
        result.outcomes
    )  # tunnels: on both their workers
    assert all(one.lateness.count == one.operations for one in result.workers)
    early = result.outcomes.started - result.outcomes.due
    assert early.min() > -0.001


def test_a_lost_worker_ends_the_run_and_its_part_is_waited_for(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch, unwatched: None
) -> None:
    places = Places(network, lost="b")
    result = run_on(network, places, monkeypatch)
    assert result.aborted == "b: it can't be reached"
    assert not places.parts["b"].is_alive()
    assert 0 < len(result.outcomes) < sum(result.offered.values())
    (a, b) = result.workers
    assert (a.failure, b.failure) == ("", "it can't be reached")
    assert a.operations > 0
    assert b.operations == len(done_from(places.found["b"][0]["kinds"], places.found["b"][1]).place) > 0
    assert result.leaks.leaked == []
    assert all(not (one.nodes or one.links or one.ports) for one in places.removed)
    assert all(state == LinkState() for links in places.links.values() for state in links.values())


def test_parts_that_are_not_ready_begin_nothing(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch, unwatched: None
) -> None:
    places = Places(network)
    monkeypatch.setattr(places, "run_part", _refused)
    began = time.monotonic()
    with pytest.raises(Exception, match="b: no such network"):
        run_on(network, places, monkeypatch)
    assert time.monotonic() - began < 30
    assert all("origin" not in message for message in places.messages.values())


def _refused(*_: Any) -> PartEnd:
    raise LostWorkerError("no such network")


def test_an_outcome_is_that_of_the_worker_that_tells_unless_another_failed() -> None:
    numbers = np.array([3, 5, 7, 9])
    zero = np.zeros(3)
    one = Done(
        np.array([0, 1, 2]), zero, np.array([1.0, 2.0, 3.0]), np.array([1.5, 2.5, 3.5]),
        np.array([0, 1, 0], dtype=np.uint16), [("", ""), ("", "gone")],
    )  # fmt: skip
    other = Done(
        np.array([0, 1]), zero[:2], np.array([1.1, 9.0]), np.array([1.9, 9.5]),
        np.array([1, 0], dtype=np.uint16), [("", ""), ("no room", "")],
    )  # fmt: skip
    columns = merged(
        numbers, np.array([0.3, 0.5, 0.7, 0.9]),
        [(Cut(np.array([3, 5, 7]), np.array([True, True, True])), one),
         (Cut(np.array([3, 9]), np.array([False, False])), other)],
    )  # fmt: skip
    assert columns.numbers.tolist() == [3, 5, 7, 9]
    assert list(columns.due) == [0.3, 0.5, 0.7, 0.9]
    assert (columns.done, columns.errors) == (3, 1)  # nobody told of 9
    assert list(columns.started[:3]) == [1.0, 2.0, 3.0]
    assert list(columns.finished[:3]) == [1.9, 2.5, 3.5]
    assert [columns.kinds[kind] for kind in columns.kind[:3]] == [("no room", ""), ("", "gone"), ("", "")]
