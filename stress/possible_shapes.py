"""Refuse steps whose link shapes an engine can't make on this machine, before the run."""

from __future__ import annotations

from emulator.errors import RefusedError
from emulator.network import Engine
from emulator.plan import make_plan
from topologies.topology import Topology


def require_shapes(engine: Engine, topology: Topology, shaped: Topology) -> None:
    """Raise RefusedError for shapes that `engine` can't make; `shaped` is the graph as steps shape it."""
    if len(shaped.link_profiles) > len(topology.link_profiles):
        known = _reasons(engine, topology)  # a running network may leave no room for another one
        new = [reason for reason in _reasons(engine, shaped) if reason not in known]
        if new:
            raise RefusedError([f"a step can't shape links like this: {reason}" for reason in new])


def _reasons(engine: Engine, topology: Topology) -> list[str]:
    try:
        engine.accept(make_plan(topology, engine.name))
    except RefusedError as error:
        return error.reasons
    return []
