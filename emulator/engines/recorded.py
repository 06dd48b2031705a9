"""Handle of a network with the operations that need only its folder, on any engine.

A running network isn't planned again: its plan is read from its folder. Code that changes the network
receives plans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from emulator.errors import UsageError
from emulator.forwarding.protocol import Forwarding
from emulator.link_states import links_up
from emulator.network import LinkState
from emulator.node_facts import node_facts
from emulator.plan import Plan
from emulator.state import NetworkState, link_states, stamp_of
from topologies.openflow_switches import controllers_of
from topologies.topology import Topology


class RecordedNetwork:
    """A network that has a run record."""

    changes: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    def __init__(self, state: NetworkState) -> None:
        self.name = state.name
        self._state = state
        self._record_stamp = stamp_of(state.record_path)
        self._record = state.read()
        self._plan: Plan | None = None

    def follow_links(self) -> None:
        """Read the record again if it was changed, perhaps by another process; UsageError if it is gone."""
        now = stamp_of(self._state.record_path)
        if now != self._record_stamp:
            self._record = self._state.read()
            self._record_stamp = now  # from before it was read: what is written meanwhile is read again
            if self._plan is not None:
                self._plan_again()

    @property
    def engine(self) -> str:
        """The name of the engine that runs it."""
        return self._record.engine

    @cached_property
    def topology(self) -> Topology:
        """The running graph."""
        return self._state.load()

    @cached_property
    def _filed_plan(self) -> Plan:
        """The plan that was deployed, with all links up."""
        return self._state.load_plan(self._record, self.topology)

    @property
    def plan(self) -> Plan:
        """The current plan, with the links that are up. It is the same object until other links are up.

        Sessions read it before each change.
        """
        return self._plan or self._plan_again()

    def _plan_again(self) -> Plan:
        """Plan for the links that are up by the record; call it after the record was changed or reread."""
        up = links_up(self.topology, link_states(self._record))
        self._plan = (self._plan or self._filed_plan).with_links(up)
        return self._plan

    @property
    def forwarding(self) -> Forwarding:
        """Forwarding with all links up."""
        return self._filed_plan.forwarding

    @property
    def link_changes(self) -> Mapping[int, LinkState]:
        """Changes to links since `up`, by link index."""
        return link_states(self._record)

    def as_filed(self) -> list[str]:
        """Return a line for each link that was changed at run time: `up` resets it to the file's settings."""
        names, ends = self.topology.names, self.topology.ends
        pairs = (ends[link].tolist() for link in self.link_changes)
        return [f"link {names[a]} -- {names[b]} is as the file says again" for a, b in pairs]

    @property
    def controllers(self) -> Sequence[str]:
        """Names of the controllers of its switches."""
        return tuple(controllers_of(self.topology))

    def addresses(self, node: int) -> Sequence[str]:
        """Return the addresses of a node."""
        return [address.text for address in self.forwarding.addresses(node)]

    def describe(self, node: int) -> Mapping[str, Any]:
        """Return facts of a node as JSON data; engines add the state of what they can look at."""
        return node_facts(self.plan, node)

    def migrate(self, node: int, host: int) -> None:
        """Refuse: only some engines have light ports, and nothing else moves."""
        del host
        raise UsageError(f"`{self.topology.names[node]}` can't move: only light ports do")
