"""What figures are measured in, by their names."""

from __future__ import annotations

import re

from stress.metrics.names import COUNTERS, HOST, RUN, unit_of, whose

STAT = re.compile(r"(.+)\.(min|mean|max|first|last|growth|p\d{1,2}(?:\.\d+)?)")
"""A figure, and which of its statistics."""
_SAMPLED = re.compile(rf"port\.\S+\.(?:{'|'.join(COUNTERS)})|process\.\S+\.(?:cpu|rss|fds)")
ALIASES = {"host.memory": "host.memory.used", "host.cpu": "host.cpu.busy"}

_UNITS = (
    (r"(?:WORD\.(?:WORD\.)?)?(?:latency|lateness)\.STAT", "seconds"),
    (r"(?:WORD\.)?(?:convergence|recovery)\.STAT", "seconds"),
    (r"(?:WORD\.)?convergence\.(?:events|unfinished)", "count"),
    (r"(?:WORD\.(?:WORD\.)?)?(?:achieved|errors|skipped)", "count"),
    (r"(?:WORD\.)?offered", "count"),
    (r"traffic\.(?:rate|slowest)", "bitrate"),
    (r"(?:WORD\.)?(?:rate|offered_rate)", "rate"),
    (r"WORD\.rtt\.STAT", "seconds"),
    (r"WORD\.loss", "share"),
    (r"WORD\.(?:blackhole|longest)", "seconds"),
    (r"(?:sampler|probe)\.cpu", "share"),
    (r"WORD\.(?:pairs|sent|answered|late|unasked|windows|last_good)", "count"),
    (r"traffic\.(?:flows|failed)|leaks|doubts", "count"),
    (r"seconds", "seconds"),
)
_WORD, _ANY_STAT = r"[a-z0-9][a-z0-9-]*", r"(?:min|mean|max|p\d{1,2}(?:\.\d+)?)"
_PATTERNS = [
    (re.compile(text.replace("WORD", _WORD).replace("STAT", _ANY_STAT)), unit) for text, unit in _UNITS
]


def figure_unit(name: str) -> str | None:
    """Return a figure's unit: seconds, share, bytes, byterate, bitrate, count, rate; None if unknown."""
    found = STAT.fullmatch(name)
    base = found[1] if found else name
    base = ALIASES.get(base, base)
    if base in RUN or _SAMPLED.fullmatch(base) or _is_host_metric(base):
        return unit_of(base)
    return next((unit for pattern, unit in _PATTERNS if pattern.fullmatch(name)), None)


def _is_host_metric(name: str) -> bool:
    """Return whether `name` may be sampled of a machine."""
    return name in HOST or bool(
        re.fullmatch(r"host\.(cpu\.core\d+|softirqs\.\w+|pressure\.(cpu|memory|io|irq)\.(some|full))", name)
    )


def of_whom(name: str) -> str:
    """Return what a figure is of that is sampled, in words; nothing where its name says so."""
    found = STAT.fullmatch(name)
    base = found[1] if found else name
    return whose(ALIASES.get(base, base))
