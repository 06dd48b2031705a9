"""Whether a scenario's probes and metrics fit a network, found out before anything is brought up or run.

What its steps do is found out by planning them (`stress.schedule`).
"""

from __future__ import annotations

from stress import targets
from stress.probes.sockets import require_descriptors
from stress.probes.specs import Addressed, resolve
from stress.scenario.document import Scenario
from stress.scenario.load import Document, raise_all
from stress.targets import Thing
from topologies.errors import ParameterError
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


def watched_ports(scenario: Scenario, topology: Topology) -> list[Thing]:
    """Return the ports whose counters are to be recorded; ParameterError when nothing matches."""
    chosen = scenario.metrics.ports
    if chosen is None:
        return []
    return targets.ports(topology, chosen, Stream(scenario.seed, "stress", "metrics"), ("metrics", "ports"))
