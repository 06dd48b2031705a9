"""The local workers of a test: their processes, who answers, and what of them and their networks exists."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

from emulator.carriers.local.marks import MARK
from emulator.carriers.opening import open_carrier
from emulator.errors import EmulationError
from emulator.process_tags import command_of, with_variable
from support.leaks import Watch


def processes(state: Path, words: str) -> list[int]:
    """Return the processes of the local workers whose command line has `words`."""
    marked = with_variable(MARK, str(state / ".workers"))
    return [process.pid for process in marked if words in " ".join(command_of(process))]


def names() -> list[str]:
    """Return the workers that a client sees now."""
    try:
        with open_carrier(seconds=5) as carrier:
            return list(carrier.workers())
    except EmulationError:
        return []


def look(state: Path, workers: tuple[str, ...], *, alone: bool) -> dict[str, frozenset[str]]:
    """Return what exists: processes by command, devices of each worker, mounts, ledgers, files, by kind.

    Left out is what lives by itself: numbers of processes, logs, memory of ended networks, Dask's folders.
    """
    found = Watch(state, alone=alone).look()
    commands = Counter(line.partition(": ")[2] for line in found.pop("process"))
    found["process"] = frozenset(f"{line} ({count} times)" for line, count in commands.items())
    kept = (path for path in found["state file"] if not _lives(Path(path).relative_to(state).parts))
    found["state file"] = frozenset(kept)
    found.pop("network namespace", None)  # processes come and go; mounts are counted
    for worker in workers:
        (pid,) = processes(state, f"workers worker --scheduler {_scheduler(state)} --name {worker} ")
        words = ["nsenter", "-t", str(pid), "-n", "ip", "-j", "link"]
        links = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
        found[f"device of {worker}"] = frozenset(f"{link['ifname']} {link['operstate']}" for link in links)
    return found


def _scheduler(state: Path) -> str:
    from emulator.carriers.local.record import LocalPaths, read_record

    record = read_record(LocalPaths(state / ".workers"))
    assert record is not None
    return str(record.scheduler)


def _lives(parts: tuple[str, ...]) -> bool:
    return parts[-1].endswith(".log") or any(part == ".ended" or part.startswith("dask") for part in parts)
