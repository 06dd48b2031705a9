"""Compare forecasts with what is measured: `python benchmarks/forecast.py [--runs 5] [--write]`, as root.

Brings each network up and down in turns, prints measured over forecast, and with `--write` records the
figures in `forecast.json`, from which the constants of `emulator/forecast.py` are fitted and by which
`tests/unit/emulator/test_forecast.py` holds them. The least of the runs counts: what else the machine
does only adds. Memory of processes is proportional set size (smaps_rollup) and page tables.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

RECORD = Path(__file__).with_name("forecast.json")
KINDS = {
    "netns bridge": "",
    "netns routed": "forwarding: routed\n",
    "netns ovs": "switch: ovs\n",
    "mininet bridge": "engine: mininet\n",
    "mininet ovs": "engine: mininet\nswitch: ovs\n",
}
SHAPES = {64: "{generator: tree, depth: 2, fanout: 8}", 256: "{generator: tree, depth: 2, fanout: 16}"}
DEEP = "{generator: tree, depth: 4, fanout: 4}"
LARGE = "{generator: tree, depth: 2, fanout: 32}"
CASES = [
    *((kind, shape) for kind in KINDS for shape in SHAPES.values()),
    *((kind, LARGE) for kind in ("netns bridge", "netns routed")),
    *((kind, DEEP) for kind in ("netns ovs", "mininet bridge", "mininet ovs")),
]


def text_of(kind: str, shape: str) -> str:
    """Return the topology file of a case."""
    return f"name: forecast\ntopology: {shape}\n{KINDS[kind]}"


def main() -> None:
    """Measure, print, and record if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="cases whose kind has this word")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    cases = [case for case in CASES if options.only in case[0]]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        for _ in range(options.runs):
            for kind, shape in cases:
                _once(Path(folder), kind, shape, found.setdefault((kind, shape), {}))
    print(f"{'network':<16}{'shape':<42}{'seconds':>8} {'forecast':>8} {'ratio':>6}   MiB of processes")
    for (kind, shape), row in found.items():
        ratio = row["seconds"] / row.pop("forecast_seconds")
        print(f"{kind:<16}{shape:<42}{row['seconds']:8.2f} {row['seconds'] / ratio:8.2f} {ratio:6.2f}   "
              f"{row['process_bytes'] / 2**20:.0f}")  # fmt: skip
    if options.write:
        rows = [{"kind": kind, "shape": shape, **row} for (kind, shape), row in found.items()]
        RECORD.write_text(json.dumps(rows, indent=1) + "\n")


def _once(folder: Path, kind: str, shape: str, row: dict[str, Any]) -> None:
    """Bring a case up and down and keep the least of its figures in `row`."""
    file = folder / "forecast.yaml"
    file.write_text(text_of(kind, shape))
    before = _processes()
    planned, up = (_emulator(folder, verb, str(file), "--json") for verb in ("plan", "up"))
    processes = _processes() - before
    memory = sum(_memory(pid) for pid in processes if _is_ours(pid, folder))
    _emulator(folder, "down", "forecast", "--json")
    row["forecast_seconds"] = planned["forecast"]["seconds"]
    row["seconds"] = min(up["seconds"]["deploy"], row.get("seconds", float("inf")))
    row["process_bytes"] = min(memory, row.get("process_bytes", sys.maxsize))


def _emulator(folder: Path, *words: str) -> dict[str, Any]:
    environment = os.environ | {"EMULATOR_STATE_DIR": str(folder / "state")}
    argv = [sys.executable, "-P", "-m", "emulator", *words]
    done = subprocess.run(argv, env=environment, check=True, capture_output=True, text=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def _processes() -> set[int]:
    return {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}


def _is_ours(pid: int, folder: Path) -> bool:
    """Return whether a process sees the network's private mounts, or was started with its folder."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/mountinfo").read_bytes()
    except OSError:
        return False
    return (
        str(folder).encode() in words
        and Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
    )


def _memory(pid: int) -> int:
    """Return the bytes of a process: its proportional share, and its page tables."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text() + Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    words = (line.split() for line in lines.splitlines())
    return 1024 * sum(int(some[1]) for some in words if some and some[0] in {"Pss:", "VmPTE:"})


if __name__ == "__main__":
    main()
