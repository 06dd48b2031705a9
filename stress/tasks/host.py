"""Metrics of a machine that is a worker, read there: `stress.metrics.host` explains them."""

from __future__ import annotations

import time
from typing import Any

from emulator.tasks import Nodes
from stress.metrics import host
from stress.metrics.rates import GAUGES, rates, shares
from stress.metrics.rtnl import LockWaits

_LEFT_OUT = ("host.cpu.core", "host.softirqs.")
"""Metrics of which a machine has many: a cluster has many machines."""


class HostMetrics:
    """Task that reads the metrics of its machine on request; rates are over the time since the last one."""

    failure = None

    def __init__(self, nodes: Nodes, arguments: dict[str, Any]) -> None:
        del nodes, arguments
        self._waits = LockWaits()
        self._waits.start()
        self._before = (time.monotonic(), host.counters())

    def ask(self, request: None = None) -> dict[str, float]:
        """Return name -> number."""
        del request
        now, growing = time.monotonic(), host.counters()
        values = host.gauges() | {"host.rtnl.wait": self._waits.longest()}
        values |= {name: growing.pop(name) for name in GAUGES & growing.keys()}
        seconds = now - self._before[0]
        if seconds > 0:
            values |= shares(rates(self._before[1], growing, seconds))
        self._before = (now, growing)
        return {name: value for name, value in values.items() if not name.startswith(_LEFT_OUT)}

    def stop(self) -> None:
        """End what tests the lock."""
        self._waits.stop()
