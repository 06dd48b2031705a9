"""What `emulator doctor FILE` found on the workers of a file's engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from emulator.cli.output import answer
from emulator.engine_options import Options, engine_options
from emulator.engines.planning import ExaminesWorkers
from emulator.network import Engine
from emulator.worker_finding import WorkerFinding
from topologies.counting import counted
from topologies.spec.load import Document


def examined(document: Document, engine: Engine, given: Options) -> tuple[list[dict[str, Any]], list[str]]:
    """Print the findings of all workers; return them as JSON data, and the reasons why none can run.

    Nothing for an engine that doesn't examine its workers.
    """
    if not isinstance(engine, ExaminesWorkers):
        return [], []
    findings = engine.examine(engine_options(document, engine.name, given))
    say_findings(findings)
    wrong = [one for one in findings if one.needed and not one.is_fine]
    reasons = [f"{one.worker}: {one.name}: {one.value}" for one in wrong]
    return [asdict(one) for one in findings], reasons


def say_findings(findings: Sequence[WorkerFinding]) -> None:
    """Print a line for each finding, and how many checks failed."""
    for one in findings:
        mark = "ok     " if one.is_fine else "MISSING" if one.needed else "limited"
        fix = f"  -> {one.fix}" if not one.is_fine and one.fix else ""
        answer(f"{mark} {one.worker:12} {one.name:36} {one.value}{fix}".rstrip())
    wrong = sum(one.needed and not one.is_fine for one in findings)
    workers = counted(len({one.worker for one in findings}), "worker")
    answer(f"{workers}: {counted(wrong, 'check')} failed" if wrong
        else f"{workers}: all that networks need is there")  # fmt: skip
