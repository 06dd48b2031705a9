"""The class `Mininet` of the stand-in: it records what a script adds, and starts nothing.

Written from Mininet's documented interface (mininet.org/api, version 2.3), with its names.
Standard library only: the child process loads this by its path.
"""

# ruff: noqa: N802, N803, N815, D102, PLR0917 -- the names and their meaning are Mininet's interface

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterator
from importlib import import_module
from typing import Any

_nodes = import_module("mininet_nodes")  # the child has put the folder of this file in the path
_topo = import_module("mininet_topo")
RECORD = _nodes.RECORD
BASE = "10.0.0.0/8"


def class_name(cls: Any) -> str:
    """Return the name of a class, or of the class that functools.partial calls."""
    while isinstance(cls, functools.partial):
        cls = cls.func
    return str(getattr(cls, "__name__", type(cls).__name__))


class NAT(_nodes.Node):  # type: ignore[misc, name-defined]
    """Way out through the machine."""

    def __init__(self, name: Any, subnet: Any = None, localIntf: Any = None, **params: Any) -> None:
        del subnet, localIntf
        super().__init__(name, **{"inNamespace": False} | params)


class Mininet(_nodes.Permissive):  # type: ignore[misc, name-defined]
    """Network of a script."""

    def __init__(self, topo: Any = None, switch: Any = None, host: Any = None, controller: Any = None,
                 link: Any = None, intf: Any = None, build: bool = True, xterms: bool = False,
                 cleanup: bool = False, ipBase: str = BASE, inNamespace: bool = False,
                 autoSetMacs: bool = False, autoStaticArp: bool = False, **options: Any) -> None:  # fmt: skip
        del xterms, cleanup, inNamespace
        self.topo, self.switch, self.host, self.link, self.intf = topo, switch, host, link, intf
        self.controller, self.ipBase, self.options = controller, str(ipBase), options
        self.autoSetMacs, self.autoStaticArp = autoSetMacs, autoStaticArp
        self.hosts: list[Any] = []
        self.switches: list[Any] = []
        self.controllers: list[Any] = []
        self.links: list[Any] = []
        self.nameToNode: dict[str, Any] = {}
        self.built = False
        self._next = 1
        RECORD.networks.append(self)
        if topo is not None and build:
            self.build()

    def _add(self, name: Any, cls: Any, kind: Any, params: dict[str, Any]) -> Any:
        made = cls(str(name), **params) if callable(cls) else None
        if not isinstance(made, kind):
            made = kind(str(name), **params)
        made.network, self.nameToNode[str(name)] = self, made
        if made in RECORD.loose:
            RECORD.loose.remove(made)
        return made

    def addHost(self, name: Any, cls: Any = None, **params: Any) -> Any:
        space = ipaddress.ip_network(self.ipBase, strict=False)
        usual: dict[str, Any] = {"ip": f"{space[self._next]}/{space.prefixlen}"}
        if self.autoSetMacs:
            digits = f"{self._next:012x}"
            usual["mac"] = ":".join(digits[at : at + 2] for at in range(0, 12, 2))
        self._next += 1
        made = self._add(name, cls or self.host or _nodes.Node, _nodes.Node, {**usual, **params})
        made.own_ip = "ip" in params
        self.hosts.append(made)
        return made

    addNode = addHost

    def addSwitch(self, name: Any, cls: Any = None, **params: Any) -> Any:
        made = self._add(name, cls or self.switch or _nodes.Switch, _nodes.Switch, params)
        self.switches.append(made)
        return made

    def addController(self, name: Any = "c0", controller: Any = None, **params: Any) -> Any:
        if isinstance(name, _nodes.Node):
            made = name
        elif isinstance(controller, _nodes.Node):
            made = controller
        else:
            made = self._add(
                name, controller or self.controller or _nodes.Controller, _nodes.Controller, params
            )
        made.network = self
        if made in RECORD.loose:
            RECORD.loose.remove(made)
        self.controllers.append(made)
        return made

    def addNAT(
        self, name: str = "nat0", connect: Any = True, inNamespace: bool = False, **params: Any
    ) -> Any:
        nat = self.addHost(name, cls=NAT, inNamespace=inNamespace, **params)
        if connect:
            self.addLink(nat, self.switches[0] if connect is True else connect)
            for host in self.hosts:
                if host is not nat and host.inNamespace:
                    host.setDefaultRoute(f"via {nat.IP()}")
        return nat

    def addLink(self, node1: Any, node2: Any, port1: Any = None, port2: Any = None, cls: Any = None,
                **params: Any) -> Any:  # fmt: skip
        ends = [self.nameToNode[end] if isinstance(end, str) else end for end in (node1, node2)]
        for end in ends:
            if end.network is None:
                end.network = self
                RECORD.loose.remove(end)
                self.hosts.append(end)
                self.nameToNode[end.name] = end
        cls = cls or self.link or _nodes.Link
        made = cls(*ends, port1=port1, port2=port2, **params) if callable(cls) else None
        if not isinstance(made, _nodes.Link):
            made = _nodes.Link(*ends, port1=port1, port2=port2, **params)
        keywords = getattr(self.intf, "keywords", {})
        made.options.update({key: value for key, value in keywords.items() if key not in made.options})
        self.links.append(made)
        return made

    def build(self) -> None:
        if self.built:
            return
        self.built = True
        if self.topo is not None:
            self.buildFromTopo(self.topo)
        for host in self.hosts:
            try:
                host.config(**host.params)
            except Exception as error:  # noqa: BLE001 -- whatever a class of the script raises
                host.notes.append(f"what its class configures ({type(error).__name__})")

    def buildFromTopo(self, topo: Any) -> None:
        for name in topo.hosts():
            info = topo.nodeInfo(name)
            self.addHost(name, **{key: value for key, value in info.items() if key != "isSwitch"})
        for name in topo.switches():
            info = topo.nodeInfo(name)
            self.addSwitch(name, **{key: value for key, value in info.items() if key != "isSwitch"})
        for _, _, info in topo.links(sort=True, withInfo=True):
            self.addLink(**info)

    def start(self) -> None:
        self.build()
        RECORD.started = True

    def get(self, *names: Any) -> Any:
        found = [self.nameToNode[str(name)] for name in names]
        return found[0] if len(found) == 1 else found

    def __getitem__(self, name: Any) -> Any:
        return self.nameToNode[str(name)]

    getNodeByName = get

    def __contains__(self, item: Any) -> bool:
        return str(item) in self.nameToNode

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def keys(self) -> list[str]:
        return [node.name for node in self.values()]

    def values(self) -> list[Any]:
        return [*self.hosts, *self.switches, *self.controllers]

    def items(self) -> list[tuple[str, Any]]:
        return [(node.name, node) for node in self.values()]

    def linksBetween(self, node1: Any, node2: Any) -> list[Any]:
        return [link for link in self.links if {link.intf1.node, link.intf2.node} == {node1, node2}]

    def _used(self, *_: Any, **__: Any) -> None:
        RECORD.end(self)

    def run(self, *_: Any, **__: Any) -> None:
        self.start()
        RECORD.end(self)

    runCpuLimitTest = run
    init = staticmethod(_nodes.nothing)
    ping = pingAll = pingPair = pingFull = pingAllFull = pingPairFull = iperf = stop = interact = _used
    startTerms = monitor = _used


def tree_net(depth: int = 1, fanout: int = 2, **options: Any) -> Mininet:
    """Return a network of a tree."""
    return Mininet(_topo.TreeTopo(depth, fanout), **options)


def torus_net(x: int, y: int, n: int = 1, **options: Any) -> Mininet:
    """Return a network of a torus."""
    return Mininet(_topo.TorusTopo(x, y, n), **options)


class CommandLine(_nodes.Permissive):  # type: ignore[misc, name-defined]
    """Mininet's command line: a script that opens it has built its network."""

    def __init__(self, mininet: Any = None, *_: Any, **__: Any) -> None:
        RECORD.started = True
        RECORD.end(mininet)
