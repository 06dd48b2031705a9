"""Ports of a session that are announced where they aren't: what is sent to them goes astray."""

from __future__ import annotations

from emulator.linux.overlay.port_places import PortPlaces
from emulator.linux.overlay.whereabouts import Whereabouts
from topologies.topology import I64


class AstrayPorts:
    """Remembers at which compute hosts ports are announced; rows are those of the overlay.

    A port stays where it is, as `where` says, and its own packets still arrive.
    """

    def __init__(self, places: PortPlaces, where: Whereabouts) -> None:
        self._places, self._where = places, where
        self._hosts: dict[int, int] = {}

    def host_of(self, row: int) -> int | None:
        """Return the compute host at which a port is announced without being there."""
        return self._hosts.get(row)

    def announce(self, row: int, host: int | None) -> None:
        """Lead what is sent to a port to `host`, or to the port again (None, or its own host).

        Raises UsageError or RefusedError if the port couldn't be there.
        """
        if host is not None:
            self._places.check(row, host)
        if host is None or host == self._where.host_of(row):
            if self._hosts.pop(row, None) is not None:
                self._places.announce(row, None)
            return
        self._hosts[row] = host
        self._places.announce(row, host)

    def announce_again(self, rows: I64 | None = None) -> None:
        """Lead astray again what is sent to ports of `rows`, or all, since they or a host were made anew."""
        if not self._hosts:
            return
        of = self._hosts if rows is None else set(rows.tolist()) & set(self._hosts)
        for row in of:
            self._places.announce(row, self._hosts[row])
