"""A network's plan comes from its folder, in one place; code that changes the network receives plans."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.topologies import make

import emulator.engines
from emulator.engines.dry_run import DryRunEngine, DryRunNetwork
from emulator.errors import BrokenError
from emulator.network import LinkState
from emulator.plan import Plan, Worker, make_plan
from emulator.state import NetworkState, Record

DOWN = LinkState(up=False)
ENGINES = Path(emulator.engines.__file__ or "").parent


@pytest.fixture
def network(state_dir: Path) -> DryRunNetwork:
    return DryRunEngine().deploy(make_plan(make("ring", k=4, hosts_per_switch=1), "dry-run"))


def test_the_plan_follows_the_links_that_are_up_and_is_kept_until_they_change(network: DryRunNetwork) -> None:
    first = network.plan
    assert network.plan is first
    assert first.links_up.all()
    network.set_link(4, DOWN)
    assert np.flatnonzero(~network.plan.links_up).tolist() == [4]
    assert network.plan is not first
    assert not np.array_equal(network.plan.forwarding.roles, first.forwarding.roles)
    network.set_link(4, LinkState())
    assert network.plan.links_up.all()
    assert np.array_equal(network.plan.forwarding.roles, first.forwarding.roles)


def test_another_handle_has_the_plan_of_the_record(network: DryRunNetwork) -> None:
    network.set_link(1, DOWN)
    again = DryRunEngine().attach(network.name)
    assert again.engine == "dry-run"
    assert again.plan.engine == "dry-run"
    assert np.array_equal(again.plan.links_up, network.plan.links_up)


def test_a_plan_with_other_links_keeps_its_nodes_where_they_are() -> None:
    plan = make_plan(make("ring", k=4, hosts_per_switch=1), "netns", 2)
    up = np.ones(plan.topology.link_count, dtype=bool)
    assert plan.with_links(up) is plan
    up[0] = False
    cut = plan.with_links(up)
    assert cut.with_links(up.copy()) is cut
    assert cut.placement is plan.placement
    assert cut.workers == plan.workers
    assert cut.with_links(np.ones_like(up)).up is None


WORKERS = (Worker("big", 8 << 30), Worker("w2", None, 50), Worker("w3"))
OPTIONS = {"python": "/opt/x/bin/python", "images": ["a", "b"], "admin": {"net": "10.0.0.0/8"}}


@pytest.fixture
def spread() -> Plan:
    """A plan on three workers with a placement that no strategy would choose."""
    plan = make_plan(make("ring", k=4, hosts_per_switch=1), "dry-run", WORKERS, options=OPTIONS)
    placement = np.array([2, 0, 1, 0, 2, 0, 1, 1], dtype=np.int32)
    assert not np.array_equal(plan.placement, placement)
    return replace(plan, placement=placement, method="by hand")


def saved(plan: Plan, state_dir: Path) -> NetworkState:
    state = NetworkState(state_dir, plan.topology.name)
    state.make()
    state.write(Record.of_plan(plan, "ring.yaml", "up"))
    state.save(plan, "")
    return state


def test_the_plan_on_several_workers_is_read_back_as_it_was_deployed(spread: Plan, state_dir: Path) -> None:
    network = DryRunNetwork(saved(spread, state_dir))
    for _ in range(2):
        plan = network.plan
        assert plan.placement.dtype == np.int32
        assert plan.placement.tolist() == [2, 0, 1, 0, 2, 0, 1, 1]
        assert plan.workers == WORKERS
        assert plan.method == "by hand"
        assert plan.options == OPTIONS
        assert plan.engine == "dry-run"
        network.set_link(1, DOWN)
    assert network.plan.counts.nodes.tolist() == [3, 3, 2]
    assert np.flatnonzero(~network.plan.links_up).tolist() == [1]


def test_one_worker_keeps_its_name_and_needs_no_array(spread: Plan, state_dir: Path) -> None:
    state = saved(spread, state_dir)
    assert state.placement_path.exists()
    one = make_plan(spread.topology, "dry-run", [Worker("big", 8 << 30)])
    state = saved(one, state_dir)
    assert not state.placement_path.exists()
    plan = DryRunNetwork(state).plan
    assert plan.workers == one.workers
    assert plan.placement.tolist() == [0] * 8
    assert plan.method == "one worker"
    assert plan.options == {}


def test_a_record_from_before_workers_were_recorded_has_one(network: DryRunNetwork, state_dir: Path) -> None:
    path = NetworkState(state_dir, network.name).record_path
    record = json.loads(path.read_text())
    for key in ("workers", "method", "plan_options"):
        del record[key]
    path.write_text(json.dumps(record))
    plan = DryRunEngine().attach(network.name).plan
    assert plan.workers == (Worker("w1"),)
    assert not plan.placement.any()


@pytest.mark.parametrize(
    "content", [None, [0, 1], [3] * 8, [-1] * 8, [[0] * 8], [0.5] * 8, ["a"] * 8, b"", b"\x93NUMPY cut off"]
)
def test_a_damaged_placement_says_how_to_get_rid_of_it(
    content: list[object] | bytes | None, spread: Plan, state_dir: Path
) -> None:
    state = saved(spread, state_dir)
    if isinstance(content, bytes):
        state.placement_path.write_bytes(content)
    elif content is None:
        state.placement_path.unlink()
    else:
        np.save(state.placement_path, np.array(content))
    with pytest.raises(BrokenError, match=r"placement.npy can't be read .*emulator down x"):
        _ = DryRunNetwork(state).plan


def test_nothing_of_an_engine_plans_again() -> None:
    calls = [
        str(path.relative_to(ENGINES))
        for path in sorted(ENGINES.rglob("*.py"))
        for part in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "make_plan"
    ]
    assert calls == []
