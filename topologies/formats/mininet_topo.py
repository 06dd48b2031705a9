"""Graph classes of Mininet's `mininet.topo` and `mininet.topolib`, for the stand-in.

Written from Mininet's documented interface (mininet.org/api, version 2.3), with its names.
Standard library only: the child process loads this by its path.
"""

# ruff: noqa: N802, N803, D102 -- the names and their meaning are Mininet's interface

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any


def natural(text: str) -> list[Any]:
    """Return a sort key that puts h2 before h10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(text))]


def natural_seq(words: Iterable[str]) -> list[list[Any]]:
    """Return a sort key of several names."""
    return [natural(word) for word in words]


def irange(start: int, end: int) -> range:
    """Return the numbers from `start` to `end`, both included."""
    return range(start, end + 1)


class MultiGraph:
    """Graph of a `Topo`, which Mininet shows as `topo.g`."""

    def __init__(self) -> None:
        self.node: dict[str, dict[str, Any]] = {}
        self.links: list[tuple[str, str, Any, dict[str, Any]]] = []

    def add_node(self, node: str, attr_dict: dict[str, Any] | None = None, **attrs: Any) -> None:
        self.node[node] = {**(attr_dict or {}), **attrs}

    def add_edge(
        self, src: str, dst: str, key: Any = None, attr_dict: dict[str, Any] | None = None, **attrs: Any
    ) -> Any:
        self.node.setdefault(src, {})
        self.node.setdefault(dst, {})
        taken = [k for a, b, k, _ in self.between(src, dst) if isinstance(k, int)]
        key = max([0, *taken]) + 1 if key is None else key
        self.links.append((src, dst, key, {**(attr_dict or {}), **attrs}))
        return key

    def between(self, src: str, dst: str) -> list[tuple[str, str, Any, dict[str, Any]]]:
        return [link for link in self._of(src) if dst in link[:2] and (src != dst or link[0] == link[1])]

    def _of(self, node: str) -> list[tuple[str, str, Any, dict[str, Any]]]:
        known: dict[str, list[tuple[str, str, Any, dict[str, Any]]]] = self.__dict__.setdefault(
            "_by_node", {}
        )
        for link in self.links[self.__dict__.get("_seen", 0) :]:
            for end in dict.fromkeys(link[:2]):
                known.setdefault(end, []).append(link)
        self.__dict__["_seen"] = len(self.links)
        return known.get(node, [])

    def nodes(self, data: bool = False) -> Any:
        return self.node.items() if data else self.node.keys()

    def edges(self, data: bool = False, keys: bool = False) -> list[tuple[Any, ...]]:
        return [(a, b, *([k] if keys else []), *([d] if data else [])) for a, b, k, d in self.links]

    def __len__(self) -> int:
        return len(self.node)


class Topo:
    """Graph that a subclass builds in `build()` or in its constructor."""

    def __init__(self, *args: Any, **params: Any) -> None:
        self.g = MultiGraph()
        self.hopts: dict[str, Any] = params.pop("hopts", {})
        self.sopts: dict[str, Any] = params.pop("sopts", {})
        self.lopts: dict[str, Any] = params.pop("lopts", {})
        self.ports: dict[str, dict[int, tuple[str, int]]] = {}
        self.build(*args, **params)

    def build(self, *args: Any, **params: Any) -> None:
        """Add the nodes and links, in subclasses."""

    def addNode(self, name: str, **opts: Any) -> str:
        self.g.add_node(name, **opts)
        return name

    def addHost(self, name: str, **opts: Any) -> str:
        return self.addNode(name, **(opts or self.hopts))

    def addSwitch(self, name: str, **opts: Any) -> str:
        return self.addNode(name, **{**(opts or self.sopts), "isSwitch": True})

    def addLink(
        self, node1: str, node2: str, port1: int | None = None, port2: int | None = None,
        key: Any = None, **opts: Any,
    ) -> Any:  # fmt: skip
        opts = opts or self.lopts
        port1, port2 = self.addPort(node1, node2, port1, port2)
        info = {**opts, "node1": node1, "node2": node2, "port1": port1, "port2": port2}
        return self.g.add_edge(node1, node2, key, info)

    def addPort(
        self, src: str, dst: str, sport: int | None = None, dport: int | None = None
    ) -> tuple[int, int]:
        """Return a link's port numbers: the explicit ones, else a host's from 0 and a switch's from 1."""
        ends = []
        for node, port in ((src, sport), (dst, dport)):
            used = self.ports.setdefault(node, {})
            ends.append(len(used) + int(self.isSwitch(node)) if port is None else port)
            used.setdefault(ends[-1], ("", 0))
        self.ports[src][ends[0]] = (dst, ends[1])
        self.ports[dst][ends[1]] = (src, ends[0])
        return ends[0], ends[1]

    def port(self, src: str, dst: str) -> Any:
        pairs = [(own, far) for own, (node, far) in self.ports[src].items() if node == dst]
        return pairs[0] if len(pairs) == 1 else pairs

    def isSwitch(self, n: str) -> bool:
        return bool(self.g.node.get(n, {}).get("isSwitch", False))

    def nodes(self, sort: bool = True) -> list[str]:
        return self.sorted(self.g.node) if sort else list(self.g.node)

    def hosts(self, sort: bool = True) -> list[str]:
        return [node for node in self.nodes(sort) if not self.isSwitch(node)]

    def switches(self, sort: bool = True) -> list[str]:
        return [node for node in self.nodes(sort) if self.isSwitch(node)]

    def iterLinks(self, withKeys: bool = False, withInfo: bool = False) -> Iterator[tuple[Any, ...]]:
        yield from self.g.edges(data=withInfo, keys=withKeys)

    def links(self, sort: bool = False, withKeys: bool = False, withInfo: bool = False) -> list[Any]:
        found = list(self.iterLinks(withKeys, withInfo))
        return sorted(found, key=lambda link: natural_seq(link[: 3 if withKeys else 2])) if sort else found

    def linkInfo(self, src: str, dst: str, key: Any = None) -> dict[str, Any]:
        found = {link[2]: link[3] for link in self.g.between(src, dst)}
        return found[min(found) if key is None else key]

    def setlinkInfo(self, src: str, dst: str, info: dict[str, Any], key: Any = None) -> None:
        old = self.linkInfo(src, dst, key)
        old.clear()
        old.update(info)

    def nodeInfo(self, name: str) -> dict[str, Any]:
        return self.g.node[name]

    def setNodeInfo(self, name: str, info: dict[str, Any]) -> None:
        self.g.node[name] = info

    @staticmethod
    def sorted(items: Iterable[str]) -> list[str]:
        return sorted(items, key=natural)


class SingleSwitchTopo(Topo):
    """One switch with k hosts."""

    def build(self, k: int = 2, **_: Any) -> None:
        switch = self.addSwitch("s1")
        for number in irange(1, k):
            self.addLink(self.addHost(f"h{number}"), switch)


class SingleSwitchReversedTopo(Topo):
    """One switch with k hosts, the first host on the last port."""

    def build(self, k: int = 2, **_: Any) -> None:
        switch = self.addSwitch("s1")
        for number in irange(1, k):
            self.addLink(self.addHost(f"h{number}"), switch, port1=0, port2=k - number + 1)


class MinimalTopo(SingleSwitchTopo):
    """Two hosts and a switch."""

    def build(self, k: int = 2, **_: Any) -> None:
        super().build(k)


class LinearTopo(Topo):
    """k switches in a row with n hosts on each."""

    def build(self, k: int = 2, n: int = 1, **_: Any) -> None:
        before = None
        for at in irange(1, k):
            switch = self.addSwitch(f"s{at}")
            for number in irange(1, n):
                self.addLink(self.addHost(f"h{at}" if n == 1 else f"h{number}s{at}"), switch)
            if before:
                self.addLink(switch, before)
            before = switch


class TreeTopo(Topo):
    """A tree of switches, hosts as leaves, numbered depth first."""

    def build(self, depth: int = 1, fanout: int = 2, **_: Any) -> None:
        self.hostNum = self.switchNum = 1
        self.addTree(depth, fanout)

    def addTree(self, depth: int, fanout: int) -> str:
        if depth <= 0:
            self.hostNum += 1
            return self.addHost(f"h{self.hostNum - 1}")
        node = self.addSwitch(f"s{self.switchNum}")
        self.switchNum += 1
        for _ in range(fanout):
            self.addLink(node, self.addTree(depth - 1, fanout))
        return node


class TorusTopo(Topo):
    """A grid of x by y switches that wraps around, n hosts on each."""

    def build(self, x: int, y: int, n: int = 1, **_: Any) -> None:
        if x < 3 or y < 3:
            raise ValueError("a torus is 3x3 or larger")
        grid = {}
        for i in range(x):
            for j in range(y):
                place = f"{i + 1}x{j + 1}"
                grid[i, j] = self.addSwitch("s" + place, dpid=f"{(i + 1) * 256 + j + 1:x}")
                for number in irange(1, n):
                    self.addLink(self.addHost("h" + place + (f"x{number}" if n > 1 else "")), grid[i, j])
        for i in range(x):
            for j in range(y):
                self.addLink(grid[i, j], grid[i, (j + 1) % y])
                self.addLink(grid[i, j], grid[(i + 1) % x, j])
