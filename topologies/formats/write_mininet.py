"""Write a plain Mininet script: `python3 FILE` starts it, `mn --custom FILE --topo NAME` too.

Names go in as Python literals (`repr`), so that no name is ever code. Node names longer than
Linux allows for a bridge become `_<index>`, as in our own engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from topologies.errors import ParameterError
from topologies.formats.addresses import Addresses
from topologies.formats.describe import joined, links
from topologies.formats.naming import sanitised
from topologies.identifiers import bridge_name, dpid, interface_name, mac
from topologies.profiles import Shape
from topologies.segments import BRIDGE_PORT
from topologies.topology import Kind, Topology

_HEAD = '''#!/usr/bin/env python3
"""The network {name} ({counts}) for Mininet.

    sudo python3 FILE                         starts it and opens Mininet's command line
    sudo mn --custom FILE --topo {name} --link tc
{notes}"""

import shutil

from mininet.cli import CLI
from mininet.link import TCLink
from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.node import Node, OVSBridge
from mininet.nodelib import LinuxBridge
from mininet.topo import Topo

LOOPS = {loops}


class Router(Node):
    """A node that forwards by address."""

    def config(self, **params):
        super().config(**params)
        self.cmd("sysctl -w net.ipv4.ip_forward=1")


'''
_TAIL = """

class Network(Topo):
    def build(self, **_):
        for name, ip, mac, gateway in HOSTS:
            route = {{"defaultRoute": "via " + gateway}} if gateway else {{}}
            self.addHost(name, ip=ip, mac=mac, **route)
        for name in ROUTERS:
            self.addNode(name, cls=Router, ip=None)
        for name, number in SWITCHES:
            self.addSwitch(name, dpid=number)
        for first, second, port1, port2, profile, options in LINKS:
            options = {{**PROFILES[profile], **options}}
            self.addLink(first, second, port1=port1, port2=port2, **options)


topos = {{{name!r}: Network}}


def main():
    setLogLevel("info")
    bridge = LinuxBridge if shutil.which("brctl") else OVSBridge
    options = {{"stp": True}} if LOOPS else {{}}
    network = Mininet(
        topo=Network(), link=TCLink, controller=None,
        switch=lambda name, **params: bridge(name, **params, **options),
    )
    network.start()
    if LOOPS:
        print("Waiting for the spanning tree…")
        network.waitConnected()
    CLI(network)
    network.stop()


if __name__ == "__main__":
    main()
"""


def chunks(topology: Topology) -> Iterator[str]:
    """Yield the script; ParameterError when a router has several hosts of its own."""
    names = _Names(topology)
    title = sanitised(topology.name) or "topology"
    counts = ", ".join(f"{count:,} {kind}" for kind, count in topology.kind_counts().items())
    yield _HEAD.format(name=title, counts=counts, notes=_notes(topology), loops=has_loops(topology))
    yield "HOSTS = [  # name, address, MAC, gateway\n"
    addresses = Addresses(replace(topology, forwarding="bridged"))  # its switches are bridges here
    yield from joined(_hosts(topology, names, addresses))
    yield "]\nROUTERS = [\n"
    routers = np.flatnonzero(topology.kinds == Kind.ROUTER).tolist()
    yield from joined(f"    {names[node]!r},\n" for node in routers)
    yield "]\nSWITCHES = [  # name, datapath id\n"
    switches = np.flatnonzero(topology.kinds == Kind.SWITCH).tolist()
    yield from joined(f"    ({names[node]!r}, {dpid(topology, node)!r}),\n" for node in switches)
    yield "]\nPROFILES = [  # bw in Mbit/s, loss in percent\n"
    yield from (
        f"    {_options(profile.forward, profile.backward)!r},\n" for profile in topology.link_profiles
    )
    yield "]\nLINKS = [  # first, second, their ports, profile, options of this link\n"
    yield from joined(_links(topology, names, addresses))
    yield "]\n"
    yield _TAIL.format(name=title)


class _Names:
    """Names that Mininet can give to a bridge; it makes interface names of them."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology

    def __getitem__(self, node: int) -> str:
        if self._topology.kinds[node] == Kind.SWITCH:
            return bridge_name(self._topology, node)
        return self._topology.names[node]


def has_loops(topology: Topology) -> bool:
    """Tell whether any links close a loop: then bridges need the spanning tree protocol.

    A graph is a forest when it has nodes - components links; leaves are taken off until none is left.
    """
    degrees = topology.degrees.copy()
    alive = np.ones(topology.link_count, dtype=bool)
    while True:
        leaf = alive & (degrees[topology.ends] == 1).any(axis=1)
        if not leaf.any():
            return bool(alive.any())
        alive &= ~leaf
        degrees = np.bincount(topology.ends[alive].ravel(), minlength=topology.node_count)


def _notes(topology: Topology) -> str:
    out = ""
    if has_loops(topology):
        out += "\nIt has loops: bridges run the spanning tree protocol (main() sees to it; for mn\n"
        out += "add --switch lxbr,stp=1). Packets pass after about 30 seconds.\n"
    if (topology.kinds == Kind.ROUTER).any():
        out += "\nRouters know the networks on their own ports; routes beyond them are yours to add.\n"
    if topology.forwarding == "routed":
        out += "\nIts switches route by address in the emulator; here they are bridges.\n"
    return out


def _hosts(topology: Topology, names: _Names, addresses: Addresses) -> Iterator[str]:
    for node in topology.hosts.tolist():
        text = next((text for _, text in addresses.of(node) if ":" not in text), None)
        fields = names[node], text, mac(topology, node, 0).hex(":"), addresses.gateway(node)
        yield f"    {fields!r},\n"


def _links(topology: Topology, names: _Names, addresses: Addresses) -> Iterator[str]:
    shapes = [_options(profile.forward, profile.backward) for profile in topology.link_profiles]
    router_ports = _RouterPorts(topology, addresses)
    for a, b, p, q, number in links(topology):
        options: dict[str, Any] = {}
        for end, node, port in ((1, a, p), (2, b, q)):
            name = interface_name(topology, node, port)
            if name != f"{names[node]}-eth{port}":
                options[f"intfName{end}"] = name
            if topology.kinds[node] == Kind.ROUTER and (
                text := router_ports.address(node, port, (b, a)[end - 1])
            ):
                options[f"params{end}"] = {**shapes[number].get(f"params{end}", {}), "ip": text}
        yield f"    {(names[a], names[b], p, q, number, options)!r},\n"


class _RouterPorts:
    """The addresses of routers' ports. A router's hosts share a bridge inside it, Mininet's has none."""

    def __init__(self, topology: Topology, addresses: Addresses) -> None:
        self._topology = topology
        self._addresses = addresses
        self._bridged: set[int] = set()

    def address(self, node: int, port: int, other: int) -> str | None:
        """Return the IPv4 address of `port`, if it is a router's, which leads to `other`.

        ParameterError when it needs a bridge.
        """
        if self._topology.kinds[node] != Kind.ROUTER:
            return None
        own = {at: text for at, text in self._addresses.of(node) if ":" not in text}
        if port in own or self._topology.kinds[other] != Kind.HOST:
            return own.get(port)
        if node in self._bridged:
            name = self._topology.names[node]
            words = f"router `{name}` has several hosts of its own; Mininet needs a switch between them"
            raise ParameterError(("to",), words)
        self._bridged.add(node)
        return own.get(BRIDGE_PORT)


def _options(forward: Shape, backward: Shape) -> dict[str, Any]:
    """Return TCLink's options for a profile, in params1 and params2 when the directions differ."""
    if forward == backward:
        return _one_way(forward)
    return {"params1": _one_way(forward), "params2": _one_way(backward)}


def _one_way(shape: Shape) -> dict[str, Any]:
    """Return what TCIntf understands of `shape`; it knows no duplicate, reorder and corrupt."""
    out: dict[str, Any] = {}
    if shape.bandwidth:
        out["bw"] = shape.bandwidth / 1e6
    for key in ("delay", "jitter"):
        value = getattr(shape, key)
        if value:
            out[key] = f"{round(value * 1e6, 3):g}us"
    if shape.loss:
        out["loss"] = round(shape.loss * 100, 6)
    if shape.queue:
        out["max_queue_size"] = shape.queue
    return out
