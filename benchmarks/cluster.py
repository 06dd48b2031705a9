"""Cost of the engine `cluster` beside the kernel's: control calls, and a million nodes sent to many workers.

    python benchmarks/cluster.py [--zones 5] [--workers 50] [--sampled 4] [--calls 200]

`control`: calls to all local workers (`emulator workers local N` must run), one after the other.
`ship`: the client loads, places and packs a region of a million nodes. Workers that make nothing unpack it,
cut their share and compute its messages, each in a process of its own. Sampled workers run two at a time; the
time for all here is that of the sample times their number. With a machine for each worker they run at once:
`parallel_s` is the client's time and the slowest worker's, without the network between them. Memory is the
peak of resident memory, of workers above that of an idle one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from emulator.carriers.protocol import Call
from emulator.engines.cluster.connection import carrier_of, close_all
from emulator.packed_plan import pack, unpack

EXAMPLE = Path(__file__).resolve().parent.parent / "topologies" / "examples" / "region-1m.yaml"
MIB = 1 << 20


def peak_mib() -> float:
    """Return the peak of this process's resident memory, in MiB (proc_pid_status(5))."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def control(calls: int) -> dict[str, Any]:
    """Return the times of calls to one worker and to all, in milliseconds."""
    carrier = carrier_of({})
    names = list(carrier.workers())
    out: dict[str, Any] = {"workers": len(names)}
    for key, some in (("one", names[:1]), ("all", names)):
        times = []
        for _ in range(calls):
            began = time.perf_counter()
            found = carrier.call([Call(name, "emulator.agent.facts:clock") for name in some], 30)
            times.append(1e3 * (time.perf_counter() - began))
            if errors := [outcome.error for outcome in found if outcome.error is not None]:
                raise errors[0]
        times.sort()
        out[key] = {"p50_ms": statistics.median(times), "p99_ms": times[int(0.99 * len(times))]}
    close_all()
    return out


def ship(zones: int, workers: int, sampled: int) -> dict[str, Any]:
    """Return seconds and memory of the client and of the workers."""
    from emulator.plan import make_plan
    from topologies.build import build
    from topologies.spec.load import load_text

    began = time.perf_counter()
    text = EXAMPLE.read_text(encoding="utf-8").replace("zones: 5", f"zones: {zones}")
    plan = make_plan(build(load_text(text)), "cluster", workers)
    planned = time.perf_counter()
    data = pack(plan)
    packed = time.perf_counter()
    client = {"plan_s": planned - began, "pack_s": packed - planned, "peak_mib": peak_mib()}
    step = max(1, workers // sampled)
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        began = time.perf_counter()
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda share: worker(file.name, share), range(0, step * sampled, step)))
        took = time.perf_counter() - began
    return {
        "nodes": plan.topology.node_count, "workers": workers, "packed_mib": len(data) / MIB,
        "client": client,
        "worker_s": statistics.median(one["seconds"] for one in found),
        "worker_mib": max(one["mib"] for one in found),
        "worker_nodes": statistics.median(one["nodes"] for one in found),
        "all_workers_s": took * workers / sampled,
        "parallel_s": packed - planned + client["plan_s"] + max(one["seconds"] for one in found),
    }  # fmt: skip


def worker(path: str, share: int) -> dict[str, float]:
    """Return what a worker's process measured of itself."""
    done = subprocess.run(
        [sys.executable, __file__, "--share", str(share), path], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def one_share(path: str, share: int) -> None:
    """Unpack the plan, cut the share, and compute all its messages; print seconds and MiB."""
    from dataclasses import replace

    from part_of_plan import write_messages

    idle, began = peak_mib(), time.perf_counter()
    plan = replace(unpack(Path(path).read_bytes()), engine="netns", share=share)
    nodes = len(plan.here.nodes)
    write_messages(plan.here)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "mib": peak_mib() - idle, "nodes": nodes}))


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--zones", type=int, default=5)
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--sampled", type=int, default=4)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--share", type=int)
    parser.add_argument("path", nargs="?", default="")
    given = parser.parse_args()
    if given.share is not None:
        one_share(given.path, given.share)
        return
    out: dict[str, Any] = {"load": os.getloadavg()[0]}
    out["ship"] = ship(given.zones, given.workers, given.sampled)
    try:
        out["control"] = control(given.calls)
    except Exception as error:  # noqa: BLE001 -- no local workers: the other figures stand
        out["control"] = str(error)
    print(json.dumps(out, indent=2))


if __name__ == "__main__":
    main()
