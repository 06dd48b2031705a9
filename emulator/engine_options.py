"""Options of an engine, from the file and the environment; the plan for the engine's workers.

An environment variable wins over the file: it describes the laboratory at hand. EMULATOR_MAXINET_PYTHON sets
the option `python` of the engine maxinet; lists are separated by commas.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from emulator.errors import UsageError
from emulator.forwarding.file_routes import has_file_routes, route_problems
from emulator.forwarding.members import of_underlay
from emulator.placement.clusters import attachment, carriers
from emulator.placement.worker import Worker
from emulator.plan import Plan, make_plan
from emulator.tunnel_mtu import with_tunnel_mtu
from topologies.engines import ENGINES
from topologies.errors import MAX_FOUND, ParameterError, ParametersError
from topologies.node_keys import refuse_keys
from topologies.node_places import NodePlaces
from topologies.overrides import pinned_nodes
from topologies.spec.engine_options import EngineOptions
from topologies.spec.load import Document
from topologies.suggestions import nearest
from topologies.topology import I32, I64, Topology

Options = Mapping[str, Any]
"""Plain data by option. `workers` is a list of {"name", "address", "memory", "nodes"}."""


_PATHS = ("certificates", "home", "key", "password_file", "scheduler_file")


_EITHER = ("scheduler", "scheduler_file")


def variable(engine: str, option: str) -> str:
    """Return the name of the environment variable for an option of an engine."""
    return f"EMULATOR_{engine}_{option}".upper().replace("-", "_")


def engine_options(document: Document, engine: str, given: Options | None = None) -> Options:
    """Return the options of `engine`: those of the file if it names this engine, and of the environment.

    `given` are options of the command line, which win over both. Paths in the file are relative to the file.
    UsageError for a variable with a wrong value.
    """
    allowed = ENGINES[engine].options
    if not allowed:
        if given:
            raise UsageError(
                f"the engine {engine} has no options, such as `{next(iter(given))}`; leave them out"
            )
        return {}
    spec = document.spec.engine
    out = _plain(spec, document.source.folder) if spec.name == engine else {}
    found = {option: os.environ.get(variable(engine, option)) for option in allowed}
    here: dict[str, Any] = {option: value for option, value in found.items() if value}
    if "workers" in here:
        here["workers"] = [_worker(text) for text in here["workers"].split(",") if text.strip()]
    for options, of_command in ((here, False), (dict(given or {}), True)):
        if not options:
            continue
        try:
            keys = EngineOptions.model_validate({"name": engine, **options})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            option = str((*first["loc"], "")[0])
            name = f"--{option}" if of_command else variable(engine, option)
            raise UsageError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
        plain = _plain(keys, Path.cwd())
        if plain.keys() & set(_EITHER):  # one of them names the cluster: an earlier one doesn't
            out = {key: value for key, value in out.items() if key not in _EITHER}
        out = {**out, **plain}
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
    method: str | None = None, *, options: Options | None = None,
) -> Plan:  # fmt: skip
    """Return the plan of a file's topology for `engine`: on `workers`, else on those of its options.

    `options` are those of `engine_options`, perhaps with what the engine added. InputError for keys that the
    engine can't carry out, UsageError when the file pins nodes to a worker that there isn't.
    """
    try:
        refuse_keys(topology, NodePlaces(document.spec), engine)
    except ParameterError as error:
        raise document.error(error) from error
    if options is None:
        options = engine_options(document, engine)
    named = [Worker(w["name"], w.get("memory"), w.get("nodes")) for w in options.get("workers", ())]
    plan = make_plan(topology, engine, workers or named or 1, method=method, options=options)
    _require_routes(document, plan)
    if document.spec.placement and ENGINES[engine].on_workers:
        plan = with_pins(plan, pinned_nodes(topology, document.spec.placement))
    return with_tunnel_mtu(plan)


def _require_routes(document: Document, plan: Plan) -> None:
    """Raise InputError for routes of the file that can't be: the addresses of nodes are known only here."""
    if not has_file_routes(plan.topology):
        return
    places = NodePlaces(document.spec)
    problems = islice(route_problems(plan.topology, of_underlay(plan.full.forwarding)), MAX_FOUND)
    errors = [ParameterError(places.of(plan.topology, node, key), words) for node, key, words in problems]
    if errors:
        raise document.error(ParametersError(errors))


def pinned_workers(plan: Plan, pins: Sequence[tuple[I64, str]]) -> I32:
    """Return the worker's number of each node that `pins` (nodes int64[k], worker) place, else -1: int32[n].

    Later ones win. Hosts without a pin go with their switch, hosts of VPCs always with their compute host.
    UsageError for an unknown worker.
    """
    wanted = _by_pins(plan, pins)
    wanted = np.where(wanted < 0, wanted[attachment(plan.topology)], wanted)
    return wanted[carriers(plan.topology)].astype(np.int32)


def _by_pins(plan: Plan, pins: Sequence[tuple[I64, str]]) -> I32:
    """Return the worker's number of each node in `pins`, else -1: int32[n]."""
    numbers = {worker.name: number for number, worker in enumerate(plan.workers)}
    wanted = np.full(plan.topology.node_count, -1, dtype=np.int32)
    for nodes, worker in pins:
        if worker not in numbers:
            raise UsageError(
                f"the file places nodes on `{worker}`, which isn't a worker; {nearest(worker, numbers)}"
            )
        wanted[nodes] = numbers[worker]
    return wanted


def with_pins(plan: Plan, pins: Sequence[tuple[I64, str]]) -> Plan:
    """Return the plan with the nodes of `pins` on their workers. All others stay where the plan has them.

    UsageError for a host of a VPC that is placed elsewhere than its compute host.
    """
    wanted, carrier = pinned_workers(plan, pins), carriers(plan.topology)
    placement = np.where(wanted < 0, plan.placement, wanted).astype(np.int32)[carrier]
    by_pins = _by_pins(plan, pins)
    apart: list[int] = np.flatnonzero((by_pins >= 0) & (by_pins != placement)).tolist()
    if apart:
        node, names = apart[0], plan.topology.names
        there, here = (plan.workers[int(of[node])].name for of in (by_pins, placement))
        host = names[int(carrier[node])]
        raise UsageError(
            f"the file places {names[node]} on {there}, and its compute host {host} is on {here}; "
            f"place {host} instead"
        )
    return replace(plan, placement=placement, method=f"{plan.method}, pinned")
