"""Samples in columns: eight bytes per number, a tenth of what dicts take.

A run of days has a million samples, and the runner's memory is part of what it measures.
"""

from __future__ import annotations

import math
from array import array

from stress.records import Sample


class Table:
    """Samples in the order in which they were added."""

    def __init__(self) -> None:
        self._at = array("d")
        self._columns: dict[str, array[float]] = {}

    def __len__(self) -> int:
        return len(self._at)

    def add(self, sample: Sample) -> None:
        """Add a sample, which may have new metrics."""
        before = len(self._at)
        for name, value in sample.values.items():
            column = self._columns.get(name)
            if column is None:
                column = self._columns[name] = array("d", [math.nan]) * before
            column.append(value)
        self._at.append(sample.at)
        for column in self._columns.values():
            if len(column) == before:
                column.append(math.nan)

    def samples(self) -> list[Sample]:
        """Return the samples in the order of their addition."""
        return [
            Sample(at, {name: column[k] for name, column in self._columns.items() if column[k] == column[k]})
            for k, at in enumerate(self._at)
        ]
