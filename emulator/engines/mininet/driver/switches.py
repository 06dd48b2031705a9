"""Mininet's switches with what a plan adds: ports that stay out, and which controllers are theirs."""

from __future__ import annotations

from typing import Any

from mininet.link import TCIntf
from mininet.node import OVSSwitch, UserSwitch
from mininet.nodelib import LinuxBridge


def shape_again(intf: Any) -> None:
    """Set the shape of `intf` again through Mininet; a port that is down stays down.

    Mininet first deletes what it takes for a queue of before, which an interface that is down may not
    have: it gets one.
    """
    intf.cmd("tc qdisc replace dev", intf, "root pfifo")
    intf.config(**{**intf.params, "up": None})


class _Ports:
    """Keeps the ports that would close a loop out of a switch that starts."""

    out: frozenset[str] = frozenset()
    """Names of the interfaces that stay out."""
    _starting = False
    started = False

    def intfList(self) -> list[Any]:  # noqa: N802 -- Mininet's name
        """List the interfaces in the order of their ports; while it starts, those that join."""
        found: list[Any] = super().intfList()  # type: ignore[misc]
        return [intf for intf in found if intf.name not in self.out] if self._starting else found

    def begin(self, controllers: list[Any], given: list[str]) -> None:
        """Start as Mininet does, with the ports that join and the controllers named in `given`."""
        self._starting = True
        try:
            super().start([c for c in controllers if c.name in given])  # type: ignore[misc]
        finally:
            self._starting = False
        self.started = True


class Bridge(_Ports, LinuxBridge):
    """The kernel's bridge, by brctl."""

    given: list[str] = []  # noqa: RUF012 -- bridges have no controllers

    def start(self, controllers: list[Any]) -> None:
        """Start it, with the ports that Mininet leaves out because the switch's name isn't in theirs."""
        self.begin(controllers, self.given)
        for intf in self.intfList():
            if self.name not in intf.name and intf.name != "lo" and intf.name not in self.out:
                self.attach(intf)

    def attach(self, intf: Any) -> None:
        """Attach `intf`."""
        self.cmd("brctl addif", self, intf)

    def detach(self, intf: Any) -> None:
        """Take `intf` out."""
        self.cmd("brctl delif", self, intf)

    def forget(self) -> None:
        """Forget the MACs that were learned."""
        self.cmd("ip link set dev", self, "type bridge fdb_flush")


class OpenVSwitch(_Ports, OVSSwitch):
    """Open vSwitch, by ovs-vsctl."""

    given: list[str] = []  # noqa: RUF012 -- set anew for each switch

    def start(self, controllers: list[Any]) -> None:
        """Start it with the controllers that are its own."""
        self.begin(controllers, self.given)

    def attach(self, intf: Any) -> None:
        """Attach `intf` with its port number."""
        self.vsctl("--may-exist add-port", self, intf, self.intfOpts(intf))
        if isinstance(intf, TCIntf):
            shape_again(intf)

    def detach(self, intf: Any) -> None:
        """Take `intf` out."""
        self.vsctl("--if-exists del-port", self, intf)

    def forget(self) -> None:
        """Do nothing: the emulator has all of Open vSwitch forget at once."""


class ReferenceSwitch(_Ports, UserSwitch):
    """The reference user-space switch, by ofdatapath and ofprotocol."""

    given: list[str] = []  # noqa: RUF012 -- set anew for each switch

    def start(self, controllers: list[Any]) -> None:
        """Start it with the controllers that are its own."""
        self.begin(controllers, self.given)

    def attach(self, intf: Any) -> None:
        """Attach `intf`."""
        self.cmd("dpctl add-if unix:/tmp/" + self.name, intf)

    def detach(self, intf: Any) -> None:
        """Take `intf` out."""
        self.cmd("dpctl del-if unix:/tmp/" + self.name, intf)

    def forget(self) -> None:
        """Do nothing: its controller's flows say where packets go."""


CLASSES = {"bridge": Bridge, "ovs": OpenVSwitch, "user": ReferenceSwitch}
