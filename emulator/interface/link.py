"""A link of a running network, for scripts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from emulator.interface.current import Current
from emulator.interface.element import Element
from emulator.interface.finding import find_link, parallel_links
from emulator.interface.link_settings import ends_of, with_settings
from emulator.network import LinkState
from emulator.network import Network as RunningNetwork
from topologies.profiles import Shape


class Link(Element):
    """A link, seen from its node `a`: `network.link("s1", "s2")`."""

    def __init__(self, current: Current, index: int, *, swapped: bool = False) -> None:
        super().__init__(current, index)
        self._swapped = swapped

    def _find_again(self, network: RunningNetwork) -> None:
        rank = parallel_links(self._seen.topology, self.index).index(self.index)
        self.index, self._swapped = find_link(network, self.a, self.b, rank)

    def __repr__(self) -> str:
        return f"<link {self.a} -- {self.b} of {self._seen.name}>"

    @property
    def _identity(self) -> tuple[str, int, bool]:
        """What makes two objects the same link, seen from the same node."""
        return self._seen.name, self.index, self._swapped

    @property
    def a(self) -> str:
        """The node named first."""
        return self._names[0]

    @property
    def b(self) -> str:
        """The node named second."""
        return self._names[1]

    @property
    def is_up(self) -> bool:
        """False after `down()`."""
        return self._state.up

    @property
    def forward(self) -> Shape:
        """Shape of the direction from `a` to `b`: bandwidth in bit/s, delay in seconds and so on."""
        return self._shape(0)

    @property
    def backward(self) -> Shape:
        """Shape of the direction from `b` to `a`."""
        return self._shape(1)

    def down(self) -> None:
        """Cut the link."""
        state = replace(self._state, up=False)
        self._seen.set_link(self.index, state)

    def up(self) -> None:
        """Restore a cut link."""
        state = replace(self._state, up=True)
        self._seen.set_link(self.index, state)

    def set(self, *, direction: str = "both", **settings: Any) -> None:
        """Change settings and keep the others: `bandwidth="10 Mbit"`, `delay="5 ms"`, `loss="2%"`.

        Also `jitter`, `duplicate`, `reorder`, `corrupt` and `queue`. Bare numbers are bit/s, seconds,
        shares from 0 to 1, and packets. None removes a value. `direction` is `forward` (from `a` to `b`),
        `backward` or `both`. UsageError for a value that can't be read, UnableError if this machine can't
        shape so.
        """
        self._change(direction, settings, reset=False)

    def reset(self, *, direction: str = "both") -> None:
        """Restore the settings of the file."""
        self._change(direction, {}, reset=True)

    def _change(self, direction: str, settings: dict[str, Any], *, reset: bool) -> None:
        state, topology = self._state, self._seen.topology
        ends = ends_of(direction, swapped=self._swapped)
        after = with_settings(topology, self.index, state, settings, ends, reset=reset)
        self._seen.set_link(self.index, after)

    def _shape(self, way: int) -> Shape:
        state = self._state
        end = 1 - way if self._swapped else way
        live = (state.forward, state.backward)[end]
        return self._seen.topology.shape(self.index, end) if live is None else live

    @property
    def _state(self) -> LinkState:
        return self._network.link_changes.get(self.index, LinkState())

    @property
    def _names(self) -> list[str]:
        topology = self._seen.topology
        names = [topology.names[node] for node in topology.ends[self.index].tolist()]
        return names[::-1] if self._swapped else names
