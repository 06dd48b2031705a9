"""Frames through tunnels that a ping may avoid: switches with computed flows have several ways.

Open vSwitch sends some frames out of the tunnel's port (`ovs-ofctl packet-out`, ovs-ofctl(8)), and the
kernel's counter at the other end tells whether they arrived. Both directions are tested. The frames have a
host's address and an EtherType for experiments (IEEE 802, 0x88b5): they go to that host, which ignores them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emulator.checks.components import components
from emulator.commands import CommandResult
from emulator.engines.driven.node_lines import is_switch, program_name
from emulator.engines.remote.access import RemoteAccess
from emulator.forwarding.blocked import is_computed
from emulator.forwarding.select_groups import PROTOCOL
from emulator.plan import Plan
from topologies.identifiers import interface_name, mac

_SIZE, _SENT, _ENOUGH = 500, 12_000, 4_000
"""Bytes of a frame, of a round's frames, and of those that must arrive: a link may lose some. Others arrive
from the worker's own kernel: some 1,000 bytes, for its IPv6 addresses on new devices."""
_PAUSE = 0.1
_SECONDS = 30.0
_EXPERIMENT = "88b5"


@dataclass(frozen=True)
class Way:
    """One direction of a tunnel: from `port` of `source` to `interface` of `target`.

    `packet` is a frame: two hexadecimal digits for each byte.
    """

    source: int
    bridge: str
    port: int
    target: int
    interface: str
    packet: str

    @property
    def send(self) -> tuple[int, list[str]]:
        """The node and the command that send the frames."""
        copies = -(-_SENT * 2 // len(self.packet))
        out = ",".join([f"output:{self.port}"] * copies)
        words = f"in_port=controller,packet={self.packet},actions={out}"
        return self.source, ["ovs-ofctl", "-O", PROTOCOL, "packet-out", self.bridge, words]

    @property
    def count(self) -> tuple[int, list[str]]:
        """The node and the command that show the counters of the other end."""
        return self.target, ["ip", "-json", "-statistics", "link", "show", "dev", self.interface]


def tunnels_of(plan: Plan) -> list[int]:
    """Return the links between workers that forward."""
    found: list[int] = np.flatnonzero(plan.cut & plan.links_up & ~plan.blocked).tolist()
    return found


def tunnel_frames(plan: Plan) -> dict[int, tuple[Way, Way]]:
    """Return both ways of each tunnel between switches with computed flows that frames may avoid."""
    return {
        link: (_way(plan, link, 0), _way(plan, link, 1))
        for link in tunnels_of(plan)
        if all(_is_computed(plan, node) for node in plan.topology.ends[link].tolist())
        and _is_avoidable(plan, link)
    }


def _is_computed(plan: Plan, node: int) -> bool:
    profile = plan.topology.node_profile_of(node)
    return is_switch(plan, node) and profile.switch == "ovs" and is_computed(profile.openflow)


def _is_avoidable(plan: Plan, link: int) -> bool:
    """Return whether the ends of a link are joined without it."""
    others = plan.links_up & ~plan.blocked
    others[link] = False
    a, b = components(plan.topology, others)[plan.topology.ends[link]].tolist()
    return bool(a == b)


def _way(plan: Plan, link: int, end: int) -> Way:
    topology = plan.topology
    nodes, ports = topology.ends[link].tolist(), topology.ports[link].tolist()
    source, target = nodes[end], nodes[1 - end]
    hosts = [host for host in topology.hosts.tolist() if topology.degrees[host]]
    to = mac(topology, hosts[0], min(port for _, _, port in topology.incident(hosts[0]))) if hosts else None
    size = min(_SIZE, topology.link_profile_of(link).effective_mtu)
    head = (to or bytes.fromhex("020000000001")) + mac(topology, source, ports[end])
    return Way(
        source, program_name(plan, source), ports[end], target,
        interface_name(topology, target, ports[1 - end]), f"{head.hex()}{_EXPERIMENT}".ljust(2 * size, "0"),
    )  # fmt: skip


def received(access: RemoteAccess, frames: Mapping[int, Sequence[Way]], wait: float) -> set[int]:
    """Send frames over each tunnel; return those where enough arrive in both directions in `wait` seconds."""
    ways = {way: link for link, both in frames.items() for way in both}
    if not ways:
        return set()
    before = _counts(access, list(ways))
    access.run([way.send for way in ways], _SECONDS)
    left = set(ways)
    end = time.monotonic() + wait
    while True:
        now = _counts(access, list(left))
        left -= {way for way, count in now.items() if way in before and count - before[way] >= _ENOUGH}
        if not left or time.monotonic() > end:
            return set(frames) - {ways[way] for way in left}
        time.sleep(_PAUSE)


def _counts(access: RemoteAccess, ways: Sequence[Way]) -> dict[Way, int]:
    """Return how many bytes each way's other end has received; none for one that can't be asked."""
    results = access.run([way.count for way in ways], _SECONDS)
    found = {way: _bytes(result) for way, result in zip(ways, results, strict=True)}
    return {way: count for way, count in found.items() if count is not None}


def _bytes(result: CommandResult) -> int | None:
    try:
        return int(json.loads(result.output)[0]["stats64"]["rx"]["bytes"])
    except (ValueError, LookupError):
        return None
