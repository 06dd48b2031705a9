"""Addresses and routes that commands of a script set: `ip` of iproute2, and `route` of net-tools.

As ip(8) does, words may be shortened: `ip a add 10.0.0.1/24 dev eth1`.
"""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple

DEFAULT = "default"
_SHELL = frozenset(";&|<>$`")
"""What only a shell understands: there is more than one command, or nobody knows what it says."""


class SetsAddress(NamedTuple):
    """An address, with a prefix length where the command has one, for an interface."""

    address: str
    interface: str


class SetsRoute(NamedTuple):
    """A route to a destination, `default` or a prefix, by a gateway."""

    destination: str
    gateway: str


class SetsLinkRoute(NamedTuple):
    """A route to a prefix that is reached on an interface's link, without a gateway."""

    destination: str
    interface: str


def parsed(command: str) -> SetsAddress | SetsRoute | SetsLinkRoute | None:
    """Return what a command sets; None if it does something else, or more than that."""
    if _SHELL.intersection(command):
        return None
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if words[:1] == ["sudo"]:
        words = words[1:]
    if words[:1] == ["ip"]:
        words = [word for word in words[1:] if word not in ("-4", "-6")]
        if len(words) > 2 and _adds(words[1]):
            if "address".startswith(words[0]):
                return _address(words[2:])
            if "route".startswith(words[0]):
                return _route(words[2:], "via")
    if words[:2] == ["route", "add"]:
        return _route([word for word in words[2:] if word != "-net"], "gw")
    return None


def _adds(verb: str) -> bool:
    return "add".startswith(verb) or ("replace".startswith(verb) and len(verb) > 2)


def _pairs(words: Sequence[str], keys: Sequence[str]) -> tuple[list[str], dict[str, str]] | None:
    """Return the words without a key, and the value of each key; None if a key has no value."""
    alone: list[str] = []
    found: dict[str, str] = {}
    left = iter(words)
    for word in left:
        if word in keys:
            value = next(left, None)
            if value is None:
                return None
            found[word] = value
        else:
            alone.append(word)
    return alone, found


def _address(words: Sequence[str]) -> SetsAddress | None:
    """Return the address of `ADDRESS dev INTERFACE`, in any order; its broadcast address is the usual one."""
    split = _pairs(words, ("dev", "brd", "broadcast"))
    if split is None or len(split[0]) != 1 or "dev" not in split[1]:
        return None
    address, interface = split[0][0], split[1]["dev"]
    return SetsAddress(address, interface) if _is(ipaddress.ip_interface, address) else None


def _route(words: Sequence[str], by: str) -> SetsRoute | SetsLinkRoute | None:
    """Return the route of `DESTINATION via GATEWAY [dev INTERFACE]`, or without a gateway.

    The route of net-tools may end with an interface.
    """
    split = _pairs(words, (by, "dev"))
    if split is None or not 1 <= len(split[0]) <= (2 if by == "gw" else 1):
        return None
    destination, gateway = split[0][0], split[1].get(by, "")
    prefix = "/" in destination and _is(ipaddress.ip_network, destination)
    if prefix and not gateway and "dev" in split[1] and len(split[0]) == 1:
        return SetsLinkRoute(destination, split[1]["dev"])
    whole = prefix or destination == DEFAULT
    return SetsRoute(destination, gateway) if whole and _is(ipaddress.ip_address, gateway) else None


def _is(reads: Callable[[str], object], text: str) -> bool:
    try:
        reads(text)
    except ValueError:
        return False
    return True
