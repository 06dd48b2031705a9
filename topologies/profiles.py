"""Profiles: properties of links and nodes. Equal profiles are stored once; arrays hold their numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields

from topologies.openflow import OpenFlow
from topologies.outside import Outside
from topologies.services import Setup


@dataclass(frozen=True, slots=True)
class Shape:
    """Traffic shaping of one direction of a link; None leaves it to the kernel.

    bandwidth in bit/s; delay and jitter in seconds; loss, duplicate, reorder and corrupt are
    shares from 0 to 1; queue in packets.
    """

    bandwidth: float | None = None
    delay: float | None = None
    jitter: float | None = None
    loss: float | None = None
    duplicate: float | None = None
    reorder: float | None = None
    corrupt: float | None = None
    queue: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether nothing is shaped."""
        return all(getattr(self, f.name) is None for f in fields(self))

    @property
    def needs_netem(self) -> bool:
        """Whether the kernel's netem queue is needed: for anything but a rate and its queue."""
        return any((self.delay, self.jitter, self.loss, self.duplicate, self.reorder, self.corrupt))


PLAIN = Shape()

DEFAULT_MTU = 1500
"""MTU in bytes of a link for which the file gives none: that of the kernel."""


@dataclass(frozen=True, slots=True)
class LinkProfile:
    """The two directions of a link: `forward` from its first end to its second, `backward` in reverse."""

    forward: Shape = PLAIN
    backward: Shape = PLAIN
    mtu: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether both directions are plain."""
        return self.forward.is_plain and self.backward.is_plain

    @property
    def effective_mtu(self) -> int:
        """MTU in bytes: that of the file, else the default."""
        return DEFAULT_MTU if self.mtu is None else self.mtu


@dataclass(frozen=True, slots=True)
class NodeProfile:
    """Limits and fidelity of a node. cpu in cores and memory in bytes limit what `exec` runs in it.

    `relay` nodes are hosts that forward between their ports (the servers of BCube, DCell).
    `switch` is the kind of a switch: bridge (the kernel's), ovs (Open vSwitch) or user (Mininet's
    reference switch); `openflow` configures the latter two. `vpc` is the VPC of a host that the file
    names ("" for a light one: the first). A light host with `device` has an interface of its own.
    `setup` is what programs in the node see of it, `outside` its way to the machine.
    """

    cpu: float | None = None
    memory: int | None = None
    fidelity: str = "full"
    relay: bool = False
    switch: str = "bridge"
    openflow: OpenFlow = OpenFlow()
    vpc: str = ""
    device: bool = False
    setup: Setup = Setup()
    outside: Outside = Outside()


def link_weights(profile: LinkProfile) -> dict[str, object]:
    """Return the attributes of a networkx edge that sum up `profile`: the worse value of both directions."""
    shapes = profile.forward, profile.backward
    bandwidths = [shape.bandwidth for shape in shapes if shape.bandwidth is not None]
    limit = {"bandwidth": min(bandwidths)} if bandwidths else {}
    return {"profile": profile, "delay": max(shape.delay or 0.0 for shape in shapes), **limit}
