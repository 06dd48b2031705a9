"""A network as it is now: while a shell or a script holds it, other commands change it or take it down."""

from __future__ import annotations

from emulator.engines.registry import attach
from emulator.network import Network
from emulator.state import NetworkState, stamp_of, state_root


class Current:
    """A network that is attached again when another command wrote a file of its folder.

    The file of the graph is written by `up` alone, the run record also when a link is cut or shaped: then
    the network reads it again, and stays the same object.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._file = NetworkState(state_root(), network.name).topology_path
        self._seen = stamp_of(self._file)

    def follow(self) -> bool:
        """Return whether `network` is another object now; UsageError if it isn't up any more."""
        now = stamp_of(self._file)
        if now == self._seen:
            self.network.follow_links()
            return False
        self.network = attach(self.network.name)
        self._seen = now  # from before it was read: what is written meanwhile is read again
        return True
