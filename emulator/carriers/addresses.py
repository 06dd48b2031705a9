"""Addresses of a cluster's scheduler: `tls://head:8786`."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import NamedTuple

from emulator.errors import UnableError, UsageError
from topologies.errors import shortened

SCHEDULER_VARIABLE = "EMULATOR_CLUSTER_SCHEDULER"
"""Variable of the environment with a scheduler's address, or the path of its scheduler file."""

_ADDRESS = re.compile(r"(?P<scheme>tls|tcp)://(?P<host>\[[0-9a-fA-F:.]+\]|[\w.-]+):(?P<port>\d{1,5})")


class NoAnswerError(UnableError):
    """Nothing answers at an address."""


class Address(NamedTuple):
    """A scheduler's address; `host` has no brackets."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """True if only this machine is reached by it."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"{self.scheme}://{bracketed(self.host)}:{self.port}"


def parse_address(text: str) -> Address:
    """Return the address in `text`; UsageError if it is none."""
    found = _ADDRESS.fullmatch(text.strip())
    if not found or not 0 < int(found["port"]) < 1 << 16:
        raise UsageError(
            f"`{shortened(text)}` isn't a scheduler's address; write tls://HOST:PORT, for example "
            f"tls://head:8786"
        )
    return Address(found["scheme"], found["host"].strip("[]"), int(found["port"]))


def bracketed(host: str) -> str:
    """Return a host as it stands before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is of this machine's loopback alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_protected(address: Address, *, has_certificates: bool, insecure: bool) -> None:
    """Raise UnableError unless certificates protect what goes to `address`, or needn't."""
    if address.scheme == "tls" and not has_certificates:
        raise UnableError(
            f"{address} needs certificates: name their folder by --certificates DIR or "
            f"EMULATOR_CLUSTER_CERTIFICATES (`emulator workers certs DIR` makes them)"
        )
    if address.scheme == "tcp" and has_certificates:
        raise UsageError(f"{address} is without TLS, but certificates are given; write tls://")
    if address.scheme == "tcp" and not address.is_loopback and not insecure:
        raise UnableError(
            f"{address} isn't protected by TLS: anyone who reaches it is root on the workers; use tls:// and "
            f"certificates (`emulator workers certs DIR`), or --insecure in a network of your own"
        )


def connected(address: Address, seconds: float) -> socket.socket:
    """Return a connection; NoAnswerError, which names the address, without an answer within `seconds`."""
    try:
        return socket.create_connection((address.host, address.port), seconds)
    except TimeoutError as error:
        raise NoAnswerError(
            f"the scheduler {address} doesn't answer within {seconds:g} s; is the machine up, and does a "
            f"firewall let port {address.port} pass?"
        ) from error
    except OSError as error:
        raise NoAnswerError(
            f"the scheduler {address} can't be reached: {error.strerror or error}; does it run "
            f"(`emulator workers scheduler`)?"
        ) from error
