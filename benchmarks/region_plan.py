"""Cost of a plan for a region of a million nodes, beside the same graph in networkx.

    python benchmarks/region_plan.py [--repeat 3] [--zones 5]

Each side runs in its own process. The kernel reports its time (start of the interpreter to its end) and peak
memory (wait4). Our side runs the whole command, `emulator plan --workers 50 --json`: load, build, place,
forwarding, forecast. networkx only builds the graph, with name and kind on each node. The medians and their
ratios are printed. The exit code is 1 when the plan took more than 3 s or 400 MiB (at 5 zones: a million
nodes).
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
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "topologies" / "examples" / "region-1m.yaml"
MOST_SECONDS, MOST_MIB = 3.0, 400.0
SHAPE = {"pods": 50, "racks": 100, "hosts": 39, "fabrics": 4, "spines": 16, "cores": 16}


class Cost(NamedTuple):
    """Cost of a process, and the last line of its output."""

    seconds: float
    mib: float
    said: str


def cost(argv: list[str]) -> Cost:
    """Run a command and return its cost; it must succeed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile("w+") as out:
        begin = time.monotonic()
        process = subprocess.Popen(argv, stdout=out, stderr=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(argv)} exited with {process.returncode}")
        out.seek(0)
        return Cost(seconds, usage.ru_maxrss / 1024, out.read().strip().splitlines()[-1])


def build_in_networkx(zones: int) -> None:
    """Build the region as `topologies.generators.region` shapes it, and print its size."""
    import networkx as nx

    graph = nx.Graph()
    cores = [f"c{number}" for number in range(1, SHAPE["cores"] + 1)]
    graph.add_nodes_from(cores, kind="switch")
    for zone in range(1, zones + 1):
        spines = [f"z{zone}s{number}" for number in range(1, SHAPE["spines"] + 1)]
        graph.add_nodes_from(spines, kind="switch")
        graph.add_edges_from((spine, core) for spine in spines for core in cores)
        for pod in range(1, SHAPE["pods"] + 1):
            fabrics = [f"z{zone}p{pod}f{number}" for number in range(1, SHAPE["fabrics"] + 1)]
            graph.add_nodes_from(fabrics, kind="switch")
            graph.add_edges_from((fabric, spine) for fabric in fabrics for spine in spines)
            for rack in range(1, SHAPE["racks"] + 1):
                tor = f"z{zone}p{pod}r{rack}"
                hosts = [f"{tor}h{number}" for number in range(1, SHAPE["hosts"] + 1)]
                graph.add_node(tor, kind="switch")
                graph.add_nodes_from(hosts, kind="host")
                graph.add_edges_from((tor, fabric) for fabric in fabrics)
                graph.add_edges_from((tor, host) for host in hosts)
    print(json.dumps([graph.number_of_nodes(), graph.number_of_edges()]))


def measured(zones: int, workers: int, repeat: int) -> tuple[list[Cost], list[Cost]]:
    """Return the costs of our plan and of networkx, in turns."""
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "region.yaml")
        file.write_text(EXAMPLE.read_text().replace("zones: 5", f"zones: {zones}"))
        plan = [sys.executable, "-m", "emulator", "plan", str(file), "--workers", str(workers), "--json"]
        for _ in range(repeat):
            ours.append(cost(plan))
            theirs.append(cost([sys.executable, __file__, "--networkx", "--zones", str(zones)]))
    return ours, theirs


def main() -> int:
    """Measure, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--zones", type=int, default=5, help="200,000 nodes each")
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--networkx", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.networkx:
        build_in_networkx(options.zones)
        return 0
    ours, theirs = measured(options.zones, options.workers, options.repeat)
    plan = json.loads(ours[0].said)
    size = [sum(plan["nodes"].values()), plan["links"]]
    if size != json.loads(theirs[0].said):
        raise SystemExit(f"the graphs differ: {size} and {theirs[0].said}")
    print(f"{size[0]:,} nodes, {size[1]:,} links, {options.workers} workers; median of {options.repeat}")
    print(f"{'':34}{'seconds':>9}{'MiB':>8}")
    rows = []
    for label, costs in (("emulator plan (everything)", ours), ("networkx (the graph only)", theirs)):
        rows.append((statistics.median(c.seconds for c in costs), statistics.median(c.mib for c in costs)))
        print(f"{label:34}{rows[-1][0]:9.2f}{rows[-1][1]:8.0f}")
    print(f"{'networkx / ours':34}{rows[1][0] / rows[0][0]:8.1f}x{rows[1][1] / rows[0][1]:7.1f}x")
    if options.zones == 5 and (rows[0][0] > MOST_SECONDS or rows[0][1] > MOST_MIB):
        print(f"too much: at the most {MOST_SECONDS:.0f} s and {MOST_MIB:.0f} MiB")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
