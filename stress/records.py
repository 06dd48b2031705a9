"""What a run leaves behind: plain numbers that the runner writes and reports read.

Times are seconds since the run began, on the monotonic clock, unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stress.histogram import Histogram
from stress.outcomes import Outcomes
from stress.times import Times


@dataclass(slots=True)
class LossWindow:
    """A time in which a probe got no right answer: from the first miss to the first answer after it.

    `end` is None while it lasts (or when the run ended in it).
    """

    start: float
    end: float | None
    lost: int
    since: float | None = None
    """When the last question before the window that was answered was asked; None when none was."""


@dataclass
class ProbeRecord:
    """What one probe (a pair, a connection, a command) found over the run."""

    probe: str
    source: str
    target: str
    sent: int = 0
    answered: int = 0
    windows: list[LossWindow] = field(default_factory=list)
    times: Times = field(default_factory=Times)
    """(when asked, round-trip seconds) of a bounded sample of the answers."""
    kind: str = "ping"
    """ping, tcp or command."""
    interval: float = 0.0
    """Seconds between two questions: no window is known more exactly."""
    late: int = 0
    """Answers that came after the timeout: their questions count as lost."""
    unasked: int = 0
    """Questions that were due but not asked, because the machine gave the asking thread no time."""
    histogram: Histogram | None = None
    """Round-trip times of all pairs of this probe together: the same object in each of their records."""

    @property
    def loss(self) -> float:
        """Share of questions without an answer, 0 to 1."""
        return 1.0 - self.answered / self.sent if self.sent else 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The machine at one moment: metric name -> number. Names and units are in stress/metrics."""

    at: float
    values: dict[str, float]


@dataclass
class LeakCheck:
    """Counts before and after the run, all things restored: name -> (before, after)."""

    counts: dict[str, tuple[float, float]] = field(default_factory=dict)
    leaked: list[str] = field(default_factory=list)


@dataclass
class Phase:
    """A part of the run: warmup, a step, cooldown, restore."""

    name: str
    start: float
    end: float


@dataclass
class RunRecord:
    """A whole run."""

    scenario: dict[str, Any]
    network: dict[str, Any]
    """name, engine, nodes by kind, links, fidelity by tier."""
    machine: dict[str, Any]
    """kernel, CPU model, cores, memory, Python, versions."""
    seed: int
    began: float
    """Wall-clock time of second 0 of the run, seconds since the epoch."""
    phases: list[Phase] = field(default_factory=list)
    outcomes: Outcomes = field(default_factory=lambda: Outcomes.of(()))
    offered: dict[str, int] = field(default_factory=dict)
    """Step -> how many operations the schedule held, but for those left when the step ended itself."""
    probes: list[ProbeRecord] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    sampler_cost: float = 0.0
    """CPU seconds that the sampler itself used."""
    probe_cost: float = 0.0
    """CPU seconds that asking the probes used, commands left out."""
    traffic: list[dict[str, Any]] = field(default_factory=list)
    leaks: LeakCheck = field(default_factory=LeakCheck)
    restored: list[str] = field(default_factory=list)
    interrupted: str = ""
    """The signal that ended the run early."""
    aborted: str = ""
    """The failure that ended the run early, in words: what was measured until then is in the record."""
    failure: BaseException | None = None
    """The same as it was raised; no part of reports."""
    warnings: list[str] = field(default_factory=list)
    """Why figures may not be trusted: late arrivals, a saturated CPU."""
    ramps: list[dict[str, Any]] = field(default_factory=list)
    """What each `ramp` found: step, sizes reached with their seconds, `last_good`, `stopped_by`."""
