"""Cost of the engine `cluster` beside the kernel's: control calls, and a million nodes sent to many workers.

    python benchmarks/cluster.py [--only ship|control] [--zones 5] [--workers 50] [--calls 200]

`control`: calls to all local workers (`emulator workers local N` must run), one after the other.
`ship`: the client loads, places and packs a region of a million nodes, and sends it over a real carrier to
workers on this computer that make nothing (`dry_workers.py`): each unpacks it and cuts its share (`cut`), and
once more computes all messages, too (`computed`), in a process of its own. Here they share the processors:
`carry_s` is the time of all. With a machine for each, `total_s` would be the client's time and the slowest
worker's processor time, without the network between them. Memory is the peak of resident memory: of the
client, of the process of a share, and what the worker beside it grew by.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from emulator.carriers.protocol import Call, Carrier
from emulator.engines.cluster.connection import carrier_of, close_all
from emulator.packed_plan import pack

EXAMPLE = Path(__file__).resolve().parent.parent / "topologies" / "examples" / "region-1m.yaml"
MIB = 1 << 20
SHIP_SECONDS = 600.0


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


def ship(zones: int, workers: int) -> dict[str, Any]:
    """Return seconds and memory of the client and of the workers; all get the plan by the carrier."""
    from dry_workers import memory_mib
    from dry_workers import workers as dry_workers

    from emulator.plan import make_plan
    from topologies.build import build
    from topologies.spec.load import load_text

    with dry_workers(workers) as (carrier, ids):
        idle = {name: memory_mib(number) for name, number in ids.items()}
        began = time.perf_counter()
        text = EXAMPLE.read_text(encoding="utf-8").replace("zones: 5", f"zones: {zones}")
        plan = make_plan(build(load_text(text)), "cluster", workers)
        planned = time.perf_counter()
        data = pack(plan)
        packed = time.perf_counter()
        found = {
            step: _sent(carrier, list(ids), data, messages=step == "computed") for step in ("cut", "computed")
        }
        grown = {name: memory_mib(number) - idle[name] for name, number in ids.items()}
    client = packed - began
    return {
        "nodes": plan.topology.node_count, "workers": workers, "packed_mib": len(data) / MIB,
        "plan_s": planned - began, "pack_s": packed - planned, "client_mib": peak_mib(),
        "worker_mib": max(grown.values()),
        **{step: {**one, "all_here_s": client + one["carry_s"], "total_s": client + one["worker_processor_s"]}
           for step, one in found.items()},
    }  # fmt: skip


def _sent(carrier: Carrier, names: list[str], data: bytes, *, messages: bool) -> dict[str, Any]:
    """Send the plan to all workers; return seconds until all have answered, and what the shares took."""
    calls = [
        Call(name, "dry_workers:share", {"share": number, "messages": messages}, data, own_process=True)
        for number, name in enumerate(names)
    ]
    began = time.perf_counter()
    outcomes = carrier.call(calls, SHIP_SECONDS)
    carry = time.perf_counter() - began
    if errors := [one.error for one in outcomes if one.error is not None]:
        raise errors[0]
    found = [one.answer.value for one in outcomes if one.answer is not None]
    return {
        "carry_s": carry, "worker_processor_s": max(one["processor_s"] for one in found),
        "all_processor_s": sum(one["processor_s"] for one in found),
        "worker_nodes": max(one["nodes"] for one in found), "share_mib": max(one["mib"] for one in found),
    }  # fmt: skip


def rows(found: dict[str, Any]) -> list[str]:
    """Return the figures with targets as lines of a Markdown table."""
    lines = ["| work | figure | target |", "|---|---|---|"]
    if isinstance(ship := found.get("ship"), dict):
        work = f"{ship['nodes']:,} nodes planned, packed, sent to {ship['workers']} workers"
        here = "all workers on this computer"
        for step, words, target in (
            ("cut", "and cut", ("≤ 20 s", "≤ 150 MiB")),
            ("computed", "cut, and all messages computed", ("-", "-")),
        ):
            one = ship[step]
            lines += [
                f"| {work}, {words}; {here} | {one['all_here_s']:.1f} s | {target[0]} |",
                f"| of it: client, and slowest worker's processor time | {one['total_s']:.1f} s | - |",
                f"| memory of a share's process | {one['share_mib']:.0f} MiB | {target[1]} |",
            ]
        lines += [
            f"| memory of the client | {ship['client_mib']:,.0f} MiB | ≤ 1,024 MiB |",
            f"| growth of the worker beside a share | {ship['worker_mib']:.0f} MiB | - |",
        ]
    if isinstance(control := found.get("control"), dict):
        for key, words in (("one", "one worker"), ("all", f"all {control['workers']} workers")):
            times = f"{control[key]['p50_ms']:.1f} ms, {control[key]['p99_ms']:.1f} ms"
            lines.append(f"| control call to {words}, p50 and p99 | {times} | ≤ 100 ms |")
    return lines


def main() -> None:
    """Print a table, and one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--zones", type=int, default=5)
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--only", choices=("ship", "control"))
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the workers end with this process
    out: dict[str, Any] = {"load": os.getloadavg()[0]}
    if given.only != "control":
        out["ship"] = ship(given.zones, given.workers)
    if given.only != "ship":
        out["control"] = control(given.calls)
    print("\n".join(rows(out)))
    print(json.dumps(out, indent=2))


if __name__ == "__main__":
    main()
