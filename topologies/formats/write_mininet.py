"""Write a plain Mininet script: `python3 FILE` starts it, `mn --custom FILE --topo NAME` too.

Names go in as Python literals (`repr`), so that no name is ever code. Node names longer than
Linux allows for a bridge become `_<index>`, as in our own engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from topologies.addressing import RoutedAddressing
from topologies.counting import counted
from topologies.formats import mininet_script as script
from topologies.formats.addresses import Addresses
from topologies.formats.mininet_openflow import controller_rows, is_openflow, switch_rows
from topologies.formats.naming import sanitised
from topologies.formats.rows import joined, links
from topologies.formats.static_routes import Routes
from topologies.identifiers import bridge_name, dpid, interface_name, mac
from topologies.profiles import Shape
from topologies.segments import BRIDGE_PORT, LOOPBACK_PORT, Segments, is_routed
from topologies.topology import Kind, Topology


def chunks(topology: Topology, routes: Routes | None = None) -> Iterator[str]:
    """Yield the script. `routes` are those of the routers; without them its switches don't route."""
    if routes is None:
        topology = replace(topology, forwarding="bridged")
    made = _Script(topology, routes)
    yield made.head()
    yield "HOSTS = [  # name, address, MAC, gateway\n"
    yield from joined(made.hosts())
    yield "]\n"
    if made.routers.nodes:
        yield "ROUTERS = [  # name, its own address, the bridge of its hosts, routes\n"
        yield from joined(made.routers.rows())
        yield "]\n"
    yield "SWITCHES = [  # name, datapath id\n"
    yield from joined(f"    ({made.names[node]!r}, {dpid(topology, node)!r}),\n" for node in made.bridges)
    yield "]\n"
    if made.openflow:
        yield "OPENFLOW_SWITCHES = [  # name, datapath id, kind, options\n"
        yield from joined(switch_rows(topology, made.openflow, made.names.__getitem__, loops=made.loops))
        yield "]\nCONTROLLERS = [  # name, kind, address, port, words that start it\n"
        yield from controller_rows(topology)
        yield "]\n"
    yield "PROFILES = [  # bw in Mbit/s, loss in percent\n"
    yield from (
        f"    {_options(profile.forward, profile.backward)!r},\n" for profile in topology.link_profiles
    )
    yield "]\nLINKS = [  # first, second, their ports, profile, options of this link\n"
    yield from joined(made.links())
    yield "]\n"
    yield made.tail()


class _Script:
    """What goes into a script, row by row."""

    def __init__(self, topology: Topology, routes: Routes | None) -> None:
        self._topology = topology
        self._title = sanitised(topology.name) or "topology"
        self._addresses = Addresses(topology)
        self.names = _Names(topology)
        self.routers = _Routers(topology, self.names, routes)
        switches = np.flatnonzero((topology.kinds == Kind.SWITCH) & ~self.routers.mask).tolist()
        self.openflow = [node for node in switches if is_openflow(topology, node)]
        self.bridges = [node for node in switches if not is_openflow(topology, node)]
        self.loops = has_loops(topology, ~self.routers.mask & (topology.kinds != Kind.HOST))
        self._routed = routes is not None

    def head(self) -> str:
        """Return what stands above the rows."""
        counts = ", ".join(counted(count, kind) for kind, count in self._topology.kind_counts().items())
        classes, imports, parts = ["OVSBridge"], ["import shutil\n"], []
        if self.routers.nodes:
            classes += ["Node"]
            imports += ["from subprocess import PIPE\n"]
            parts += [script.ROUTER]
        if self.openflow:
            classes += ["Controller", "OVSController", "OVSSwitch", "RemoteController", "UserSwitch"]
            imports = ["import os\n", "import shlex\n", *imports]
            parts += [script.OPENFLOW]
        return script.HEAD.format(
            name=self._title, counts=counts, notes=self._notes(), loops=self.loops,
            classes=", ".join(sorted(classes)), imports="".join(imports),
        ) + "".join([*parts, "\n\n" if parts else "\n"])  # fmt: skip

    def tail(self) -> str:
        """Return what stands below the rows."""
        before = "    for row in CONTROLLERS:\n        add_controller(network, *row)\n"
        after = "    compute_checksums(network)\n"
        return script.BUILD.format(
            name=self._title,
            routers=script.BUILD_ROUTERS if self.routers.nodes else "",
            switches=script.BUILD_SWITCHES + (script.BUILD_OPENFLOW if self.openflow else ""),
            before=before if self.openflow else "", after=after if self.openflow else "",
        )  # fmt: skip

    def _notes(self) -> str:
        out = ""
        if self.loops:
            out += "\nIt has loops: bridges run the spanning tree protocol (main() sees to it; for mn\n"
            out += "add --switch lxbr,stp=1). Packets pass after about 30 seconds.\n"
        if self.routers.nodes and not self._routed:
            out += "\nRouters know the networks on their own ports; routes beyond them are yours to add.\n"
        if self.openflow:
            out += "\nControllers are started by main(); with mn give --controller. Learning ones need\n"
            out += "openvswitch-testcontroller, userspace switches ethtool.\n"
        if any(self._topology.node_profile_of(node).openflow.flows != "normal" for node in self.openflow):
            out += "\nFlows that the emulator computes are not in it: switches without a controller learn.\n"
        return out

    def hosts(self) -> Iterator[str]:
        """Yield the hosts that don't route."""
        for node in self._topology.hosts.tolist():
            if self.routers.mask[node]:
                continue
            text = next((text for _, text in self._addresses.of(node) if ":" not in text), None)
            gateway = self._addresses.gateway(node)
            fields = self.names[node], text, mac(self._topology, node, 0).hex(":"), gateway
            yield f"    {fields!r},\n"

    def links(self) -> Iterator[str]:
        """Yield the links."""
        topology = self._topology
        shapes = [_options(profile.forward, profile.backward) for profile in topology.link_profiles]
        for a, b, p, q, number in links(topology):
            options: dict[str, Any] = {}
            for end, node, port in ((1, a, p), (2, b, q)):
                name = interface_name(topology, node, port)
                if name != f"{self.names[node]}-eth{port}":
                    options[f"intfName{end}"] = name
                if text := self._address(node, port):
                    options[f"params{end}"] = {**shapes[number].get(f"params{end}", {}), "ip": text}
            yield f"    {(self.names[a], self.names[b], p, q, number, options)!r},\n"

    def _address(self, node: int, port: int) -> str | None:
        """Return the IPv4 address that a link brings to its end: a router's, or a host's second."""
        if self._topology.kinds[node] == Kind.SWITCH and not self.routers.mask[node]:
            return None
        own = [(at, text) for at, text in self._addresses.of(node) if ":" not in text]
        if self.routers.mask[node]:
            return dict(own).get(self.routers.addressed(node, port))
        return dict(own[1:]).get(port)


class _Routers:
    """The nodes that forward by address. Those with several plain hosts have a bridge for them inside."""

    def __init__(self, topology: Topology, names: _Names, routes: Routes | None) -> None:
        self._topology = topology
        self._names = names
        self._routes = routes
        self.mask: npt.NDArray[np.bool_] = np.zeros(topology.node_count, dtype=bool)
        self._access: dict[int, list[int]] = {}
        if is_routed(topology):
            segments = Segments(topology)
            self.mask = segments.routers
            inside = (segments.vertices == topology.ends) & self.mask[topology.ends]
            for link, end in np.argwhere(inside).tolist():
                node, port = int(topology.ends[link, end]), int(topology.ports[link, end])
                self._access.setdefault(node, []).append(port)
            self._own = RoutedAddressing(topology)
            self._addresses = Addresses(topology)
        self.nodes: list[int] = np.flatnonzero(self.mask).tolist()

    def addressed(self, node: int, port: int) -> int:
        """Return whose address an interface carries: the only port of a bridge carries the bridge's."""
        return BRIDGE_PORT if self._access.get(node) == [port] else port

    def _device(self, node: int, port: int) -> str:
        access = self._access.get(node, [])
        if port == LOOPBACK_PORT:
            return "lo"
        if port == BRIDGE_PORT and len(access) != 1:
            return bridge_name(self._topology, node)
        return interface_name(self._topology, node, access[0] if port == BRIDGE_PORT else port)

    def rows(self) -> Iterator[str]:
        """Yield (name, options) of each."""
        for node in self.nodes:
            options: dict[str, Any] = {}
            loopback = next((a for a in self._own.own(node) if a.version == 4), None)
            if loopback is not None and self._routes is not None:
                options["loopback"] = f"{loopback.text}/{loopback.length}"
            ports = self._access.get(node, [])
            if len(ports) > 1:
                own = {at: text for at, text in self._addresses.of(node) if ":" not in text}
                interfaces = tuple(interface_name(self._topology, node, port) for port in sorted(ports))
                options["bridge"] = (bridge_name(self._topology, node), own[BRIDGE_PORT], interfaces)
            if self._routes is not None:
                options["routes"] = tuple(
                    route.words(lambda port, node=node: self._device(node, port))  # type: ignore[misc]
                    for route in self._routes(node)
                )
            yield f"    {(self._names[node], options)!r},\n"


class _Names:
    """Names that Mininet can give to a bridge; it makes interface names of them."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology

    def __getitem__(self, node: int) -> str:
        if self._topology.kinds[node] == Kind.SWITCH:
            return bridge_name(self._topology, node)
        return self._topology.names[node]


def has_loops(topology: Topology, bridging: npt.NDArray[np.bool_]) -> bool:
    """Tell whether links between `bridging` nodes (bool[n]) close a loop: then these need the spanning tree.

    Leaves are taken off until none is left: what remains of a graph that isn't a forest has loops.
    """
    ends = topology.ends[bridging[topology.ends].all(axis=1)]
    while len(ends):
        degrees = np.bincount(ends.ravel(), minlength=topology.node_count)
        leaf = (degrees[ends] == 1).any(axis=1)
        if not leaf.any():
            return True
        ends = ends[~leaf]
    return False


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
