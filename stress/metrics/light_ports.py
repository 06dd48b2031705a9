"""Traffic of light ports by VPC and by compute host: a task counts it where the nodes are."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from emulator.access import Capability
from emulator.errors import EmulationError
from emulator.network import Network
from emulator.tasks import PORT_COUNTERS, RunningTask, Task
from stress.spreads import HostsSpread

Numbers = dict[str, float]
MOST_SERIES = 64
"""Most VPCs, and most compute hosts, that are sampled one by one; the totals of a run have them all."""


class LightPorts:
    """Counters of the light ports of a network; none where it has none, or the engine runs no tasks."""

    def __init__(self, network: Network) -> None:
        topology = network.topology
        vpcs = topology.vpcs
        self._task: RunningTask | None = None
        self._sums: dict[str, dict[str, list[int]]] = {}
        if vpcs is None or not topology.light.any() or not network.access.supports(Capability.TASKS):
            return
        self._names: dict[str, Callable[[int], str]] = {
            "vpc": vpcs.names.__getitem__, "compute": topology.names.__getitem__,
        }  # fmt: skip
        hosts = set(topology.light_hosts.tolist())
        self._each = {"vpc": len(vpcs.names) <= MOST_SERIES, "compute": len(hosts) <= MOST_SERIES}
        self._zero = {
            "vpc": [str(number) for number in range(len(vpcs.names))],
            "compute": [str(host) for host in sorted(hosts)],
        }
        self._task = network.access.start(
            Task("stress.tasks.light_ports:LightPortCounters", spread=HostsSpread(sorted(hosts)))
        )

    def counters(self) -> Numbers:
        """Return `light.rx_packets` and so on of all ports, `vpc.NAME.rx_packets`, `compute.NAME.rx_packets`.

        They count from the begin of the run.
        """
        if self._task is None:
            return {}
        with suppress(EmulationError, OSError):  # the network may go down during a run
            self._sums = self._task.ask()
        found: Numbers = {}
        none = [0] * len(PORT_COUNTERS)
        for at, key in enumerate(PORT_COUNTERS):
            found[f"light.{key}"] = float(sum(sums[at] for sums in self._sums.get("vpc", {}).values()))
        for kind, each in self._each.items():
            for number in self._zero[kind] if each else ():
                counted = self._sums.get(kind, {}).get(number, none)
                name = self._names[kind](int(number))
                for key, value in zip(PORT_COUNTERS, counted, strict=True):
                    found[f"{kind}.{name}.{key}"] = float(value)
        return found

    def totals(self) -> dict[str, list[dict[str, Any]]]:
        """Return {"vpcs": rows, "compute_hosts": rows}: name and counters over the run, the busiest first."""
        if self._task is None:
            return {}
        return {
            key: sorted(
                (
                    {"name": self._names[kind](int(number)), **dict(zip(PORT_COUNTERS, sums, strict=True))}
                    for number, sums in self._sums.get(kind, {}).items()
                ),
                key=lambda row: -int(row["rx_bytes"]),
            )
            for key, kind in (("vpcs", "vpc"), ("compute_hosts", "compute"))
        }

    def close(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.stop()
