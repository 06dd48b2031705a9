"""Preflight: check that a scenario's probes, metrics, shapes and addresses fit a network before it runs.

Planning the steps (`stress.schedule`) checks that their targets exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from stress import targets as selection
from stress.probes.sockets import require_descriptors
from stress.probes.specs import Addressed, resolve
from stress.scenario.load import Document, raise_all
from stress.scenario.model import Scenario
from stress.schedule import Schedule
from stress.targets import Target
from topologies.engines import ABILITIES, DEFAULT_ENGINE, ENGINES
from topologies.errors import ParameterError
from topologies.profiles import LinkProfile
from topologies.rng import Stream
from topologies.topology import Topology


def preflight(
    document: Document, schedule: Schedule, network: Addressed, seed: int, engine: str = DEFAULT_ENGINE
) -> None:
    """Raise InputError for everything that matches nothing, lacks an address, or is beyond the engine.

    UnableError when probes need more sockets than can be open.
    """
    errors = [*_beyond_engine(document, schedule, engine), *_unaddressed_targets(schedule, network)]
    try:
        specs = resolve(document.scenario.probes, network, seed)
        require_descriptors(sum(spec.sockets for spec in specs))
    except ParameterError as error:
        errors.append(error)
    try:
        watched_ports(document.scenario, network.topology, seed)
    except ParameterError as error:
        errors.append(error)
    raise_all(document, errors)


def _beyond_engine(document: Document, schedule: Schedule, engine: str) -> Iterator[ParameterError]:
    """Yield an error for each step and probe that the engine can't carry out."""
    row = ENGINES.get(engine)
    if row is None:
        return
    for step in schedule.steps:
        for ability in sorted(step.action.abilities() - row.abilities):
            words = f"the engine {engine} can't {ABILITIES[ability]}; leave it out, or use another engine"
            yield ParameterError((*step.loc, "action"), words)
    for number, probe in enumerate(document.scenario.probes):
        if probe.probe == "tcp" and "sockets" not in row.abilities:
            words = f"the engine {engine} can't {ABILITIES['sockets']}; write `probe: ping`"
            yield ParameterError(("probes", number, "probe"), words)


def _unaddressed_targets(schedule: Schedule, network: Addressed) -> Iterator[ParameterError]:
    """Yield an error for each step whose targets lack an address: now, and not in the middle of the run."""
    names = network.topology.names
    for index, step in enumerate(schedule.steps):
        found: dict[tuple[str, str], set[int]] = {}
        for one in {one for target in _targets(schedule, index) for one in step.action.addressed(target)}:
            if not any(one.family == "IP" or ":" not in text for text in network.addresses(one.node)):
                found.setdefault((one.key, one.family), set()).add(one.node)
        for (key, family), nodes in sorted(found.items()):
            more = f" and {len(nodes) - 1:,} more" if len(nodes) > 1 else ""
            words = f"`{names[min(nodes)]}`{more} without an {family} address; aim at hosts: `{{kind: host}}`"
            yield ParameterError((*step.loc, key), words)


def _targets(schedule: Schedule, index: int) -> list[Target]:
    """Return the targets of one step."""
    return [schedule.targets[k] for k in np.unique(schedule.target[schedule.step == index]).tolist()]


def with_shapes(schedule: Schedule) -> Topology:
    """Return the graph as steps shape its links: an engine must be able to make it."""
    topology = schedule.topology
    profiles, numbers = list(topology.link_profiles), topology.link_profile.copy()
    for index, step in enumerate(schedule.steps):
        targets = _targets(schedule, index)
        for shape in step.action.shapes():
            numbers[[target.number for target in targets if target.kind == "link"]] = len(profiles)
            profiles.append(LinkProfile(shape, shape))
    return replace(topology, link_profiles=tuple(profiles), link_profile=numbers)


def watched_ports(scenario: Scenario, topology: Topology, seed: int) -> list[Target]:
    """Return the ports whose counters are recorded; ParameterError when none matches."""
    chosen = scenario.metrics.ports
    if chosen is None:
        return []
    return selection.ports(topology, chosen, Stream(seed, "stress", "metrics"), ("metrics", "ports"))
