"""What a link or a node is like. Equal profiles are stored once; the arrays hold their numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields

from topologies.openflow import OpenFlow


@dataclass(frozen=True, slots=True)
class Shape:
    """What one direction of a link does to packets; None is "as the kernel does it".

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
        """True when nothing is shaped."""
        return all(getattr(self, f.name) is None for f in fields(self))

    @property
    def needs_netem(self) -> bool:
        """True when the kernel's netem queue is needed: anything but a rate and its queue."""
        return any((self.delay, self.jitter, self.loss, self.duplicate, self.reorder, self.corrupt))


PLAIN = Shape()


@dataclass(frozen=True, slots=True)
class LinkProfile:
    """A link's two directions: `forward` from its first end to its second, `backward` the other way."""

    forward: Shape = PLAIN
    backward: Shape = PLAIN
    mtu: int | None = None

    @property
    def is_plain(self) -> bool:
        """True when both directions are plain."""
        return self.forward.is_plain and self.backward.is_plain


@dataclass(frozen=True, slots=True)
class NodeProfile:
    """A node's limits and fidelity. cpu in cores, memory in bytes; both limit what `exec` runs in it.

    `relay` nodes are hosts that pass frames on between their ports (the servers of BCube, DCell).
    `switch` names the kind of switch that a switch node is made as: bridge (the kernel's), ovs (Open
    vSwitch) or user (Mininet's reference switch); `openflow` says how the latter two behave.
    """

    cpu: float | None = None
    memory: int | None = None
    fidelity: str = "full"
    relay: bool = False
    switch: str = "bridge"
    openflow: OpenFlow = OpenFlow()
