"""Ethernet frames that carry ARP (RFC 826), and sockets that send them from a port."""

from __future__ import annotations

import errno
import socket
import struct
from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from emulator.errors import UnableError
from stress.actions.base import Hands, SkippedError
from stress.targets import Thing
from topologies.identifiers import interface_name, mac
from topologies.topology import Topology

BROADCAST = b"\xff" * 6
_ETHERTYPE_ARP = 0x0806
_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
REQUEST = 1
_IDLE = 1.0
_GONE = (errno.ENETDOWN, errno.ENXIO, errno.ENODEV, errno.ENOENT)


class Speaker(NamedTuple):
    """A port that speaks: its MAC and IPv4 address."""

    mac: bytes
    ip: bytes


def arp(sender: Speaker, asked: bytes) -> bytes:
    """Return the broadcast question "who has `asked`? tell `sender`", 42 bytes.

    Asking for one's own address is a gratuitous ARP (RFC 5227, section 3): it tells switches and
    neighbours where the MAC is.
    """
    header = _ETHERNET.pack(BROADCAST, sender.mac, _ETHERTYPE_ARP)
    return header + _ARP.pack(1, 0x0800, 6, 4, REQUEST, sender.mac, sender.ip, bytes(6), asked)


@dataclass(slots=True)
class _Sender:
    socket: socket.socket
    used: float
    """When, by the run's clock."""


class Senders:
    """Raw sockets bound to ports, opened when first used, and anew when the node was made anew.

    One that wasn't used for a second is closed: a socket keeps the namespace of a removed node in the
    kernel, a third of a MiB, and opening it again costs a tenth of a millisecond.
    """

    def __init__(self, hands: Hands) -> None:
        self._network = hands.network
        self._clock = hands.clock
        self._open: OrderedDict[tuple[int, int], _Sender] = OrderedDict()

    def send(self, thing: Thing, frame: bytes, times: int = 1) -> None:
        """Send a frame from a port; skipped when the port is down or gone."""
        key = thing.number, thing.port
        self._close_idle()
        if key in self._open:
            try:
                self._send(key, frame, times)
            except OSError:
                self._open.pop(key).socket.close()
            else:
                return
        try:
            self._bind(key)
            self._send(key, frame, times)
        except OSError as error:
            if error.errno in _GONE:
                raise SkippedError("the port is down or gone") from error
            raise

    def _bind(self, key: tuple[int, int]) -> None:
        sock = self._network.open_socket(key[0], socket.AF_PACKET, socket.SOCK_RAW)
        try:
            sock.bind((interface_name(self._network.topology, *key), 0))
        except BaseException:
            sock.close()
            raise
        self._open[key] = _Sender(sock, self._clock())

    def _send(self, key: tuple[int, int], frame: bytes, times: int) -> None:
        sender = self._open[key]
        for _ in range(times):
            sender.socket.send(frame)
        sender.used = self._clock()
        self._open.move_to_end(key)

    def _close_idle(self) -> None:
        """Close what wasn't used lately: the first ones, as each use puts a socket last."""
        oldest = self._clock() - _IDLE
        while self._open and (key := next(iter(self._open))) and self._open[key].used < oldest:
            self._open.pop(key).socket.close()

    def close(self) -> None:
        """Close all sockets."""
        for each in self._open.values():
            each.socket.close()
        self._open.clear()


def speaker(hands: Hands, topology: Topology, thing: Thing) -> Speaker:
    """Return who speaks on a host's port; UnableError when it has no IPv4 address."""
    for text in hands.network.addresses(thing.number):
        if ":" not in text:
            return Speaker(mac(topology, thing.number, thing.port), socket.inet_aton(text))
    raise UnableError(f"{topology.names[thing.number]} has no IPv4 address to ask from")
