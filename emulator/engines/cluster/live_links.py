"""Links as they are while a stress run shakes a network: its parts change them on their workers alone."""

from __future__ import annotations

from collections.abc import Callable

from emulator.engines.cluster.calls import Workers
from emulator.errors import EmulationError
from emulator.link_states import States
from emulator.network import LinkState
from topologies.topology import Topology

ENTRY = "emulator.agent.state:link_changes"


def live_links(
    workers: Callable[[], Workers], recorded: States, topology: Topology, worker_of: Callable[[int], str]
) -> States:
    """Return the changed links as their workers have them now.

    A link counts as the worker of its first end has it, else that of its second; as recorded if neither
    answers. `status` names workers that don't.
    """
    try:
        asked = workers()
        outcomes = asked.outcomes(ENTRY, asked.each())
    except EmulationError:  # no worker can be asked
        return recorded
    told = {
        worker: {int(link): LinkState.of(state) for link, state in one.answer.value}
        for worker, one in outcomes.items()
        if one.answer is not None
    }
    found: dict[int, LinkState] = {}
    for link in sorted({*recorded, *(link for links in told.values() for link in links)}):
        places = (worker_of(int(node)) for node in topology.ends[link])
        worker = next((place for place in places if place in told), None)
        state = recorded.get(link) if worker is None else told[worker].get(link)
        if state is not None:
            found[link] = state
    return found
