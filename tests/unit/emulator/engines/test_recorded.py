"""A network's plan comes from its record, in one place; what changes the network is given plans."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from support.topologies import make

import emulator.engines
from emulator.engines.dry_run import DryRunEngine, DryRunNetwork
from emulator.network import LinkState
from emulator.plan import make_plan

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


def test_nothing_of_an_engine_plans_again() -> None:
    calls = [
        str(path.relative_to(ENGINES))
        for path in sorted(ENGINES.rglob("*.py"))
        for part in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "make_plan"
    ]
    assert calls == ["recorded.py"]
