"""Whether a scenario's probes, metrics and shapes fit a network, found out before anything is run.

Whether its steps fit is found out by planning them (`stress.schedule`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stress import targets
from stress.probes.sockets import require_descriptors
from stress.probes.specs import Addressed, resolve
from stress.scenario.document import Scenario
from stress.scenario.load import Document, raise_all
from stress.schedule import Schedule
from stress.targets import Thing
from topologies.errors import ParameterError
from topologies.profiles import LinkProfile
from topologies.rng import Stream
from topologies.topology import Topology


def require_fit(document: Document, ground: Addressed) -> None:
    """Raise InputError with all that matches nothing, UnableError for more sockets than may be open."""
    errors: list[ParameterError] = []
    try:
        require_descriptors(sum(spec.sockets for spec in resolve(document.scenario.probes, ground)))
    except ParameterError as error:
        errors.append(error)
    try:
        watched_ports(document.scenario, ground.topology)
    except ParameterError as error:
        errors.append(error)
    raise_all(document, errors)


def with_shapes(schedule: Schedule) -> Topology:
    """Return the graph as it is while steps shape its links: an engine must be able to make it."""
    topology = schedule.topology
    profiles, numbers = list(topology.link_profiles), topology.link_profile.copy()
    for index, step in enumerate(schedule.steps):
        things = [schedule.things[k] for k in np.unique(schedule.thing[schedule.step == index]).tolist()]
        for shape in step.action.shapes():
            numbers[[thing.number for thing in things if thing.kind == "link"]] = len(profiles)
            profiles.append(LinkProfile(shape, shape))
    return replace(topology, link_profiles=tuple(profiles), link_profile=numbers)


def watched_ports(scenario: Scenario, topology: Topology) -> list[Thing]:
    """Return the ports whose counters are to be recorded; ParameterError when nothing matches."""
    chosen = scenario.metrics.ports
    if chosen is None:
        return []
    return targets.ports(topology, chosen, Stream(scenario.seed, "stress", "metrics"), ("metrics", "ports"))
