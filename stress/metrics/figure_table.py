"""Table of all figures of a run, for limits, reports and the docs.

In a name, WHO is a step or an action, VERB one of its verbs, PROBE a probe's name (or `probe` for all of
them), STEP the name of a step, STAT one of min, mean, max and a percentile (p50, p99, p99.9). Brackets
enclose what may be left out: without WHO a figure is of all operations. Sampled metrics are figures
too, with a STAT, first, last or growth after their name: see `figure_units`.

A new figure is a row here, its value in `figures.py`, and a line in docs/stress-report.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Literal, NamedTuple

Unit = Literal["seconds", "share", "bytes", "byterate", "bitrate", "count", "rate"]
Source = Literal["operations", "events", "probes", "flows", "ramps", "run"]
"""The part of a scenario that a figure needs: without it the figure isn't measured."""

_WORD = r"[a-z0-9][a-z0-9-]*"
_STAT = r"(?:min|mean|max|p\d{1,2}(?:\.\d+)?)"
_PARTS = {
    "[": "(?:", "]": ")?", ".": r"\.", "STAT": _STAT, "VERB": f"(?P<verb>{_WORD})",
    **dict.fromkeys(("WHO", "PROBE", "STEP"), f"(?P<who>{_WORD})"),
}  # fmt: skip
_TOKEN = re.compile("|".join(map(re.escape, _PARTS)))


class Figure(NamedTuple):
    """A row: the form of its names, its unit and source, its meaning, and the statistics to suggest."""

    form: str
    unit: Unit
    source: Source
    meaning: str
    suggested: tuple[str, ...] = ("",)

    def fullmatch(self, name: str) -> re.Match[str] | None:
        """Return the match of `name` with its groups `who` and `verb`; None for names of another form."""
        return _compiled(self.form).fullmatch(name)

    def names(self, who: str) -> Iterator[str]:
        """Yield the names to suggest: of `who`, or of all where that is empty and the form allows it."""
        shortest = re.sub(r"\[.*\]", "", self.form)
        if not who:
            shortest = shortest.replace("PROBE", "probe")
            if "STEP" in shortest:
                return
        elif shortest != self.form:
            shortest = f"{who}.{shortest}"
        elif re.match("PROBE|STEP", self.form):
            shortest = re.sub("PROBE|STEP", who, shortest)
        else:
            return
        yield from (shortest.replace("STAT", stat) for stat in self.suggested)


@cache
def _compiled(form: str) -> re.Pattern[str]:
    return re.compile(_TOKEN.sub(lambda found: _PARTS[found[0]], form))


FIGURES = (
    Figure("[WHO.[VERB.]]errors", "count", "operations", "operations that failed"),
    Figure("[WHO.[VERB.]]achieved", "count", "operations", "operations carried out"),
    Figure("[WHO.]offered", "count", "operations", "operations that were due"),
    Figure("[WHO.[VERB.]]skipped", "count", "operations", "operations without anything to do"),
    Figure("[WHO.]rate", "rate", "operations", "operations per second of the time they took"),
    Figure("[WHO.]offered_rate", "rate", "operations", "operations per second of the planned time", ()),
    Figure("[WHO.[VERB.]]latency.STAT", "seconds", "operations",
           "from when operations were due until they were done", ("p99", "p50", "max")),
    Figure("[WHO.[VERB.]]lateness.STAT", "seconds", "operations",
           "from when operations were due until they began", ("p99",)),
    Figure("[WHO.]convergence.STAT", "seconds", "events",
           "from an event until all probes that it affected were right again", ("p99", "max")),
    Figure("[WHO.]convergence.events", "count", "events", "events that affected a probe", ()),
    Figure("[WHO.]convergence.unfinished", "count", "events", "events that never ended"),
    Figure("[WHO.]recovery.STAT", "seconds", "events",
           "convergence, from when the event was undone", ("p99",)),
    Figure("leaks", "count", "run", "things that the run left behind"),
    Figure("doubts", "count", "run", "warnings about the validity of the figures"),
    Figure("sampler.cpu", "share", "run", "share of a core that sampling took"),
    Figure("PROBE.loss", "share", "probes", "share of probes sent without an answer in time"),
    Figure("PROBE.rtt.STAT", "seconds", "probes",
           "round trips; of TCP the handshake, of commands until they ended", ("p99",)),
    Figure("PROBE.blackhole", "seconds", "probes", "all loss windows together"),
    Figure("PROBE.longest", "seconds", "probes", "the longest loss window"),
    Figure("PROBE.windows", "count", "probes", "loss windows"),
    Figure("PROBE.pairs", "count", "probes", "pairs of nodes", ()),
    Figure("PROBE.sent", "count", "probes", "probes sent", ()),
    Figure("PROBE.answered", "count", "probes", "probes answered in time", ()),
    Figure("PROBE.late", "count", "probes", "probes answered after the timeout", ()),
    Figure("PROBE.unasked", "count", "probes", "probes that there was no time to send", ()),
    Figure("probe.cpu", "share", "probes", "share of a core that probing took", ()),
    Figure("traffic.rate", "bitrate", "flows", "of all flows together"),
    Figure("traffic.slowest", "bitrate", "flows", "of the slowest flow"),
    Figure("traffic.flows", "count", "flows", "flows"),
    Figure("traffic.failed", "count", "flows", "flows that failed"),
    Figure("STEP.last_good", "count", "ramps", "hosts that a ramp, ports that a vpc-growth reached"),
    Figure("seconds", "seconds", "run", "duration of the run", ()),
)  # fmt: skip


_FIXED = {row.form: row for row in FIGURES}


def figure_of(name: str) -> Figure | None:
    """Return the row that `name` belongs to, fixed names first (`traffic.rate` is not a step's rate).

    None for sampled metrics and unknown names.
    """
    return _FIXED.get(name) or next((row for row in FIGURES if row.fullmatch(name)), None)


def suggestions(whose: Iterable[str]) -> list[str]:
    """Return names of figures to suggest: of the whole run, then of each step, action or probe in `whose`."""
    return [name for who in ("", *whose) for row in FIGURES for name in row.names(who)]
