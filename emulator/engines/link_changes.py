"""Change links of a running network on any engine: refuse, write down, carry out.

A link that is down has both ends administratively down. Forwarding then goes around it, and what differs is
carried out by the engine.

What is wanted is in the record before anything is touched. `links_before` stands beside it until all
is done: a command that finds it (another was killed) first does the rest, which is safe to do twice.
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
    """Change of links from what they were to what is wanted.

    The plans say which links are up; `before` and `after` say how links are shaped.
    """

    old: Plan
    new: Plan
    before: States
    after: States

    @property
    def topology(self) -> Topology:
        """The graph, which is the same before and after."""
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

    def reshaped(self) -> Iterator[tuple[int, int, Shape]]:
        """Yield (link, end, shape) for each end that is to send otherwise than it did."""
        for link in sorted({*self.before, *self.after}):
            for end in (0, 1):
                wanted = effective_shape(self.topology, self.after, link, end)
                if wanted != effective_shape(self.topology, self.before, link, end):
                    yield link, end, wanted

    def touched(self) -> list[int]:
        """Return the nodes whose settings may differ: all where routes are computed from the graph."""
        every = range(self.topology.node_count)
        if any(map(self.new.forwarding.is_router, every)):
            return list(every)
        moved = self.old.forwarding.roles != self.new.forwarding.roles
        nodes: list[int] = np.unique(self.topology.ends[moved]).tolist()
        return nodes


def refuse(topology: Topology, wanted: States, unshapable: Callable[[Iterable[Shape]], list[str]]) -> None:
    """Raise UsageError for a link that there isn't, RefusedError with what `unshapable` says of shapes."""
    for link in wanted:
        if not 0 <= link < topology.link_count:
            raise UsageError(
                f"there is no link {link}; they are numbered from 0 to {topology.link_count - 1}"
            )
    shapes = [s for link_state in wanted.values() for s in (link_state.forward, link_state.backward) if s]
    reasons = unshapable(shapes)
    if reasons:
        raise RefusedError([f"the link can't be shaped like this: {reason}" for reason in reasons])


def change(
    state: NetworkState, record: Record, wanted: States, carry_out: Callable[[States, States], None]
) -> bool:
    """Change links to `wanted` by `carry_out(before, after)`; return False if they already are.

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
