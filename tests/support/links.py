"""Changes of links in the form that a running network passes to its engine."""

from __future__ import annotations

from emulator.engines.link_changes import LinkChange
from emulator.link_states import States, links_up
from emulator.plan import make_plan
from topologies.topology import Topology


def change_of(topology: Topology, before: States, after: States, engine: str = "netns") -> LinkChange:
    """Return the change from the old links to the wanted ones."""
    plan = make_plan(topology, engine)
    old, new = (plan.with_links(links_up(topology, states)) for states in (before, after))
    return LinkChange(old, new, before, after)
