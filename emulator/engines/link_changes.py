"""Change links of a running network on any engine: refuse, record, apply.

A link that is down has both ends administratively down. Forwarding then avoids it, and the engine applies
the differences.

The record receives the wanted state before anything is changed. `links_before` stays beside it until all
is done. A command that finds it (another one was killed) first completes that change; doing so twice is safe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from emulator.errors import RefusedError, UsageError
from emulator.link_states import States, effective_shape
from emulator.linux.processes.interrupts import deferred
from emulator.plan import Plan
from emulator.state import NetworkState, Record, link_states
from topologies.profiles import Shape
from topologies.topology import Topology

_BEFORE = "links_before"


@dataclass(frozen=True)
class LinkChange:
    """Change of links from an old to a wanted state.

    The plans hold which links are up; `before` and `after` hold the shapes of links.
    """

    old: Plan
    new: Plan
    before: States
    after: States

    @property
    def topology(self) -> Topology:
        """The graph; it is the same before and after."""
        return self.new.topology

    @cached_property
    def downs(self) -> list[int]:
        """The links that go down."""
        links: list[int] = np.flatnonzero(self.old.links_up & ~self.new.links_up).tolist()
        return links

    @cached_property
    def ups(self) -> list[int]:
        """The links that come up."""
        links: list[int] = np.flatnonzero(self.new.links_up & ~self.old.links_up).tolist()
        return links

    @property
    def of_full(self) -> LinkChange:
        """The change of the links between full nodes; itself when there are no others."""
        count = self.topology.full.link_count
        if count == self.topology.link_count:
            return self
        before, after = (
            {link: state for link, state in states.items() if link < count}
            for states in (self.before, self.after)
        )
        return LinkChange(self.old.full, self.new.full, before, after)

    def reshaped(self) -> Iterator[tuple[int, int, Shape]]:
        """Yield (link, end, shape) for each end with a new shape."""
        for link in sorted({*self.before, *self.after}):
            for end in (0, 1):
                wanted = effective_shape(self.topology, self.after, link, end)
                if wanted != effective_shape(self.topology, self.before, link, end):
                    yield link, end, wanted

    def touched(self) -> list[int]:
        """Return the nodes with settings that may differ: all nodes if routes are computed from the graph.

        Only those on this machine.
        """
        every: list[int] = self.new.here.nodes.tolist()
        if any(map(self.new.forwarding.is_router, every)):
            return every
        moved = self.old.forwarding.roles != self.new.forwarding.roles
        nodes: list[int] = np.unique(self.topology.ends[moved]).tolist()
        return [node for node in nodes if self.new.here.has(node)]


def refuse(topology: Topology, wanted: States, unshapable: Callable[[Iterable[Shape]], list[str]]) -> None:
    """Raise UsageError for an unknown link, RefusedError with the reasons that `unshapable` returns."""
    for link in wanted:
        if not 0 <= link < topology.link_count:
            raise UsageError(
                f"there is no link {link}; they are numbered from 0 to {topology.link_count - 1}"
            )
    light = topology.full.link_count
    if any(link >= light and (state.forward or state.backward) for link, state in wanted.items()):
        raise RefusedError(
            ["the link of a light port has no queue of its own; shape a link of its compute host instead"]
        )
    shapes = [s for link_state in wanted.values() for s in (link_state.forward, link_state.backward) if s]
    reasons = unshapable(shapes)
    if reasons:
        raise RefusedError([f"the link can't be shaped like this: {reason}" for reason in reasons])


def change(
    state: NetworkState, record: Record, wanted: States, carry_out: Callable[[States, States], None]
) -> bool:
    """Change links to `wanted` by `carry_out(before, after)`; return False if they already match.

    Changes `record` and writes it. The caller holds the network's lock.
    """

    def carried_out(before: States) -> None:
        carry_out(before, link_states(record))
        record.options.pop(_BEFORE, None)
        state.write(record)

    with deferred():
        if _BEFORE in record.options:
            carried_out(link_states(Record("", "", links=record.options[_BEFORE])))
        before = link_states(record)
        for link, link_state in wanted.items():
            record.set_link(link, link_state)
        if link_states(record) == before:
            return False
        record.options[_BEFORE] = {str(link): asdict(old) for link, old in before.items()}
        state.write(record)
        carried_out(before)
    return True
