"""A network as it is now: while a shell or a script holds it, other commands change it or take it down."""

from __future__ import annotations

from emulator.engines.registry import attach
from emulator.network import Network
from emulator.state import NetworkState, state_root

_Stamp = tuple[int, int, int] | None


class Current:
    """A network that is attached again when another command wrote a file of its folder.

    The file of the graph is written by `up` alone, the run record also when a link is cut or shaped. Each
    change replaces the file, so its inode and time tell.
    """

    def __init__(self, network: Network, *, every_change: bool = False) -> None:
        """With `every_change`, changes of links count, too."""
        self.network = network
        state = NetworkState(state_root(), network.name)
        self._file = state.record_path if every_change else state.topology_path
        self._seen = self._stamp()

    def _stamp(self) -> _Stamp:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def follow(self) -> bool:
        """Return whether `network` is another object now; UsageError if it isn't up any more."""
        now = self._stamp()
        if now == self._seen:
            return False
        self.network = attach(self.network.name)
        self._seen = now  # from before it was read: what is written meanwhile is read again
        return True
