"""Figures of probes: of each probe of the scenario, and of all together under the name `probe`."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from stress.histogram import Histogram
from stress.records import ProbeRecord


class ProbeFigures:
    """Counts and round trips of a run of `seconds`, by the names of figures."""

    def __init__(self, probes: Sequence[ProbeRecord], seconds: float) -> None:
        self.values: dict[str, float] = {}
        self.histograms: dict[str, Histogram] = {}
        self._seconds = seconds
        groups: dict[str, list[ProbeRecord]] = defaultdict(list)
        for probe in probes:
            groups[probe.probe].append(probe)
        for name, some in groups.items():
            self._add(name, some)
        if groups:
            self._add("probe", probes)

    def _add(self, name: str, probes: Sequence[ProbeRecord]) -> None:
        sent = sum(probe.sent for probe in probes)
        windows = [
            (window.end or self._seconds) - window.start for probe in probes for window in probe.windows
        ]
        self.values |= {
            f"{name}.pairs": len(probes), f"{name}.sent": sent,
            f"{name}.answered": sum(probe.answered for probe in probes),
            f"{name}.late": sum(probe.late for probe in probes),
            f"{name}.unasked": sum(probe.unasked for probe in probes),
        }  # fmt: skip
        if sent:
            self.values |= {
                f"{name}.loss": 1 - self.values[f"{name}.answered"] / sent,
                f"{name}.windows": len(windows), f"{name}.blackhole": math.fsum(windows),
                f"{name}.longest": max(windows, default=0.0),
            }  # fmt: skip
        self.histograms[f"{name}.rtt"] = round_trips(probes)


def round_trips(probes: Iterable[ProbeRecord]) -> Histogram:
    """Return the round-trip times of several probes; pairs of one probe share their histogram."""
    merged = Histogram()
    seen: set[int] = set()
    for probe in probes:
        if probe.histogram is None:
            merged.add_all([seconds for _, seconds in probe.times])
        elif id(probe.histogram) not in seen:
            seen.add(id(probe.histogram))
            merged.merge(probe.histogram)
    return merged
