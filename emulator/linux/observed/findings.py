"""Deviations of one node, and how to fix them."""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator.deviation import Deviation
from emulator.node_settings import NodeSettings
from topologies.addressing import Address
from topologies.profiles import Shape

UNLIKE = Shape(queue=-1)
"""Value for any queues of an interface that differ from its shape."""


@dataclass
class Reset:
    """Settings to restore in a node's namespace, by interface.

    `forwarding`: (address family, interface) that don't forward packets. `ipv6`: interfaces where IPv6 may
    be disabled. `link_local`: interfaces without a link-local address. `rules`: missing rules as (address
    family, priority, table).
    """

    forwarding: list[tuple[int, str]] = field(default_factory=list)
    ipv6: list[str] = field(default_factory=list)
    link_local: list[str] = field(default_factory=list)
    rules: list[tuple[int, int, int]] = field(default_factory=list)
    localhost: bool = False

    @property
    def is_empty(self) -> bool:
        """True when nothing needs to be set."""
        return not (self.forwarding or self.ipv6 or self.link_local or self.rules or self.localhost)


@dataclass
class NodeFindings:
    """Deviations of one node, and how to fix them.

    `lost` are links (by number) to create again. `down` are ports that are down and should be up; `raised`
    are ports that are up and should be down. `stale` are addresses that must be added again, because the
    kernel's route for them is gone. `wanted` are the planned settings, `found` those of them that are right.
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
    """Indices of the bridge and the loopback if they are down."""
    unlike_bridge: dict[str, int] = field(default_factory=dict)
    """Planned values of the bridge's deviating options."""
    not_forwarding: bool = False
    unlike_ports: dict[int, dict[str, int]] = field(default_factory=dict)
    """Ports with deviating options, and the planned values. `arp` is one of the options."""
    reset: Reset = field(default_factory=Reset)

    @property
    def is_whole(self) -> bool:
        """True when the node has no deviations."""
        return not (self.deviations or self.lost or self.down)
