"""What nodes and links of a running network have in common, for scripts."""

from __future__ import annotations

from abc import ABC, abstractmethod

from emulator.interface.current import Current
from emulator.network import Network as RunningNetwork


class Element(ABC):
    """A node or link, found again when another command has changed the network: numbers change with the file.

    `_seen` is the network in which `index` is its number.
    """

    def __init__(self, current: Current, index: int) -> None:
        self._current = current
        self._seen = current.network
        self.index = index

    @property
    def _network(self) -> RunningNetwork:
        """The network as it is now, in which `index` is this element; UsageError if one of both is gone."""
        self._current.follow()
        network = self._current.network
        if network is not self._seen:
            self._find_again(network)
            self._seen = network
        return network

    @abstractmethod
    def _find_again(self, network: RunningNetwork) -> None:
        """Set `index` to the number in `network`; UsageError if it is gone."""

    @property
    @abstractmethod
    def _identity(self) -> tuple[object, ...]:
        """What makes two objects the same element."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)
