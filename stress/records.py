"""Records of a run: plain numbers that the runner writes and reports read.

Times are seconds since the run began, on the monotonic clock, unless stated otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stress.histogram import Histogram
from stress.outcomes import Outcomes
from stress.times import Times


@dataclass(slots=True)
class LossWindow:
    """Time without a correct answer to a probe: from the first loss to the first answer after it.

    `end` is None while it lasts, and also when the run ended in it.
    """

    start: float
    end: float | None
    lost: int
    since: float | None = None
    """Time at which the last answered probe before the window was sent; None without one."""


@dataclass
class ProbeRecord:
    """Results of one probe (a pair, a connection, a command) over the run."""

    probe: str
    source: str
    target: str
    sent: int = 0
    answered: int = 0
    windows: list[LossWindow] = field(default_factory=list)
    times: Times = field(default_factory=Times)
    """(time sent, round-trip seconds) of a bounded sample of the answers."""
    kind: str = "ping"
    """ping, tcp or command."""
    interval: float = 0.0
    """Seconds between two probes: the precision of loss windows."""
    late: int = 0
    """Answers after the timeout: their probes count as lost."""
    unasked: int = 0
    """Probes that were due but not sent, because the thread got no processor time."""
    histogram: Histogram | None = None
    """Round-trip times of all pairs of this probe together: the same object in each of their records."""

    @property
    def loss(self) -> float:
        """Share of probes sent without an answer, 0 to 1."""
        return 1.0 - self.answered / self.sent if self.sent else 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Sample of the machine's metrics: name -> number. Names and units are in `metrics.figure_units`."""

    at: float
    values: dict[str, float]


@dataclass
class LeakCheck:
    """Counts before the run and after its restoration: name -> (before, after)."""

    counts: dict[str, tuple[float, float]] = field(default_factory=dict)
    leaked: list[str] = field(default_factory=list)


@dataclass
class Phase:
    """Part of the run: warmup, a step, cooldown, restore."""

    name: str
    start: float
    end: float


@dataclass
class WorkerRecord:
    """What a worker of a cluster did in a run, by its own clock; times in seconds."""

    name: str
    operations: int = 0
    errors: int = 0
    lateness: Histogram = field(default_factory=Histogram)
    """From when its operations were due until it began them."""
    clock_error: float = 0.0
    """The largest error of its second 0: half of the quickest round trip by which its clock was read."""
    clock_drift: float | None = None
    """How far its clock had drifted from this machine's when the run ended; None where it didn't answer."""
    failure: str = ""
    """Why it ended early."""


@dataclass
class RunResult:
    """Results of a whole run."""

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
    """Step -> number of scheduled operations, without those left when the step ended early."""
    probes: list[ProbeRecord] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    sampler_cost: float = 0.0
    """CPU seconds that the sampler itself used."""
    probe_cost: float = 0.0
    """CPU seconds that probing used, without commands."""
    traffic: list[dict[str, Any]] = field(default_factory=list)
    light_ports: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Counters of light ports over the run: {"vpcs": rows, "compute_hosts": rows}; empty without any."""
    workers: list[WorkerRecord] = field(default_factory=list)
    """The workers that carried out operations; empty where the machine of the command did all."""
    leaks: LeakCheck = field(default_factory=LeakCheck)
    restored: list[str] = field(default_factory=list)
    interrupted: str = ""
    """The signal that ended the run early."""
    aborted: str = ""
    """The failure that ended the run early; the results have what was measured until then."""
    failure: BaseException | None = None
    """The exception of that failure; not part of reports."""
    warnings: list[str] = field(default_factory=list)
    """Reasons why figures are unreliable: late operations, a saturated CPU."""
    ramps: list[dict[str, Any]] = field(default_factory=list)
    """Results of each `ramp`: step, sizes reached with their seconds, `last_good`, `stopped_by`."""
