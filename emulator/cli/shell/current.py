"""The network of a shell as it is now: while lines are typed, other commands change it or take it down."""

from __future__ import annotations

from emulator.engines.registry import attach
from emulator.network import Network
from emulator.state import NetworkState, state_root

_Stamp = tuple[int, int, int] | None


class Current:
    """A network that is attached again whenever its run record was written.

    Each change replaces the record's file, so its inode and time tell.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._record = NetworkState(state_root(), network.name).record_path
        self._seen = self._stamp()

    def _stamp(self) -> _Stamp:
        try:
            found = self._record.stat()
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
