"""One way to change a running network: noted, carried out, and taken back where that fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.topologies import make

from emulator.engines import changing
from emulator.engines.changing import ChangingEngine
from emulator.engines.dry_run import DryRunEngine, DryRunNetwork
from emulator.errors import BrokenError, UsageError
from emulator.network import LinkState, Progress, silent
from emulator.plan import Plan, make_plan
from emulator.state import NetworkState

OLD, NEW = make("ring", k=3, hosts_per_switch=1), make("ring", k=4, hosts_per_switch=1)


class Running(DryRunNetwork):
    """A network in memory whose links are changed as those of namespaces are."""

    def change_links(self, wanted: dict[int, LinkState]) -> bool:
        for link, state in wanted.items():
            self.set_link(link, state)
        return bool(wanted)


class Steps:
    """What a change does: it notes its steps, and may fail."""

    def __init__(self, state: NetworkState, *, empty: bool = False, fails: bool = False) -> None:
        self.is_empty, self.fails, self.state = empty, fails, state
        self.done: list[str] = []

    def lines(self) -> list[str]:
        return ["changed something"]

    def carry_out(self, progress: Progress, check: Callable[[], None]) -> tuple[str, ...]:
        del progress
        check()
        self.done.append(f"carried out while {self.state.read().phase}")
        if self.fails:
            raise BrokenError("no")
        return ("know this",)

    def roll_back(self) -> None:
        self.done.append(f"taken back while {self.state.read().phase}")


class Engine(ChangingEngine[Running]):  # type: ignore[type-var]
    """Changes networks by steps that a test gives."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.settled: list[tuple[int, int]] = []

    def handle(self, state: NetworkState) -> Running:
        return Running(state)

    def needs(self, plan: Plan) -> dict[str, int]:
        return {"nodes": plan.topology.node_count}

    def transition(self, network: Running, new: Plan, state: NetworkState, file: str) -> Steps:
        del new, state, file
        assert network.plan.links_up.all()
        return self.steps

    def settle(self, network: Running, old: Plan, new: Plan, state: NetworkState) -> None:
        del network, state
        self.settled.append((old.topology.node_count, new.topology.node_count))


@pytest.fixture
def raised(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The largest need of each time that limits are raised."""
    found: list[int] = []

    def noted(state: NetworkState, *needs: dict[str, int]) -> tuple[str, ...]:
        found.append(max(need["nodes"] for need in needs))
        return ("limits",)

    monkeypatch.setattr(changing, "raise_limits", noted)
    return found


@pytest.fixture
def state(state_dir: Path) -> NetworkState:
    DryRunEngine().deploy(make_plan(OLD, "dry-run"), "old.yaml").set_link(4, LinkState(up=False))
    return NetworkState(state_dir, "x")


def changed(engine: Engine, state: NetworkState, new: Plan) -> Running:
    return engine.change(Running(state), new, state, "new.yaml", progress=silent, check=lambda: None)


def test_what_differs_is_carried_out_under_a_record_that_says_so(
    state: NetworkState, raised: list[int]
) -> None:
    engine = Engine(Steps(state))
    network = changed(engine, state, make_plan(NEW, "dry-run"))
    assert engine.steps.done == ["carried out while changing"]
    record = state.read()
    assert (record.phase, record.file, record.links) == ("up", "new.yaml", {})
    assert network.changes is not None
    assert network.changes[:2] == ("link s2 -- s3 is as the file says again", "changed something")
    assert network.notes == ("limits", "know this")
    assert network.topology.node_count == 8
    assert raised == [8, 8]
    assert engine.settled == [(6, 8)]


def test_the_workers_of_the_new_plan_are_recorded(state: NetworkState, raised: list[int]) -> None:
    new = make_plan(NEW, "dry-run", 3, options={"image": "a"})
    for plan in (new, make_plan(OLD, "dry-run")):
        running = changed(Engine(Steps(state)), state, plan).plan
        assert running.workers == plan.workers
        assert np.array_equal(running.placement, plan.placement)
        assert (running.method, running.options) == (plan.method, plan.options)


def test_what_fails_is_taken_back_and_the_old_network_is_up(state: NetworkState, raised: list[int]) -> None:
    engine = Engine(Steps(state, fails=True))
    with pytest.raises(BrokenError, match="no"):
        changed(engine, state, make_plan(NEW, "dry-run"))
    assert engine.steps.done == ["carried out while changing", "taken back while changing"]
    record = state.read()
    assert (record.phase, record.file) == ("up", "old.yaml")
    assert state.load().node_count == 6
    assert raised == [8, 6]
    assert engine.settled == []


def test_where_nothing_differs_nothing_is_done(state: NetworkState, raised: list[int]) -> None:
    engine = Engine(Steps(state, empty=True))
    network = changed(engine, state, make_plan(OLD, "dry-run"))
    assert engine.steps.done == []
    assert network.changes == ("link s2 -- s3 is as the file says again",)
    assert engine.settled == [(6, 6)]


def test_a_change_that_can_not_be_followed_touches_nothing(state: NetworkState, raised: list[int]) -> None:
    class Refusing(Engine):
        def refuse_change(self, network: Running, new: Plan) -> None:
            raise UsageError(f"not so: {network.topology.node_count} to {new.topology.node_count}")

    before = state.record_path.read_bytes()
    with pytest.raises(UsageError, match="not so: 6 to 8"):
        changed(Refusing(Steps(state)), state, make_plan(NEW, "dry-run"))
    assert state.record_path.read_bytes() == before
