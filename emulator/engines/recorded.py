"""What the handle of a network knows from the network's folder alone, whatever engine runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from emulator.forwarding.protocol import Forwarding
from emulator.forwarding.select import forwarding_for
from emulator.network import LinkState
from emulator.state import NetworkState, link_states
from topologies.openflow_switches import controllers_of
from topologies.topology import Topology


class RecordedNetwork:
    """A network that has a run record."""

    changes: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    def __init__(self, state: NetworkState) -> None:
        self.name = state.name
        self._state = state
        self._record = state.read()

    @cached_property
    def topology(self) -> Topology:
        """The graph that runs."""
        return self._state.load()

    @cached_property
    def forwarding(self) -> Forwarding:
        """How packets find their way."""
        return forwarding_for(self.topology)

    @property
    def links(self) -> Mapping[int, LinkState]:
        """What was changed on links since `up`."""
        return link_states(self._record)

    @property
    def controllers(self) -> Sequence[str]:
        """Names of the controllers of its switches."""
        return tuple(controllers_of(self.topology))

    def addresses(self, node: int) -> Sequence[str]:
        """Return the addresses of a node."""
        return [address.text for address in self.forwarding.addresses(node)]
