"""Output of commands: the answer on standard output, progress and warnings on standard error.

With `--json` the answer is one JSON object, and the text for people goes to standard error with the rest.
"""

from __future__ import annotations

import json
import select
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from emulator.cli.invocation import invocation
from topologies.counting import counted


def say(words: str) -> None:
    """Print progress, a choice or a warning on standard error."""
    print(words, file=sys.stderr, flush=True)


def answer(words: str) -> None:
    """Print a line of the answer: on standard output, with `--json` on standard error."""
    going_on = invocation()
    if going_on is not None and going_on.as_json:
        say(words)
    else:
        print(words, flush=True)


def print_json(value: Mapping[str, Any]) -> None:
    """Print exactly one JSON object on standard output, escaped where the locale has no UTF-8."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    json.dump(value, sys.stdout, indent=None, ensure_ascii=plain)
    sys.stdout.write("\n")
    sys.stdout.flush()
    if going_on := invocation():
        going_on.printed = True


def output_is_closed() -> bool:
    """Return whether standard output leads to nobody: the reader of a pipe has ended."""
    waiting = select.poll()
    waiting.register(sys.stdout, 0)  # errors are always reported
    return any(event & select.POLLERR for _, event in waiting.poll(0))


def counts(numbers: Mapping[str, int]) -> str:
    """Return `16 hosts, 20 switches` for {"host": 16, "switch": 20}."""
    return ", ".join(counted(n, word) for word, n in numbers.items())


def fidelity(numbers: Mapping[str, int]) -> str:
    """Return `36 full` for {"full": 36}: no count is shown without it."""
    return ", ".join(f"{count:,} {tier}" for tier, count in numbers.items())


def is_computed(engine: str) -> bool:
    """Return whether what an engine shows is computed, because it makes nothing."""
    from topologies.engines import ENGINES

    return engine in ENGINES and ENGINES[engine].simulated


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
        """Return the seconds of each phase, of what was between them (`other`), and their total."""
        total = round(time.monotonic() - self._begin, 6)
        other = max(0.0, round(total - sum(self.seconds.values()), 6))
        return {**self.seconds, "other": other, "total": total}
