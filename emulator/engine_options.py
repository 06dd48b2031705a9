"""Options of an engine, from the file and the environment; the plan for the engine's workers.

An environment variable wins over the file: it describes the laboratory at hand. EMULATOR_MAXINET_PYTHON sets
the option `python` of the engine maxinet; lists are separated by commas.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from emulator.errors import UsageError
from emulator.placement.worker import Worker
from emulator.plan import Plan, make_plan
from emulator.tunnel_mtu import narrowed
from topologies.engines import ENGINES
from topologies.spec.engine_options import EngineOptions
from topologies.spec.load import Document
from topologies.topology import Topology

Options = Mapping[str, Any]
"""Plain data by option. `workers` is a list of {"name", "address", "memory", "nodes"}."""

_ETHERNET = 1500
"""Bytes of an Ethernet frame's content."""

_PATHS = ("home", "key", "password_file")


def variable(engine: str, option: str) -> str:
    """Return the name of the environment variable for an option of an engine."""
    return f"EMULATOR_{engine}_{option}".upper().replace("-", "_")


def engine_options(document: Document, engine: str) -> Options:
    """Return the options of `engine`: those of the file if it names this engine, and of the environment.

    Paths in the file are relative to the file. UsageError for a variable with a wrong value.
    """
    allowed = ENGINES[engine].options
    if not allowed:
        return {}
    spec = document.spec.engine
    out = _plain(spec, document.source.folder) if spec.name == engine else {}
    found = {option: os.environ.get(variable(engine, option)) for option in allowed}
    given: dict[str, Any] = {option: value for option, value in found.items() if value}
    if given:
        if "workers" in given:
            given["workers"] = [_worker(text) for text in given["workers"].split(",") if text.strip()]
        try:
            keys = EngineOptions.model_validate({"name": engine, **given})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise UsageError(f"{variable(engine, str((*first['loc'], '')[0]))}: {first['msg']}") from None
        out = {**out, **_plain(keys, Path.cwd())}
    return out


def _worker(text: str) -> dict[str, str]:
    name, _, address = text.strip().partition("=")
    return {"name": name, "address": address} if address else {"name": name}


def _plain(keys: EngineOptions, folder: Path) -> dict[str, Any]:
    out = {k: v for k, v in keys.model_dump(exclude_unset=True).items() if k != "name" and v is not None}
    for key in _PATHS:
        if key in out:
            out[key] = _path(out[key], folder)
    if "/" in out.get("python", ""):
        out["python"] = _path(out["python"], folder)
    return out


def _path(text: str, folder: Path) -> str:
    return os.path.normpath(folder / Path(text).expanduser())


def engine_plan(
    document: Document, topology: Topology, engine: str, workers: Sequence[Worker] = (),
    method: str | None = None,
) -> Plan:  # fmt: skip
    """Return the plan of a file's topology for `engine`: on `workers`, else on those of its options."""
    options = engine_options(document, engine)
    named = [Worker(w["name"], w.get("memory"), w.get("nodes")) for w in options.get("workers", ())]
    plan = make_plan(topology, engine, workers or named or 1, method=method, options=options)
    return with_tunnel_mtu(plan)


def with_tunnel_mtu(plan: Plan) -> Plan:
    """Return the plan with links no larger than what tunnels between its workers carry, where there are any.

    All links whose MTU isn't in the file get it, not only the tunnels: hosts must know the smallest MTU of
    their broadcast domain, since no bridge tells them.
    """
    most = ENGINES[plan.engine].tunnel_mtu
    topology = plan.topology
    if not ENGINES[plan.engine].on_workers or not plan.cut.any() or most >= _ETHERNET:
        return plan
    narrow = narrowed(topology, np.ones(topology.link_count, dtype=bool), most)
    if narrow is topology:
        return plan
    words = f"MTU {most:,} on all links without one: links between workers are tunnels"
    return replace(plan, topology=narrow, warnings=(*plan.warnings, words))
