"""Rows from samples: medians, spread, ratios, a verdict, and a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """Figure with its own samples, the samples to compare with, and the target.

    `ours` and `other` are samples in seconds, taken in turns; `other` may be empty. `kind` says what
    `target` limits: "ratio" is median(ours) / median(other), "seconds" is median(ours), "excess" is
    median(ours) - median(other), "speedup" is median(other) / median(ours), at least the target.
    """

    work: str
    ours: tuple[float, ...]
    against: str = ""
    other: tuple[float, ...] = ()
    kind: str = "seconds"
    target: float = 0.0

    @property
    def value(self) -> float:
        """The figure that the target limits."""
        mine = median(self.ours)
        if self.kind == "seconds":
            return mine
        theirs = median(self.other)
        return {"ratio": mine / theirs, "excess": mine - theirs, "speedup": theirs / mine}[self.kind]

    @property
    def met(self) -> bool:
        """Return whether the target is met."""
        return self.value >= self.target if self.kind == "speedup" else self.value <= self.target

    def as_json(self) -> dict[str, object]:
        """Return everything, samples included."""
        return {
            "work": self.work, "against": self.against, "kind": self.kind, "target": self.target,
            "value": round(self.value, 4), "met": self.met,
            "ours": [round(s, 4) for s in self.ours], "other": [round(s, 4) for s in self.other],
        }  # fmt: skip


def seconds(value: float) -> str:
    """Return seconds as text for people."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def spread(samples: Sequence[float]) -> str:
    """Return `median (least-most)`, the value if there is only one, or a dash for none."""
    if len(samples) < 2:
        return seconds(samples[0]) if samples else "-"
    return f"{seconds(median(samples))} ({seconds(min(samples))}\N{EN DASH}{seconds(max(samples))})"


def compared(row: Row) -> str:
    """Return the figure in the notation of its kind: `1.12 x`, `+0.35 s`, `0.04 s`."""
    sign = "+" if row.value >= 0 else "\N{MINUS SIGN}"
    forms = {
        "ratio": f"{row.value:.2f} \N{MULTIPLICATION SIGN}",
        "speedup": f"{row.value:.1f} \N{MULTIPLICATION SIGN} faster",
        "excess": f"{sign}{seconds(abs(row.value))}",
        "seconds": seconds(row.value),
    }
    return forms[row.kind]


def target(row: Row) -> str:
    """Return the target in the same notation."""
    forms = {
        "ratio": f"\N{LESS-THAN OR EQUAL TO} {row.target:g} \N{MULTIPLICATION SIGN}",
        "speedup": f"\N{GREATER-THAN OR EQUAL TO} {row.target:g} \N{MULTIPLICATION SIGN} faster",
        "excess": f"\N{LESS-THAN OR EQUAL TO} +{seconds(row.target)}",
        "seconds": f"\N{LESS-THAN OR EQUAL TO} {seconds(row.target)}",
    }
    return forms[row.kind]


def markdown(rows: Sequence[Row], machine: str) -> str:
    """Return the table, with a line about the machine below it."""
    lines = [
        "| work | ours | compared with | | result | target | met |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.work} | {spread(row.ours)} | {row.against or '-'} | {spread(row.other)} | {compared(row)} "
        f"| {target(row)} | {'yes' if row.met else '**no**'} |"
        for row in rows
    ]
    return "\n".join([*lines, "", machine])
