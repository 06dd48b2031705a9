"""How tasks of a run are divided where the nodes are on several workers (`emulator.tasks.Spread`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from emulator.spreads import OnEveryWorker
from emulator.tasks import Places, Plain


class OnAll(OnEveryWorker):
    """The same part on every worker. Numbers of their answers are added up by name, at any depth."""

    def joined(self, request: Plain, answers: Mapping[str, Plain]) -> Plain:
        """Return the sums."""
        del request
        found: Plain = None
        for answer in answers.values():
            found = added(found, answer)
        return found

    def results(self, parts: Mapping[str, Plain]) -> Plain:
        """Return the sums."""
        return self.joined(None, parts)


def added(one: Plain, other: Plain) -> Plain:
    """Return the sum of two numbers, of lists place by place, of mappings name by name; None adds nothing."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, dict):
        return {
            key: added(one.get(key), other.get(key)) for key in (*one, *(k for k in other if k not in one))
        }
    if isinstance(one, list):
        return [added(a, b) for a, b in zip(one, other, strict=True)]
    return one + other


class ByWorker(OnAll):
    """The same part on every worker; the answers stay apart: worker -> answer."""

    def joined(self, request: Plain, answers: Mapping[str, Plain]) -> Plain:
        """Return the answers by worker."""
        del request
        return dict(answers)


class PortsSpread(OnAll):
    """Counters of `ports`, a list of [node, interface]: each worker has those of its nodes."""

    def arguments(self, whole: Mapping[str, Plain], places: Places) -> Mapping[str, Mapping[str, Plain]]:
        """Return the ports of each worker."""
        parts: dict[str, list[Any]] = {worker: [] for worker in places.workers}
        for port in whole["ports"]:
            parts[places.worker_of(port[0])].append(port)
        return {worker: {**whole, "ports": ports} for worker, ports in parts.items()}


class HostsSpread(OnAll):
    """The same part on the workers of some nodes, such as compute hosts."""

    def __init__(self, hosts: Iterable[int]) -> None:
        self._hosts = tuple(hosts)

    def arguments(self, whole: Mapping[str, Plain], places: Places) -> Mapping[str, Mapping[str, Plain]]:
        """Return the arguments for the workers of these nodes."""
        return dict.fromkeys(map(places.worker_of, self._hosts), whole)
