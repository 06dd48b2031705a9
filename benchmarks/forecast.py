"""Compare forecasts with measurements, as root: `python benchmarks/forecast.py [--runs 5] [--write]`.

Brings each network up and down in turns and prints measured over forecast (`ratio`). With `--write` it
records the figures in `forecast.json`. The constants of `emulator/deploy_time.py` are fitted to them, and
`tests/unit/emulator/test_forecast.py` checks that. The least of the runs counts, because other load on the
machine only adds time. On a machine that is never quiet, `--busy` uses processor seconds. Needs cgroups v1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
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
DEEPER = "{generator: tree, depth: 5, fanout: 4}"
"""1,024 hosts on 341 switches."""
VPCS = [
    "{generator: vpc, vpcs: 10, ports: 10000, hosts: 1000}",
    "{generator: vpc, vpcs: 10, ports: 100000, hosts: 1000}",
    "{generator: vpc, vpcs: 4, ports: 2500, hosts: 250, overlap: true}",
]
"""Light ports: 100 and 1,000 on each compute host, and four namespaces of tenants on each."""
CASES = [
    *(("netns routed", shape) for shape in VPCS),
    *((kind, shape) for kind in KINDS for shape in SHAPES.values()),
    *((kind, LARGE) for kind in ("netns bridge", "netns routed")),
    *((kind, DEEP) for kind in ("netns ovs", "mininet bridge", "mininet ovs")),
    ("netns ovs", DEEPER),
]


_DEPLOY = """
import json, os, sys, time
from emulator.engines.registry import engine_named
from emulator.plan import make_plan
from topologies.build import build
from topologies.spec.load import load
document = load(sys.argv[1])
engine = engine_named(document.spec.engine_name)
plan = make_plan(build(document), engine.name)
plan.forwarding.roles
forecast = {"forecast_seconds": plan.seconds, "forecast_bytes": int(plan.counts.memory.sum())}
before, used = time.monotonic(), sum(os.times()[:4])
engine.deploy(plan, sys.argv[1])
times = {"seconds": time.monotonic() - before, "processor_seconds": sum(os.times()[:4]) - used}
print(json.dumps(forecast | times | {"process": sum(os.times()[:4])}))
"""
"""Code for a separate process, so that only the deployment is measured."""


def text_of(kind: str, shape: str) -> str:
    """Return the topology file of a case."""
    return f"name: forecast\ntopology: {shape}\n{KINDS[kind]}"


def main() -> None:
    """Measure, print, and record if requested."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="cases whose kind has this word")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--busy", action="store_true", help="record seconds of processor, not of the clock")
    options = parser.parse_args()
    cases = [case for case in CASES if options.only in f"{case[0]} {case[1]}"]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        for number in range(options.runs):
            for kind, shape in cases:
                _once(Path(folder), kind, shape, found.setdefault((kind, shape), {}))
                print(number + 1, kind, shape, found[kind, shape], file=sys.stderr, flush=True)
    print(f"{'network':<16}{'shape':<42}{'seconds':>8}{'processor':>10}{'forecast':>9}{'ratio':>9}{'MiB':>7}")
    for (kind, shape), row in found.items():
        size = (row["process_bytes"] + row["kernel_bytes"]) / 2**20
        which = row["processor_seconds" if options.busy else "seconds"]
        print(f"{kind:<16}{shape:<42}{row['seconds']:8.2f}{row['processor_seconds']:10.2f}"
              f"{row['forecast_seconds']:9.2f}{which / row['forecast_seconds']:9.2f}{size:7.0f}")  # fmt: skip
    if options.write:
        _write(found, of="processor" if options.busy else "clock")


def _write(found: dict[tuple[str, str], dict[str, Any]], of: str) -> None:
    """Record the figures; rows of other networks, and of the same networks by the other measure, stay."""
    rows = [
        row for row in json.loads(RECORD.read_text())
        if row["of"] != of or (row["kind"], row["shape"]) not in found
    ]  # fmt: skip
    for (kind, shape), row in found.items():
        seconds = row["seconds" if of == "clock" else "processor_seconds"]
        memory = {key: row[key] for key in ("kernel_bytes", "process_bytes")}
        when = time.strftime("%Y-%m-%d")
        rows.append({"kind": kind, "shape": shape, "seconds": seconds, "of": of, "when": when, **memory})
    RECORD.write_text("[\n" + ",\n".join(f" {json.dumps(row)}" for row in rows) + "\n]\n")


def _once(folder: Path, kind: str, shape: str, row: dict[str, Any]) -> None:
    """Bring a case up and down in its own cgroup, and keep the least of its figures in `row`."""
    file = folder / "forecast.yaml"
    file.write_text(text_of(kind, shape))
    groups = [Path(f"/sys/fs/cgroup/{name}/forecast-{os.getpid()}") for name in ("memory", "cpuacct")]
    for group in groups:
        group.mkdir()
    try:
        found: dict[str, Any] = json.loads(_python(folder, groups, "-c", _DEPLOY, str(file)))
        everything = int((groups[1] / "cpuacct.usage").read_text()) / 1e9
        found["processor_seconds"] += everything - found.pop(
            "process"
        )  # processes left running, and their children
        found["kernel_bytes"] = int((groups[0] / "memory.kmem.usage_in_bytes").read_text())
        figures = dict(line.split() for line in (groups[0] / "memory.stat").read_text().splitlines())
        found["process_bytes"] = int(figures["total_rss"])
    finally:
        _python(folder, [], "-m", "emulator", "down", "--all")
        for group in groups:
            _remove(group)
    for key, value in found.items():
        row[key] = round(min(value, row.get(key, value)), 3)


def _python(folder: Path, groups: list[Path], *words: str) -> str:
    """Run Python in these cgroups and return its output."""

    def enter() -> None:
        for group in groups:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    environment = os.environ | {"EMULATOR_STATE_DIR": str(folder / "state")}
    argv = [sys.executable, "-P", *words]
    done = subprocess.run(
        argv, env=environment, check=True, stdout=subprocess.PIPE, text=True, preexec_fn=enter
    )
    return done.stdout


def _remove(group: Path) -> None:
    """Remove a cgroup as soon as its last process has ended and the kernel has settled its memory.

    Raises OSError after a minute.
    """
    for _ in range(600):
        with suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.1)
    group.rmdir()


if __name__ == "__main__":
    main()
