"""Probes and their results as plain data, to send to the place of the nodes and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple
from itertools import groupby
from typing import Any

from stress.histogram import Histogram
from stress.probes.specs import Pair, ResolvedProbe
from stress.records import LossWindow, ProbeRecord
from stress.times import Times

_COUNTS = ("sent", "answered", "late", "unasked")
_WORDS = ("probe", "source", "target", "kind", "interval")


def plain_specs(specs: Iterable[ResolvedProbe]) -> list[dict[str, Any]]:
    """Return probes as plain data."""
    return [
        {**asdict(spec), "pairs": [list(astuple(pair)) for pair in spec.pairs], "command": list(spec.command)}
        for spec in specs
    ]


def specs_of(plain: Iterable[Mapping[str, Any]]) -> list[ResolvedProbe]:
    """Return the probes from the output of `plain_specs`."""
    return [
        ResolvedProbe(**{
            **one, "pairs": tuple(Pair(*pair) for pair in one["pairs"]), "command": tuple(one["command"]),
        })
        for one in plain
    ]  # fmt: skip


def plain_records(records: Sequence[ProbeRecord]) -> list[dict[str, Any]]:
    """Return results of probes as plain data, grouped by shared histogram: each histogram occurs once."""
    return [
        {"histogram": histogram.plain() if histogram else None, "records": [_plain(one) for one in some]}
        for histogram, some in _by_histogram(records)
    ]


def records_of(plain: Iterable[Mapping[str, Any]]) -> list[ProbeRecord]:
    """Return the records from the output of `plain_records`."""
    found: list[ProbeRecord] = []
    merged: dict[str, Histogram] = {}  # a probe has one histogram for each worker that sends
    for group in plain:
        records = group["records"]
        histogram = None
        if group["histogram"] is not None and records:
            histogram = merged.setdefault(records[0]["probe"], Histogram())
            histogram.merge(Histogram.of_plain(group["histogram"]))
        found += [_record(one, histogram) for one in records]
    return found


def _by_histogram(
    records: Sequence[ProbeRecord],
) -> Iterable[tuple[Histogram | None, list[ProbeRecord]]]:
    for _, some in groupby(records, key=lambda record: id(record.histogram)):
        alike = list(some)
        yield alike[0].histogram, alike


def _plain(record: ProbeRecord) -> dict[str, Any]:
    asked, seconds = record.times.columns()
    return {
        **{name: getattr(record, name) for name in (*_WORDS, *_COUNTS)},
        "windows": [list(astuple(window)) for window in record.windows],
        "asked": asked,
        "seconds": seconds,
    }


def _record(plain: Mapping[str, Any], histogram: Histogram | None) -> ProbeRecord:
    return ProbeRecord(
        **{name: plain[name] for name in (*_WORDS, *_COUNTS)},
        windows=[LossWindow(*window) for window in plain["windows"]],
        times=Times(plain["asked"], plain["seconds"]),
        histogram=histogram,
    )
