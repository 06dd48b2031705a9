"""Compare one node with its plan.

Only planned objects are compared. Interfaces, addresses and routes that other programs added in a node stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address

from emulator.deviation import Deviation
from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT, Neighbour, Route
from emulator.indices import LOOPBACK_INDEX
from emulator.linux.netlink import bridge_messages, messages
from emulator.linux.observed.findings import UNLIKE, NodeFindings
from emulator.linux.observed.namespace import NamespaceComparison, unlike_port
from emulator.linux.observed.parse import Found, FoundInterface, Hops
from emulator.linux.observed.wanted import WantedPort, queues_of
from emulator.node_settings import NodeSettings, PortSettings
from topologies.addressing import Address
from topologies.counting import some_names

LOOPBACK = "lo"
PLAIN = {"stp_state": 0, "vlan_filtering": 0, "mcast_snooping": 0}
"""Options of our bridges."""
_MOST_HOPS = 4


class NodeComparison:
    """Compares one node; call `findings`.

    `bridge` is the name of its bridge device ("" for none), `options` the planned options of the bridge.
    Without `membership`, another program (Open vSwitch) manages the ports' bridges. Without `layer3`, only
    interfaces are compared. Without `exact_queues`, the only test of queues is that a port is shaped.
    `forwards` contains the address families that the node must forward.
    """

    def __init__(
        self, settings: NodeSettings, ports: list[WantedPort], found: Found, *,
        bridge: str = "", options: Mapping[str, int] = PLAIN, membership: bool = True, layer3: bool = True,
        exact_queues: bool = True, forwards: tuple[int, ...] = (),
    ) -> None:  # fmt: skip
        self._wanted, self._ports, self._found = settings, ports, found
        self._options = options
        self._bridge, self._membership, self._layer3, self._forwards = bridge, membership, layer3, forwards
        self._exact_queues = exact_queues
        self._names = {port.number: port.name for port in ports}
        self._names |= {BRIDGE_PORT: bridge, LOOPBACK_PORT: LOOPBACK}
        self._off: set[int] = set()
        """Ports that are gone, down or cut: objects that the kernel drops with them aren't reported."""
        self._out = NodeFindings(settings, replace(settings, ports={}))

    def findings(self) -> NodeFindings:
        """Return the deviations."""
        out = self._out
        if self._bridge:
            self._look_at_bridge()
        for port in self._ports:
            self._look_at_port(port)
        if not self._layer3:
            return out
        if not self._found.interfaces.get(LOOPBACK, _NO_LOOPBACK).up:
            out.devices_down.append(LOOPBACK_INDEX)
            self._differs("interface lo", "up", "down")
        addresses = frozenset(a for a in self._wanted.addresses if self._has_address(a))
        routes = frozenset(r for r in self._wanted.routes if self._has_route(r))
        if out.stale:
            routes = frozenset()  # those over gateways go with the address
        stale = {address.port for address in out.stale}  # the kernel drops neighbours with the address
        neighbours = frozenset(
            n for n in self._wanted.neighbours if self._has_neighbour(n) and n.port not in stale
        )
        for family in self._forwards:
            if not self._found.forwards.get(family, False):
                out.not_forwarding = True
                words = "IPv4" if family == messages.AF_INET else "IPv6"
                self._differs(f"forwarding of {words}", "on", "off")
        namespace = NamespaceComparison(self._wanted, self._found, self._names, self._off, self._forwards)
        out.reset = namespace.reset(out.deviations)
        out.found = replace(out.found, addresses=addresses, routes=routes, neighbours=neighbours)
        return out

    def _index(self, port: int) -> int:
        return self._wanted.index(port)

    def _differs(self, what: str, expected: object, found: object) -> None:
        self._out.deviations.append(Deviation(self._wanted.name, what, str(expected), str(found)))

    def _look_at_bridge(self) -> None:
        device = self._found.interfaces.get(self._bridge)
        if device is None or device.ifindex != self._index(BRIDGE_PORT) or device.kind != "bridge":
            self._out.no_bridge = True
            self._off.add(BRIDGE_PORT)
            self._differs(f"bridge {self._bridge}", "present", "missing")
            return
        if not device.up:
            self._out.devices_down.append(device.ifindex)
            self._off.add(BRIDGE_PORT)
            self._differs(f"bridge {self._bridge}", "up", "down")
        for option, found in zip(bridge_messages.BRIDGE_OPTIONS, device.options, strict=True):
            wanted = self._options.get(option, found)
            if found not in {wanted, bridge_messages.UNKNOWN}:
                self._out.unlike_bridge[option] = wanted
                self._differs(f"{option} of bridge {self._bridge}", wanted, found)
        if device.mac != self._wanted.mac:
            self._differs(f"MAC of bridge {self._bridge}", self._wanted.mac.hex(":"), device.mac.hex(":"))
            self._out.found.mac = device.mac

    def _look_at_port(self, port: WantedPort) -> None:
        out, device = self._out, self._found.interfaces.get(port.name)
        if device is None or device.ifindex != port.settings.interface or not _same_wire(port, device):
            out.lost.append(port.link)
            self._off.add(port.number)
            return
        if port.cut or not device.up:
            self._off.add(port.number)
        if device.up == port.cut:
            (out.raised if port.cut else out.down).append(port.number)
            expected, found = ("down", "up") if port.cut else ("up", "down")
            self._differs(f"port {port.name}", expected, found)
        out.found.ports[port.number] = self._settings_of(port, device)

    def _settings_of(self, port: WantedPort, device: FoundInterface) -> PortSettings:
        """Return the settings of a port; record deviations."""
        wanted = port.settings
        is_bridged = self._is_bridged(port, device)
        mac, shape = device.mac, wanted.shape
        if mac != wanted.mac:
            self._differs(f"MAC of {port.name}", wanted.mac.hex(":"), mac.hex(":"))
        if device.mtu != wanted.mtu:
            self._differs(f"MTU of {port.name}", wanted.mtu, device.mtu)
        as_wanted = self._membership and wanted.bridged and is_bridged
        for option, expected, seen in unlike_port(device, bridged=as_wanted):
            self._differs(f"{option} of {port.name}", expected, seen)
            self._out.unlike_ports.setdefault(port.number, {})[option] = expected
        queues, found = (
            queues_of(wanted.shape, wanted.mtu),
            self._found.queues.get(device.ifindex, frozenset()),
        )
        if queues != found if self._exact_queues else bool(queues) != bool(found):
            self._differs(f"queue of {port.name}", _queue_text(queues), _queue_text(found))
            shape = UNLIKE
        return PortSettings(device.ifindex, is_bridged, mac, device.mtu, shape)

    def _is_bridged(self, port: WantedPort, device: FoundInterface) -> bool:
        """Return whether a port is in the node's bridge. Ports of Open vSwitch are checked elsewhere."""
        bridged = port.settings.bridged
        if not self._membership:
            return bridged
        if bridged and self._out.no_bridge:
            return False  # reported as a missing bridge
        if device.master == (self._index(BRIDGE_PORT) if bridged else 0):
            return bridged
        here = self._bridge if device.master == self._index(BRIDGE_PORT) else f"interface {device.master}"
        expected = f"a port of {self._bridge}" if bridged else "a port of no bridge"
        self._differs(
            f"interface {port.name}", expected, f"a port of {here}" if device.master else "a port of none"
        )
        return not bridged

    def _has(self, port: int, what: str, expected: str, found: str) -> bool:
        """Return whether an object over `port` is as expected; report it only if its port is intact."""
        if expected == found:
            return True
        if port not in self._off:
            self._differs(what, expected, found or "missing")
        return False

    def _has_neighbour(self, entry: Neighbour) -> bool:
        found = self._found.neighbours.get((self._index(entry.port), entry.packed), b"")
        what = f"permanent neighbour {ip_address(entry.packed)} on {self._names[entry.port]}"
        return self._has(entry.port, what, entry.mac.hex(":"), found.hex(":"))

    def _has_address(self, address: Address) -> bool:
        index, port = self._index(address.port), address.port
        what = f"address {address.text}/{address.length} on {self._names[port]}"
        there = (index, address.packed, address.length) in self._found.addresses
        if port in self._off and (address.version == 6 or not there):
            return there
        if not self._has(port, what, "present", "present" if there else ""):
            return False
        if port in self._off or self._has_own_route(index, address):
            return True
        self._out.stale.append(address)
        network = ip_address(_network(address))
        self._differs(f"route {network}/{address.length}", f"dev {self._names[port]}", "missing")
        return False

    def _has_own_route(self, index: int, address: Address) -> bool:
        """Return whether the kernel's own route to the network of an address exists on its link."""
        network, length = _network(address), address.length
        if length == 8 * len(network):
            return True
        by_hand = self._found.routes.get((network, length), ())
        return (network, length, index) in self._found.connected or any(
            index in dict(route.hops) for route in by_hand
        )

    def _has_route(self, route: Route) -> bool:
        left = [hop for hop in route.hops if hop.port not in self._off]
        if not left:
            return False
        expected = frozenset((self._index(hop.port), hop.gateway) for hop in left)
        found = self._found.routes.get((route.packed, route.length), [])
        if any(r.hops == expected and route.source in (None, r.source) for r in found):
            return len(left) == len(route.hops)
        whole = frozenset((self._index(hop.port), hop.gateway) for hop in route.hops)
        if any(r.hops == whole for r in found):  # routes over ports that are down: the kernel keeps them
            return True
        words = self._hops_text(found[0].hops) if found else "missing"
        what = f"route {ip_address(route.packed)}/{route.length}"
        self._differs(what, self._hops_text(expected), words)
        return False

    def _hops_text(self, hops: Hops) -> str:
        names = {self._index(number): name for number, name in self._names.items() if name}
        shown = [
            (f"via {ip_address(gateway)} " if gateway else "") + f"dev {names.get(index, index)}"
            for index, gateway in sorted(hops, key=lambda hop: (hop[0], hop[1] or b""))
        ]
        return some_names(shown, _MOST_HOPS)


def _same_wire(port: WantedPort, device: FoundInterface) -> bool:
    """Return whether a device leads to the port's other end: its peer, or the same tunnel."""
    if port.tunnel is None:
        return device.peer in {0, port.peer} and device.tunnel is None
    found, wanted = device.tunnel, port.tunnel
    return found is not None and not found.learning and found[:4] == wanted[:4]


_NO_LOOPBACK = FoundInterface(LOOPBACK_INDEX, b"", 0, up=False, master=0, peer=0, kind="")


def _network(address: Address) -> bytes:
    """Return the packed network of an address."""
    packed = address.packed
    bits = 8 * len(packed) - address.length
    return (address.value >> bits << bits).to_bytes(len(packed), "big")


def _queue_text(queues: frozenset[tuple[str | int, ...]]) -> str:
    return " and ".join(" ".join(map(str, queue)) for queue in sorted(queues, key=str)) or "none"
