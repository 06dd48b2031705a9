"""Interfaces and links of a Mininet script, and the record of all that it makes, for the stand-in.

Written from Mininet's documented interface (mininet.org/api, version 2.3), with its names.
Standard library only: the child process loads this by its path.
"""

# ruff: noqa: N802, N803, D102, PLR0917 -- the names and their meaning are Mininet's interface

from __future__ import annotations

from typing import Any


class EndOfScriptError(BaseException):
    """The script begins to use its network: all of it is built. No Exception: scripts catch these."""


class Record:
    """What one script made. `ended` is the network that it used first; `loose` are nodes of no network."""

    def __init__(self) -> None:
        self.networks: list[Any] = []
        self.loose: list[Any] = []
        self.links: list[Link] = []
        self.ended: Any = None
        self.started = False
        self.slept = 0.0

    def end(self, network: Any = None) -> None:
        """End the script, once a network is started."""
        if self.started:
            self.ended = self.ended or network
            raise EndOfScriptError

    def sleep(self, seconds: float) -> None:
        """Don't wait: nothing runs. A script that waits for hours only keeps its network running."""
        self.slept += max(float(seconds), 0.1)
        if self.slept > 3600:
            self.end()


RECORD = Record()


def nothing(*args: Any, **params: Any) -> None:
    """Do nothing, in place of a function that a topology file may call."""
    del args, params


class Permissive:
    """Base of all classes here: whatever else of Mininet's a script calls does nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return nothing


class Intf(Permissive):
    """End of a link, or an interface of the machine. `said` is its address and MAC, as the script says."""

    def __init__(self, name: str, node: Any = None, port: Any = None, link: Any = None,
                 mac: Any = None, **params: Any) -> None:  # fmt: skip
        self.name, self.node, self.link, self.params = name, node, link, params
        self.said: dict[str, Any] = {"mac": mac} if mac else {}
        if node is not None:
            if link is None:
                node.lent.append(self)
            node.addIntf(self, port)

    def config(self, mac: Any = None, ip: Any = None, **params: Any) -> dict[str, Any]:
        if mac:
            self.setMAC(mac)
        if ip:
            self.setIP(ip)
        self.params.update(params)
        return {}

    def setIP(self, ipstr: Any, prefixLen: Any = None) -> None:
        text = str(ipstr)
        self.said["ip"] = text if "/" in text else f"{text}/{8 if prefixLen is None else prefixLen}"

    def setMAC(self, macstr: Any) -> None:
        self.said["mac"] = str(macstr)

    def IP(self) -> Any:
        ip = self.said.get("ip") or self.params.get("ip")
        return str(ip).partition("/")[0] if ip else None

    def MAC(self) -> Any:
        return self.said.get("mac")

    def isUp(self, setUp: bool = False) -> bool:
        del setUp
        return True

    def __str__(self) -> str:
        return self.name


class Link(Permissive):
    """Link between two nodes."""

    def __init__(self, node1: Any, node2: Any, port1: Any = None, port2: Any = None, intfName1: Any = None,
                 intfName2: Any = None, addr1: Any = None, addr2: Any = None, intf: Any = None,
                 cls1: Any = None, cls2: Any = None, params1: Any = None, params2: Any = None,
                 **params: Any) -> None:  # fmt: skip
        del intf, cls1, cls2
        self.options = params
        ends = []
        for node, port, name, mac, own in (
            (node1, port1, intfName1, addr1, params1), (node2, port2, intfName2, addr2, params2),
        ):  # fmt: skip
            own = dict(own or {})  # noqa: PLW2901 -- a copy, which config() changes
            at = own.pop("port", None) if port is None else port
            at = node.newPort(name) if at is None else at
            usual = f"{node}-eth{at}"
            made = Intf(name or usual, node, at, self, mac, **own)
            ends.append(made)
        self.intf1, self.intf2 = ends
        RECORD.links.append(self)

    def answer(self) -> dict[str, Any]:
        """Return the link as the child answers it."""
        out = dict(self.options)
        for number, end in (("1", self.intf1), ("2", self.intf2)):
            port = end.node.ports[end]
            out |= {f"node{number}": end.node.name, f"port{number}": port}
            own = {**end.params, **end.said}
            if end.name != f"{end.node.name}-eth{port}":
                out[f"intfName{number}"] = end.name
            if own:
                out[f"params{number}"] = own
        return out

    def __str__(self) -> str:
        return f"{self.intf1}<->{self.intf2}"
