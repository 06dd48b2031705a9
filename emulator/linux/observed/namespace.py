"""Compare the settings of a node's namespace as a whole, and port options that stop traffic."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from emulator.deviation import Deviation
from emulator.forwarding.base import LOOPBACK_PORT
from emulator.indices import LOOPBACK_INDEX
from emulator.linux.netlink import bridge_messages, messages
from emulator.linux.observed.findings import Reset
from emulator.linux.observed.parse import Found, FoundInterface
from emulator.node_settings import NodeSettings

_FORWARDING = 3
_PORT = {
    "state": _FORWARDING, "hairpin": 0, "learning": 1, "flood": 1, "mcast_flood": 1, "bcast_flood": 1,
    "isolated": 0,
}  # fmt: skip
"""Initial options of a bridge port. Without spanning tree it forwards while both ends are up."""
_LOCAL, _MAIN, _DEFAULT = 255, 254, 253
RULES = {
    messages.AF_INET: ((0, _LOCAL), (32766, _MAIN), (32767, _DEFAULT)),
    messages.AF_INET6: ((0, _LOCAL), (32766, _MAIN)),
}
"""Rules of a new namespace: priority and table (net/ipv4/fib_rules.c, net/ipv6/fib6_rules.c)."""
_WORDS = {messages.AF_INET: "IPv4", messages.AF_INET6: "IPv6"}
LOCALHOST = socket.inet_aton("127.0.0.1")
_LINK_LOCAL = b"\xfe\x80"


def unlike_port(device: FoundInterface, *, bridged: bool) -> Iterator[tuple[str, int, int]]:
    """Yield (option, wanted, found) of port options that differ from their initial values."""
    if not device.arp:
        yield "arp", 1, 0
    if not bridged:
        return
    for option, found in zip(bridge_messages.PORT_OPTIONS, device.port, strict=False):
        passing = option == "state" and not (device.up and device.running)
        if found not in {_PORT[option], bridge_messages.UNKNOWN} and not passing:
            yield option, _PORT[option], found


@dataclass(frozen=True)
class NamespaceComparison:
    """Compares a node's namespace; call `reset`.

    `names` are the node's interfaces by port, `off` the ports that are gone or down, `forwards` the address
    families that the node must forward.
    """

    wanted: NodeSettings
    found: Found
    names: Mapping[int, str]
    off: Collection[int]
    forwards: tuple[int, ...]

    def reset(self, deviations: list[Deviation]) -> Reset:
        """Return the settings to restore, and append the differences to `deviations`."""
        out = Reset()
        for family, rules in self.found.rules.items():
            for priority, table in RULES[family]:
                if (priority, table) not in rules:
                    out.rules.append((family, priority, table))
                    what = f"{_WORDS[family]} rule {priority}"
                    deviations.append(self._deviation(what, f"lookup of table {table}", "missing"))
        lo = self.found.interfaces.get(self.names[LOOPBACK_PORT])
        if lo is not None and lo.up and (LOOPBACK_INDEX, LOCALHOST, 8) not in self.found.addresses:
            out.localhost = True
            deviations.append(self._deviation("address 127.0.0.1/8 on lo", "present", "missing"))
        out.ipv6 = sorted({self.names[port] for port in self._with_ipv6(missing=True)})
        self._look_at_forwarding(out, deviations)
        self._look_at_link_local(out, deviations)
        return out

    def _look_at_forwarding(self, out: Reset, deviations: list[Deviation]) -> None:
        for family in self.forwards:
            if not self.found.forwards.get(family, False):
                continue  # reported once for all interfaces
            still = self.found.not_forwarding.get(family, set())
            for port, name in self.names.items():
                device = self.found.interfaces.get(name)
                if device is not None and device.ifindex in still and port not in self.off:
                    out.forwarding.append((family, name))
                    what = f"forwarding of {_WORDS[family]} from {name}"
                    deviations.append(self._deviation(what, "on", "off"))

    def _look_at_link_local(self, out: Reset, deviations: list[Deviation]) -> None:
        there = {index for index, packed, _ in self.found.addresses if packed.startswith(_LINK_LOCAL)}
        for port in sorted(self._with_ipv6(missing=False) - set(self.off)):
            device = self.found.interfaces.get(self.names[port])
            if device is not None and device.running and device.ifindex not in there:
                out.link_local.append(self.names[port])
                what = f"IPv6 link-local address on {self.names[port]}"
                deviations.append(self._deviation(what, "present", "missing"))

    def _with_ipv6(self, *, missing: bool) -> set[int]:
        """Return the ports with an IPv6 address; with `missing`, those that lack it."""
        return {
            address.port
            for address in self.wanted.addresses
            if address.version == 6
            and address.port != LOOPBACK_PORT
            and not (missing and self._has(address.port, address.packed, address.length))
        }

    def _has(self, port: int, packed: bytes, length: int) -> bool:
        return (self.wanted.index(port), packed, length) in self.found.addresses

    def _deviation(self, what: str, expected: str, found: str) -> Deviation:
        return Deviation(self.wanted.name, what, expected, found)
