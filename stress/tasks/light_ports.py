"""Counters of all light ports, added up by VPC and by compute host where the nodes are.

They are read from shared memory in parts of 65,536 ports, so that no other thread waits long. What a port
counted since the last look belongs to the compute host that it is on at the moment.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from emulator.errors import UsageError
from emulator.tasks import PORT_COUNTERS, Nodes

_PART = 1 << 16

Counters = npt.NDArray[np.uint64]
Sums = npt.NDArray[np.int64]


class LightPortCounters:
    """Task that adds up the counters on request, from when it starts."""

    failure = None

    def __init__(self, nodes: Nodes, arguments: dict[str, Any]) -> None:
        del arguments
        ports = nodes.light_ports()
        if ports is None:
            raise UsageError("the network has no light ports to count")
        self._ports = ports
        self._vpcs = ports.vpcs()
        kinds = len(PORT_COUNTERS)
        self._last: Counters = np.zeros((len(self._vpcs), kinds), dtype=np.uint64)
        self._by_vpc: Sums = np.zeros((int(self._vpcs.max(initial=-1)) + 1, kinds), dtype=np.int64)
        self._by_host: Sums = np.zeros((len(nodes.names), kinds), dtype=np.int64)
        self._parts = [
            slice(first, min(first + _PART, len(self._vpcs))) for first in range(0, len(self._vpcs), _PART)
        ]
        for part in self._parts:
            self._last[part] = ports.counters(part.start, part.stop)

    def ask(self, request: None = None) -> dict[str, dict[str, list[int]]]:
        """Return {"vpc": {number: sums}, "compute": {node: sums}}; sums in the order of `PORT_COUNTERS`.

        Numbers are text, as keys in JSON. A VPC or compute host that has counted nothing yet is left out.
        """
        del request
        for part in self._parts:
            self._add(part)
        return {"vpc": _plain(self._by_vpc), "compute": _plain(self._by_host)}

    def stop(self) -> None:
        """Close the ports."""
        self._ports.close()

    def _add(self, part: slice) -> None:
        """Add what the ports of `part` have counted. A counter that fell began anew, with its port."""
        now, before = self._ports.counters(part.start, part.stop), self._last[part]
        changed = np.flatnonzero((now != before).any(axis=1))
        if not len(changed):
            return
        now, before = now[changed], before[changed]
        grown = np.where(now >= before, now - before, now).astype(np.int64)
        self._last[part.start + changed] = now
        hosts = self._ports.hosts(part.start, part.stop)[changed]
        there = hosts >= 0
        np.add.at(self._by_vpc, self._vpcs[part][changed], grown)
        np.add.at(self._by_host, hosts[there], grown[there])


def _plain(sums: Sums) -> dict[str, list[int]]:
    """Return the rows that aren't zero, by their number."""
    return {str(row): sums[row].tolist() for row in np.flatnonzero(sums.any(axis=1)).tolist()}
