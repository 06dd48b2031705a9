"""Deviations of one node, and how to fix them."""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator.deviation import Deviation
from emulator.node_settings import NodeSettings
from topologies.addressing import Address
from topologies.profiles import Shape

UNLIKE = Shape(queue=-1)
"""Stands for whatever queues an interface has that aren't those of its shape."""


@dataclass
class Reset:
    """Settings to restore in a node's namespace, by interface.

    `forwarding`: (address family, interface) that don't pass packets on; `ipv6` where IPv6 may be switched
    off; `link_local` that lack such an address; `rules`: (address family, priority, table) that are missing.
    """

    forwarding: list[tuple[int, str]] = field(default_factory=list)
    ipv6: list[str] = field(default_factory=list)
    link_local: list[str] = field(default_factory=list)
    rules: list[tuple[int, int, int]] = field(default_factory=list)
    localhost: bool = False

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to set."""
        return not (self.forwarding or self.ipv6 or self.link_local or self.rules or self.localhost)


@dataclass
class NodeFindings:
    """Deviations of one node, and how to fix them.

    `lost` are links (by number) that must be made again; `down` and `raised` the ports that are down and
    must not be, and the other way round; `stale` addresses whose own route is gone, so that they must
    be given anew. `found` and `wanted` are its settings: what `found` has of them is right.
    """

    wanted: NodeSettings
    found: NodeSettings
    deviations: list[Deviation] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    down: list[int] = field(default_factory=list)
    raised: list[int] = field(default_factory=list)
    stale: list[Address] = field(default_factory=list)
    no_bridge: bool = False
    devices_down: list[int] = field(default_factory=list)
    """Indices of the bridge and the loopback where they are down."""
    unlike_bridge: dict[str, int] = field(default_factory=dict)
    """Options of the bridge that aren't as wanted: what they must be."""
    not_forwarding: bool = False
    unlike_ports: dict[int, dict[str, int]] = field(default_factory=dict)
    """Ports with options that aren't as wanted: what they must be. `arp` is one of them."""
    reset: Reset = field(default_factory=Reset)

    @property
    def is_whole(self) -> bool:
        """True when nothing is wrong."""
        return not (self.deviations or self.lost or self.down)
