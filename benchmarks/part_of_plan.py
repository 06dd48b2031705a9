"""Cost of computing one worker's part of a plan for a region of a million nodes.

    python benchmarks/part_of_plan.py [--repeat 5] [--zones 5] [--workers 50]

The topology, its placement on the workers and the roles of link ends (the spanning tree) belong to the whole
graph. They are computed once, and their cost is printed too. The measurement covers the worker's own
computations: every netlink message (written and released batch by batch, as `up` does), and the hosts file.
Each sample is a process forked from one with the plan, so that it starts from the same state. Memory is the
peak of resident memory above its start. Workers take turns. The exit code is 1 when the median part takes
more than 1 s or 100 MiB (at 5 zones: a million nodes).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from emulator.engines.hosts_file import hosts_text
from emulator.linux.nodes.node_messages import NodeMessages
from emulator.plan import Plan, make_plan
from emulator.plan_part import PlanPart
from topologies.build import build
from topologies.spec.load import load_text

EXAMPLE = Path(__file__).resolve().parent.parent / "topologies" / "examples" / "region-1m.yaml"
MOST_SECONDS, MOST_MIB = 1.0, 100.0


def memory(key: str) -> float:
    """Return a figure of this process's memory in MiB (proc_pid_status(5))."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{key}:"))


def write_messages(part: PlanPart) -> int:
    """Write all messages of `part`; return their size in bytes."""
    writer, size = NodeMessages(part), 0
    for run in writer.order.runs():
        size += sum(len(m) for node in run for m in writer.first(node, lambda _: 3).messages)
    return size + sum(len(m) for node in writer.order.pending_nodes for m in writer.second(node).messages)


def write_hosts(part: PlanPart) -> int:
    """Write the hosts file of `part`; return its length."""
    return len(hosts_text(part))


def sample(plan: Plan, worker: int, work: list[Callable[[PlanPart], int]]) -> list[float]:
    """Return the seconds and MiB of `work` for a worker's part, and its nodes, measured in a child."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        gc.disable()
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        before, begin = memory("VmRSS"), time.perf_counter()
        part = plan.part(worker)
        for each in work:
            each(part)
        seconds = time.perf_counter() - begin
        found = [seconds, memory("VmHWM") - before, len(part.nodes)]
        os.write(writer, json.dumps(found).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        out: list[float] = json.load(said)
    os.waitpid(child, 0)
    return out


def main() -> int:
    """Measure, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--zones", type=int, default=5, help="200,000 nodes each")
    parser.add_argument("--workers", type=int, default=50)
    options = parser.parse_args()
    begin = time.perf_counter()
    text = EXAMPLE.read_text().replace("zones: 5", f"zones: {options.zones}")
    plan = make_plan(build(load_text(text)), "netns", options.workers)
    planned = time.perf_counter()
    plan.forwarding.roles  # noqa: B018 -- computed once, for the whole graph
    seconds = f"{planned - begin:.2f} s, roles of all link ends {time.perf_counter() - planned:.2f} s"
    print(f"{plan.topology.node_count:,} nodes on {options.workers} workers: load, build, place {seconds}")
    print(f"a worker's part, median of {options.repeat}{'':8}{'nodes':>8}{'seconds':>9}{'MiB':>8}")
    rows = []
    for label, work in (
        ("all netlink messages", [write_messages]),
        ("hosts file", [write_hosts]),
        ("both", [write_messages, write_hosts]),
    ):
        found = [sample(plan, number * 7 % options.workers, work) for number in range(options.repeat)]
        rows.append([statistics.median(column) for column in zip(*found, strict=True)])
        print(f"{label:36}{rows[-1][2]:8,.0f}{rows[-1][0]:9.2f}{rows[-1][1]:8.1f}")
    begin = time.perf_counter()
    size = len(hosts_text(plan.whole))
    print(f"hosts file of all nodes: {size / 1e6:.1f} MB in {time.perf_counter() - begin:.2f} s")
    if options.zones == 5 and (rows[-1][0] > MOST_SECONDS or rows[-1][1] > MOST_MIB):
        print(f"too much: at the most {MOST_SECONDS:.0f} s and {MOST_MIB:.0f} MiB")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
