"""Every engine refuses a plan for several machines: it would make all nodes on this one."""

from __future__ import annotations

import pytest

from emulator.engines.registry import engine_named
from emulator.errors import RefusedError
from emulator.plan import make_plan
from topologies.build import build
from topologies.engines import ENGINES
from topologies.spec.load import load_text

LINEAR = "name: t\ntopology: {generator: linear, k: 3}\n"


def reasons(engine: str, workers: int) -> list[str]:
    try:
        engine_named(engine).accept(make_plan(build(load_text(LINEAR)), engine, workers))
    except RefusedError as error:
        return error.reasons
    return []


@pytest.mark.parametrize("engine", [name for name, row in ENGINES.items() if not row.on_workers])
def test_three_workers_are_refused_and_one_is_not(engine: str) -> None:
    [told] = [reason for reason in reasons(engine, 3) if "workers" in reason]
    assert told.startswith(f"the plan places its nodes on 3 workers, and the {engine} engine makes all")
    assert "plan with one worker" in told
    assert not [reason for reason in reasons(engine, 1) if "worker" in reason]
