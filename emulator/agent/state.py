"""State of this worker's share of a network: health, deviations, facts of a node, changes of links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import cast

from emulator.agent.networks import network_named, require_owner
from emulator.agent.parts import end_all
from emulator.carriers.protocol import Answer, RunningCall
from emulator.engines.namespaced import NamespacedNetwork
from emulator.network import LinkState, Network
from emulator.tasks import Plain


def _network(arguments: Mapping[str, Plain]) -> Network:
    require_owner(arguments["name"], arguments["id"])
    return network_named(arguments["name"])


def health(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Return running, nodes, problems, details and notes of the share."""
    del call, data
    return Answer(asdict(_network(arguments).health()))


def deviations(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Return the deviations of the share from its plan."""
    del call, data
    return Answer([one.data() for one in _network(arguments).deviations()])


def repair(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Repair the share; return what was repaired, one line each.

    Parts of runs whose client is gone end first: they restore themselves, and would undo the repair.
    """
    del call, data
    end_all(arguments["name"])
    return Answer(_network(arguments).repair())


def describe(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Return the facts of a node (argument `node`)."""
    del call, data
    return Answer(dict(_network(arguments).describe(arguments["node"])))


def set_links(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Change `links` ([link, state]) at once, as far as this share has a part of them."""
    del call, data
    network = cast("NamespacedNetwork", _network(arguments))
    network.set_links({link: LinkState.of(state) for link, state in arguments["links"]})
    return Answer()


def link_changes(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Return the changed links as this worker has them now: [link, state]."""
    del call, data
    changes = _network(arguments).link_changes
    return Answer([[link, asdict(state)] for link, state in changes.items()])


def migrate(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Move a light port (argument `node`) to the compute host `host`."""
    del call, data
    _network(arguments).migrate(arguments["node"], arguments["host"])
    return Answer()
