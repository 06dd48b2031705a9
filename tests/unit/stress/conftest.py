"""Runs of the runner without watching the machine, so that only the runner is tested."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from stress.records import ProbeRecord, Sample
from stress.runner import observers


class QuietSampler:
    failure = None

    light_ports: ClassVar[dict[str, Any]] = {}

    def start(self, clock: object) -> None:
        pass

    def stop(self) -> tuple[list[Sample], float]:
        return [Sample(0.0, {"host.namespaces": 3.0}), Sample(1.0, {"host.namespaces": 3.0})], 0.0


class QuietProbes:
    cost = 0.25
    failure = None

    def stop(self) -> list[ProbeRecord]:
        return []

    def wrong(self) -> int:
        return 0


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observers, "create_sampler", lambda *_: QuietSampler())
    monkeypatch.setattr(observers, "create_probes", lambda *_: QuietProbes())
