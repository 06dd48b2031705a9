"""Write the report's files into a folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from emulator.errors import BrokenError, UsageError
from stress.limits import Verdict
from stress.metrics.figures import Figures
from stress.records import RunResult
from stress.report.junit import junit
from stress.report.page import finite, page
from stress.report.summary import summary


def require_writable(folder: Path) -> None:
    """Create `folder` if needed; UsageError when it isn't writable. Called before anything is run."""
    trial = folder / "report.json.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise UsageError(
            f"can't write the report into {folder}: {error.strerror}; give another folder"
        ) from error


def write(
    result: RunResult, verdicts: Sequence[Verdict], folder: Path, figures: Figures | None = None
) -> list[Path]:
    """Write report.json, events.jsonl, metrics.csv, junit.xml and report.html; return their paths.

    Creates `folder` if needed. Each file is complete or absent. When the disk has no room for a file,
    the other files are written first; then BrokenError is raised.
    """
    whole = summary(result, verdicts, figures)
    files: dict[str, Callable[[TextIO], None]] = {  # small files first: they may still fit on a full disk
        "junit.xml": lambda out: _text(junit(result, verdicts), out),
        "report.json": lambda out: json.dump(finite(whole), out, ensure_ascii=False, allow_nan=False),
        "events.jsonl": lambda out: _events(result, out),
        "metrics.csv": lambda out: _metrics(result, out),
        "report.html": lambda out: _text(page(whole, result, verdicts), out),
    }
    written, refused = [], None
    for name, fill in files.items():
        part = folder / f"{name}.part"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8", newline="") as out:
                fill(out)
            written.append(part.replace(folder / name))
        except OSError as error:
            refused = refused or error
            with suppress(OSError):
                part.unlink(missing_ok=True)
    if refused is not None:
        there = ", ".join(path.name for path in written) or "none of its files"
        raise BrokenError(
            f"can't write the report into {folder}: {refused.strerror}; {there} is there"
        ) from refused
    return written


def _text(text: str, out: TextIO) -> None:
    out.write(text)


def _events(result: RunResult, out: TextIO) -> None:
    """Write a line with a JSON object for each operation: its due, start and end times."""
    for outcome in result.outcomes:
        operation = outcome.operation
        line = {
            "at": operation.at, "started": outcome.started, "finished": outcome.finished,
            "step": operation.step, "action": operation.action, "verb": operation.verb,
            "targets": list(operation.targets), "error": outcome.error, "skipped": outcome.skipped,
        }  # fmt: skip
        out.write(json.dumps(line) + "\n")


def _metrics(result: RunResult, out: TextIO) -> None:
    """Write a row per sample, a column per metric; the first column is seconds since the run began."""
    names = sorted({name for sample in result.samples for name in sample.values})
    rows = csv.writer(out)
    rows.writerow(["at", *names])
    for sample in result.samples:
        rows.writerow([sample.at, *(_plain(sample.values.get(name)) for name in names)])


def _plain(value: float | None) -> float | str:
    """Return a number as text: counts without a decimal point."""
    if value is None:
        return ""
    return int(value) if float(value).is_integer() else value
