"""Reachability of ports of VPCs: within a VPC, where the underlay joins the compute hosts."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from emulator.forwarding.select import forwarding_for
from emulator.overlay.light_ports import LightPorts
from emulator.overlay.plan import Overlay
from topologies.topology import Topology

Answers = Callable[[int, int, str], bool]


class OverlayReach:
    """Expected reachability of `topology` over the links that are up (bool[m]).

    `full` answers for nodes of the underlay. Ports never reach them, nor they ports.
    """

    def __init__(self, topology: Topology, up: npt.NDArray[np.bool_], full: Answers) -> None:
        self._topology = topology
        self._up = up
        self._full = full
        self._known: dict[tuple[int, int], bool] = {}

    @cached_property
    def _overlay(self) -> Overlay:
        topology = self._topology
        return Overlay(LightPorts(topology), topology.underlay, forwarding_for(topology.underlay))

    def answers(self, source: int, target: int, address: str) -> bool:
        """Return whether `address` of node `target` answers to node `source`.

        Where another port in the VPC of `source` has the same address, that one answers.
        """
        ports = self._overlay.ports
        a = source - ports.first
        if a < 0:
            return target < ports.first and self._full(source, target, address)
        b = self._port(int(ports.vpc[a]), int(ipaddress.IPv4Address(address)))
        if b is None:
            return False
        return bool(self._up[ports.link[a]] and self._up[ports.link[b]]) and self._joined(a, b)

    @cached_property
    def _by_address(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """VPC and address of each port as one number, ascending, and its row: int64[k] each."""
        ports = self._overlay.ports
        wide = ports.vpc << 32 | ports.address.astype(np.int64)
        order = np.argsort(wide)
        return wide[order], order

    def _port(self, vpc: int, address: int) -> int | None:
        """Return the row of the port with `address` in a VPC."""
        wide, order = self._by_address
        at = int(np.searchsorted(wide, vpc << 32 | address))
        return int(order[at]) if at < len(wide) and wide[at] == vpc << 32 | address else None

    def _joined(self, a: int, b: int) -> bool:
        """Return whether the compute hosts of two ports (rows) reach each other."""
        overlay = self._overlay
        behind = overlay.is_behind_device
        if overlay.ports.host[a] == overlay.ports.host[b] and behind[a] and behind[b]:
            return True  # from device to device, or within a namespace: not by the uplink
        pair = int(overlay.ports.host[a]), int(overlay.ports.host[b])
        found = self._known.get(pair)
        if found is None:
            found = self._known[pair] = self._hosts_joined(*pair)
        return found

    def _hosts_joined(self, a: int, b: int) -> bool:
        if a == b:  # packets turn round at its uplink, which must be up
            (link, _, _), *_ = self._topology.underlay.incident(a)
            return bool(self._up[link])
        address = next(one.text for one in self._overlay.forwarding.addresses(b) if one.version == 4)
        return self._full(a, b, address)
