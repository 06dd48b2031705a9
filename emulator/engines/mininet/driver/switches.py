"""Mininet's switches with additions from the plan: ports that stay out, and each switch's controllers."""

from __future__ import annotations

from typing import Any

from mininet.link import TCIntf
from mininet.node import OVSSwitch, UserSwitch
from mininet.nodelib import LinuxBridge


def shape_again(intf: Any) -> None:
    """Apply the shape of `intf` again through Mininet; a port that is down stays down.

    Mininet first deletes the queue that it assumes from before. An interface that is down may have none, so
    it gets one.
    """
    intf.cmd("tc qdisc replace dev", intf, "root pfifo")
    intf.config(**{**intf.params, "up": None})


class _Ports:
    """Keeps ports that would close a loop out of a switch when it starts."""

    out: frozenset[str] = frozenset()
    """Names of the interfaces that stay out."""
    _starting = False
    started = False

    def intfList(self) -> list[Any]:  # noqa: N802 -- Mininet's name
        """List the interfaces in the order of their ports; during the start, only those that join."""
        found: list[Any] = super().intfList()  # type: ignore[misc]
        return [intf for intf in found if intf.name not in self.out] if self._starting else found

    def begin(self, controllers: list[Any], given: list[str]) -> None:
        """Start as Mininet does, with the joining ports and the controllers named in `given`."""
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
        """Start it, with the ports that Mininet skips because their names don't contain the switch's name."""
        self.begin(controllers, self.given)
        for intf in self.intfList():
            if self.name not in intf.name and intf.name != "lo" and intf.name not in self.out:
                self.attach(intf)

    def attach(self, intf: Any) -> None:
        """Attach `intf`."""
        self.cmd("brctl addif", self, intf)

    def detach(self, intf: Any) -> None:
        """Detach `intf`."""
        self.cmd("brctl delif", self, intf)

    def forget(self) -> None:
        """Clear the learned MACs."""
        self.cmd("ip link set dev", self, "type bridge fdb_flush")


class OpenVSwitch(_Ports, OVSSwitch):
    """Open vSwitch, by ovs-vsctl."""

    given: list[str] = []  # noqa: RUF012 -- set for each switch

    def start(self, controllers: list[Any]) -> None:
        """Start it with its own controllers."""
        self.begin(controllers, self.given)

    def attach(self, intf: Any) -> None:
        """Attach `intf` with its port number."""
        self.vsctl("--may-exist add-port", self, intf, self.intfOpts(intf))
        if isinstance(intf, TCIntf):
            shape_again(intf)

    def detach(self, intf: Any) -> None:
        """Detach `intf`."""
        self.vsctl("--if-exists del-port", self, intf)

    def forget(self) -> None:
        """Do nothing: the emulator clears all Open vSwitches at once."""


class ReferenceSwitch(_Ports, UserSwitch):
    """The reference user-space switch, by ofdatapath and ofprotocol."""

    given: list[str] = []  # noqa: RUF012 -- set for each switch

    def start(self, controllers: list[Any]) -> None:
        """Start it with its own controllers."""
        self.begin(controllers, self.given)

    def attach(self, intf: Any) -> None:
        """Attach `intf`."""
        self.cmd("dpctl add-if unix:/tmp/" + self.name, intf)

    def detach(self, intf: Any) -> None:
        """Detach `intf`."""
        self.cmd("dpctl del-if unix:/tmp/" + self.name, intf)

    def forget(self) -> None:
        """Do nothing: its controller's flows decide where packets go."""


CLASSES = {"bridge": Bridge, "ovs": OpenVSwitch, "user": ReferenceSwitch}
