"""Restore what a killed stress run removed from a network, according to its journal.

Ports, links and nodes aren't in the journal: `Network.repair` compares the kernel with the graph. The graph
doesn't contain a link's shape before the run, nor the networks that a ramp started: the journal does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from emulator.network import LinkState, Network
from emulator.process_tags import end_tagged
from emulator.stress_lock import read_journal


def recover(network: Network, path: Path | None, take_down: Callable[[str], None]) -> list[str]:
    """Restore what a killed run removed; return it, one line each.

    `path` is the run's journal, which may be missing; `take_down` takes a network down by its name.
    """
    found = read_journal(path)
    given = [f"ended the command `{words}` of a step" for words in end_tagged(path)]
    for name in found.get("networks", []):
        with suppress(LookupError):
            take_down(name)
            given.append(f"removed the network {name} of a ramp")
    given += network.repair()  # first: a link can be changed only if its nodes exist
    given += _reshaped(network, found.get("links", {}))
    if path is not None:
        path.unlink(missing_ok=True)
    return given


def _reshaped(network: Network, before: Mapping[str, Any]) -> list[str]:
    """Reset links to their state before the run; return those that differed, one line each."""
    topology, given = network.topology, []
    for text, data in before.items():
        link, state = int(text), LinkState.of(data)
        if link >= topology.link_count:
            continue
        differs = network.link_changes.get(link, LinkState()) != state
        # even if the record has this state already: the kill may have come in between
        network.set_link(link, state)
        if differs:
            a, b = topology.ends[link].tolist()
            given.append(f"restored link {topology.names[a]} -- {topology.names[b]}")
    return given
