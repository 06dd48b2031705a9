"""Nodes of a Mininet script, for the stand-in: they record what the script says.

Written from Mininet's documented interface (mininet.org/api, version 2.3), with its names.
Standard library only: the child process loads this by its path.
"""

# ruff: noqa: N802, N803, N815, D102 -- the names and their meaning are Mininet's interface

from __future__ import annotations

from importlib import import_module
from typing import Any

_links = import_module("mininet_links")  # the child has put the folder of this file in the path
RECORD, nothing, Intf, Link = _links.RECORD, _links.nothing, _links.Intf, _links.Link
Permissive = _links.Permissive


class Node(Permissive):  # type: ignore[misc, valid-type]
    """Node of a network. `notes` isn't taken over by any file; `lent` are interfaces of the machine."""

    portBase = 0
    isSwitch = False
    setup = staticmethod(nothing)

    def __init__(self, name: Any, inNamespace: bool = True, **params: Any) -> None:
        self.name, self.inNamespace, self.params = str(name), inNamespace, dict(params)
        self.intfs: dict[int, Any] = {}
        self.ports: dict[Any, int] = {}
        self.nameToIntf: dict[str, Any] = {}
        self.notes: list[str] = []
        self.lent: list[Any] = []
        self.commands: list[str] = []
        self.network: Any = None
        self.waiting, self.shell, self.pid = False, None, 1
        RECORD.loose.append(self)

    def newPort(self, name: Any = None) -> int:
        """Return the next port number; that of `name` where it is called as Mininet calls its ports."""
        stem, _, number = str(name or "").rpartition("-eth")
        if stem == self.name and number.isascii() and number.isdigit() and int(number) not in self.intfs:
            return int(number)
        return max(self.intfs) + 1 if self.intfs else self.portBase

    def addIntf(self, intf: Any, port: Any = None, moveIntfFn: Any = None) -> None:
        del moveIntfFn
        port = self.newPort() if port is None else int(port)
        self.intfs[port] = intf
        self.ports[intf] = port
        self.nameToIntf[intf.name] = intf

    def defaultIntf(self) -> Any:
        return self.intfs[min(self.intfs)] if self.intfs else None

    def intf(self, intf: Any = None) -> Any:
        if isinstance(intf, str):
            return self.nameToIntf.get(intf)
        return self.defaultIntf() if intf is None or intf == "" else intf

    def intfList(self) -> list[Any]:
        return [self.intfs[port] for port in sorted(self.intfs)]

    def intfNames(self) -> list[str]:
        return [str(intf) for intf in self.intfList()]

    def connectionsTo(self, node: Any) -> list[tuple[Any, Any]]:
        links = [intf.link for intf in self.intfList() if intf.link]
        pairs = [pair for link in links for pair in ((link.intf1, link.intf2), (link.intf2, link.intf1))]
        return [(own, far) for own, far in pairs if own.node is self and far.node is node]

    def linkTo(self, node: Any, link: Any = Link, **options: Any) -> Any:
        return link(self, node, **options)

    def IP(self, intf: Any = None) -> Any:
        found = self.intf(intf)
        own = found.IP() if found else None
        return own or str(self.params.get("ip") or "").partition("/")[0] or None

    def MAC(self, intf: Any = None) -> Any:
        found = self.intf(intf)
        return (found.MAC() if found else None) or self.params.get("mac")

    def setIP(self, ip: Any, prefixLen: Any = 8, intf: Any = None, **_: Any) -> None:
        found = self.intf(intf)
        if found is None:
            self.params["ip"] = str(ip) if "/" in str(ip) else f"{ip}/{prefixLen}"
        else:
            if found is self.defaultIntf():
                self.params.pop("ip", None)
            found.setIP(ip, prefixLen)

    def setMAC(self, mac: Any, intf: Any = None) -> None:
        if found := self.intf(intf):
            found.setMAC(mac)
        else:
            self.params["mac"] = str(mac)

    def setDefaultRoute(self, intf: Any = None) -> None:
        text = str(intf) if intf is not None else ""
        self.params["defaultRoute"] = text.removeprefix("default ") if " " in text else f"dev {text}"

    def config(self, **params: Any) -> dict[str, Any]:
        """Keep the parameters of the constructor: they are what the answer says."""
        del params
        return {}

    def cmd(self, *words: Any, **_: Any) -> str:
        """Note a command; it answers nothing. Nodes of no network run as soon as they are there."""
        RECORD.started = RECORD.started or self.network is None
        self.commands.append(" ".join(map(str, words[0] if words and isinstance(words[0], list) else words)))
        return ""

    cmdPrint = cmd

    def pexec(self, *words: Any, **_: Any) -> tuple[str, str, int]:
        return self.cmd(*words), "", 0

    def _used(self, *words: Any, **_: Any) -> Any:
        RECORD.started = RECORD.started or self.network is None
        RECORD.end(self.network)
        self.cmd(*words)
        return ""

    popen = sendCmd = monitor = waitOutput = _used

    def __str__(self) -> str:
        return self.name


class Switch(Node):
    """Switch of a network."""

    portBase = 1
    isSwitch = True
    dpidLen = 16

    def __init__(self, name: Any, dpid: Any = None, **params: Any) -> None:
        super().__init__(name, **({} if dpid is None else {"dpid": dpid}), **params)
        self.dpid = dpid


class Controller(Node):
    """Controller of a network."""
