"""Output of commands: messages on standard error, one JSON object on standard output."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from topologies.counting import counted


def say(words: str) -> None:
    """Print a message on standard error."""
    print(words, file=sys.stderr, flush=True)


def print_json(value: Mapping[str, Any]) -> None:
    """Print exactly one JSON object on standard output, escaped where the locale has no UTF-8."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    json.dump(value, sys.stdout, indent=None, ensure_ascii=plain)
    sys.stdout.write("\n")
    sys.stdout.flush()


def counts(numbers: Mapping[str, int]) -> str:
    """Return `16 hosts, 20 switches` for {"host": 16, "switch": 20}."""
    return ", ".join(counted(n, word) for word, n in numbers.items())


def fidelity(numbers: Mapping[str, int]) -> str:
    """Return `36 full` for {"full": 36}: no count is shown without it."""
    return ", ".join(f"{count:,} {tier}" for tier, count in numbers.items())


class Phases:
    """Seconds spent in each named phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begin = time.monotonic()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - begin, 6)

    def total(self) -> dict[str, float]:
        """Return the seconds of each phase and their total."""
        return {**self.seconds, "total": round(time.monotonic() - self._begin, 6)}
