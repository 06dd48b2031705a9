"""Pings of a given size that no router may cut (don't fragment), between machines: tests an underlay's MTU.

ip(7): IP_MTU_DISCOVER with IP_PMTUDISC_PROBE sets the flag, and ignores what the kernel has learned of paths.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from ipaddress import ip_address

from emulator.icmp import echo_request, listen_for_replies, protocol, reply_of

_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _PROBE = 10, 23, 3
_HEADERS = {4: 28, 6: 48}
"""Bytes of IP and ICMP headers, by version."""
_ROUNDS = 3
_LARGEST = 65_536


def unfragmented(addresses: Sequence[str], size: int, source: str, seconds: float) -> Mapping[str, str]:
    """Ping each address from `source` by packets of `size` bytes; return why one failed, by address.

    Each is asked up to three times within `seconds`.
    """
    with ExitStack() as stack:
        sockets = {address: stack.enter_context(_socket(address, source)) for address in addresses}
        ident, why = os.getpid() & 0xFFFF, dict.fromkeys(addresses, "no answer")
        for number in range(1, _ROUNDS + 1):
            for address in [address for address, words in why.items() if words]:
                why[address] = _send(sockets[address], address, size, ident, number)
            _collect(sockets, why, ident, seconds / _ROUNDS)
            if not any(why.values()):
                break
        return why


def _socket(address: str, source: str) -> socket.socket:
    version = ip_address(address).version
    family, number = protocol(version)
    sock = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, number)
    listen_for_replies(sock)
    if version == 4:
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PROBE)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PROBE)
    sock.bind((source, 0))
    return sock


def _send(sock: socket.socket, address: str, size: int, ident: int, number: int) -> str:
    """Send a request; return why it isn't answered yet."""
    version = ip_address(address).version
    request = echo_request(version, ident, number, bytes(max(0, size - _HEADERS[version])))
    try:
        sock.sendto(request, (address, 0))
    except OSError as error:
        return "larger than the device's MTU" if error.errno == errno.EMSGSIZE else str(error.strerror)
    return "no answer"


def _collect(sockets: Mapping[str, socket.socket], why: dict[str, str], ident: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    by_socket = {sock: address for address, sock in sockets.items()}
    while any(words == "no answer" for words in why.values()):
        ready, _, _ = select.select(list(by_socket), [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return
        for sock in ready:
            packet, peer = sock.recvfrom(_LARGEST)
            address = by_socket[sock]
            version = ip_address(address).version
            if peer[0] == address and reply_of(version, packet, ident) is not None:
                why[address] = ""
