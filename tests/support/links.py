"""Changes of links as a running network gives them to its engine."""

from __future__ import annotations

from emulator.engines.link_changes import LinkChange
from emulator.link_states import States, links_up
from emulator.plan import make_plan
from topologies.topology import Topology


def change_of(topology: Topology, before: States, after: States, engine: str = "netns") -> LinkChange:
    """Return what leads from links as they were to links as they are wanted."""
    plan = make_plan(topology, engine)
    old, new = (plan.with_links(links_up(topology, states)) for states in (before, after))
    return LinkChange(old, new, before, after)
