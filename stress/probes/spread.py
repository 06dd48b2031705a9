"""How probes are divided among workers: they are sent on the worker of their source.

TCP needs a listener in each target: where that is on another worker, a part of its own listens there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.tasks import Places, Plain
from stress.spreads import OnAll

LISTEN = "listen"
"""Kind of a spec whose targets only listen: its pairs are probed from other workers."""


class ProbesSpread(OnAll):
    """Divides `specs` by the sources of their pairs; `origin` is second 0 by the clock here, and there."""

    def arguments(self, whole: Mapping[str, Plain], places: Places) -> Mapping[str, Mapping[str, Plain]]:
        """Return the specs of each worker that sends or listens."""
        parts: dict[str, list[dict[str, Any]]] = {}
        for spec in whole["specs"]:
            for worker, pairs in _by_worker(spec["pairs"], 0, places).items():
                parts.setdefault(worker, []).append({**spec, "pairs": pairs})
            if spec["kind"] == "tcp":
                for worker, pairs in _by_worker(spec["pairs"], 1, places).items():
                    remote = [pair for pair in pairs if places.worker_of(pair[0]) != worker]
                    if remote:
                        parts.setdefault(worker, []).append({**spec, "kind": LISTEN, "pairs": remote})
        return {
            worker: {"specs": specs, "origin": whole["origin"] + places.clock_ahead(worker)}
            for worker, specs in parts.items()
        }

    def results(self, parts: Mapping[str, Plain]) -> Plain:
        """Return all records, and the processor time of all."""
        return {
            "records": [group for part in parts.values() for group in part["records"]],
            "cost": sum(part["cost"] for part in parts.values()),
        }


def _by_worker(pairs: list[list[Any]], end: int, places: Places) -> dict[str, list[list[Any]]]:
    """Return the pairs by the worker of one end: 0 for the sources, 1 for the targets."""
    found: dict[str, list[list[Any]]] = {}
    for pair in pairs:
        found.setdefault(places.worker_of(pair[end]), []).append(pair)
    return found
