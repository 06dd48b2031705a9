"""Measure networks of light ports: the figures of docs/light-ports.md and the README.

    sudo python benchmarks/light_ports.py             100,000 and 1,000,000 ports, five times each
    sudo python benchmarks/light_ports.py --runs 1 --only 100k
    sudo python benchmarks/light_ports.py --limit     how many ports this machine holds: minutes, all memory
    sudo python benchmarks/light_ports.py --beside    the same VPC by `ip -batch`, with a macvlan a port

Each run is the command line's: `up`, `check --sample 10000`, `down`, as a user runs them, and what it takes
of the kernel's memory: slabs, per-processor and vmalloc memory, before and after. Between them, pings between
random ports of a VPC, and a session that brings ports down and up. Medians are printed as a Markdown table.
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from machine import facts, line

from emulator.access import Echo
from emulator.engines.registry import attach

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
FILES = {
    "100k": ("vpc-100k", "{generator: vpc, vpcs: 10, ports: 10000, hosts: 1000}"),
    "1m": (
        "region-1m-live",
        "{generator: region, zones: 2, pods: 5, racks: 10, hosts: 10, ports_per_host: 1000, vpcs: 10}",
    ),
}
TARGETS = {
    "100k": {"up": 4.0, "kernel_gib": 0.6, "down": 2.0, "check": 10.0, "ping_p50_ms": 0.15},
    "1m": {
        "up": 8.0,
        "kernel_gib": 0.8,
        "process_mib": 600.0,
        "down": 2.0,
        "check": 10.0,
        "ping_p50_ms": 0.15,
    },
}
_PINGS, _FLAPS = 500, 20_000
_SETTLES, _STEADY = 20.0, 1 << 20
"""Seconds to wait for steady memory, and the change in bytes in a second that counts as steady."""
_LIMIT_STEP = 4_000_000


def kernel_bytes() -> int:
    """Return the kernel's own memory once it is steady: slabs, per-processor and vmalloc memory, in bytes.

    Maps are in vmalloc memory. What went with an earlier network is freed some seconds later.
    """
    deadline, before = time.monotonic() + _SETTLES, -1
    while True:
        found = {}
        for text in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            key, _, value = text.partition(":")
            found[key] = int(value.split()[0]) << 10
        now = found["Slab"] + found["Percpu"] + found["VmallocUsed"]
        if abs(now - before) < _STEADY or time.monotonic() > deadline:
            return now
        before = now
        time.sleep(1)


def command(*words: str) -> tuple[float, dict[str, object], float]:
    """Run the command line; return its seconds, its JSON, and its largest memory in MiB."""
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "emulator", *words, "--json"], cwd=ROOT, stdout=output, stderr=errors
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begin
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise RuntimeError(f"emulator {' '.join(words)}: {errors.read().decode()}")
        return seconds, json.loads(output.read()), used.ru_maxrss / 1024


def pings(name: str) -> float:
    """Return the median round trip, in milliseconds, of one ping at a time between random ports of a VPC."""
    network = attach(name)
    topology, generator = network.topology, np.random.default_rng(7)
    vpcs = topology.vpcs
    if vpcs is None:
        raise RuntimeError(f"{name} has no VPC")
    times = []
    for subnet in generator.integers(len(vpcs.subnets), size=_PINGS):
        a, b = generator.choice(np.flatnonzero(vpcs.of_node == subnet), 2, replace=False).tolist()
        network.access.ping([Echo(a, network.addresses(b)[0])], 1.0)  # the way is learned
        (seconds,) = network.access.ping([Echo(a, network.addresses(b)[0])], 1.0)
        if seconds is None:
            raise RuntimeError(f"{topology.names[b]} didn't answer")
        times.append(seconds * 1e3)
    return statistics.median(times)


def rates(name: str) -> dict[str, float]:
    """Return operations per second of a session: one by one with p99 in milliseconds, and in batches."""
    network = attach(name)
    first = network.topology.full.node_count
    count = network.topology.node_count - first
    with network.session() as session:
        spent = np.empty(_FLAPS)
        begin = time.perf_counter()
        for number in range(_FLAPS):
            before = time.perf_counter()
            session.set_port(first + number // 2 % count, 0, up=bool(number % 2))
            spent[number] = time.perf_counter() - before
        single = _FLAPS / (time.perf_counter() - begin)
        nodes = first + np.arange(count)
        begin = time.perf_counter()
        for up in (False, True):
            session.set_ports(nodes, up=up)
        batch = 2 * count / (time.perf_counter() - begin)
        churned = min(count, _FLAPS)
        begin = time.perf_counter()
        for number in range(churned):
            session.remove_node(first + number)
        for number in range(churned):
            session.add_node(first + number)
        churn = 2 * churned / (time.perf_counter() - begin)
    p99 = float(np.percentile(spent, 99)) * 1e3
    return {"single_rate": single, "single_p99_ms": p99, "batch_rate": batch, "churn_rate": churn}


def once(name: str, file: Path) -> dict[str, float]:
    """Bring the network of `file` up and down once; return all figures."""
    before = kernel_bytes()
    up, said, peak = command("up", str(file))
    memory = kernel_bytes() - before
    deploy = said["seconds"]
    try:
        check, result, _ = command("check", name, "--sample", "10000")
        if result["unexpected"]:
            raise RuntimeError(f"check found differences: {result}")
        found = {"ping_p50_ms": pings(name), **rates(name)}
    finally:
        down, _, _ = command("down", name)
    if not isinstance(deploy, dict):
        raise RuntimeError(f"up said {said}")
    return {
        "up": up, "deploy": float(deploy["deploy"]), "kernel_gib": memory / 2**30, "process_mib": peak,
        "check": check, "down": down, **found,
    }  # fmt: skip


@contextmanager
def files() -> Iterator[dict[str, tuple[str, Path]]]:
    """Yield the topology files, in a folder of their own; networks have a state directory of their own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EMULATOR_STATE_DIR"] = str(Path(folder) / "state")
        out = {}
        for key, (name, topology) in FILES.items():
            path = Path(folder) / f"{name}.yaml"
            path.write_text(f"name: {name}\nforwarding: routed\ntopology: {topology}\n", encoding="utf-8")
            out[key] = name, path
        yield out


def limit() -> int:
    """Return the largest number of ports, in steps of four million, that come up and pass a check."""
    held = 0
    with files() as _:
        folder = Path(os.environ["EMULATOR_STATE_DIR"]).parent
        for total in range(_LIMIT_STEP, 2**24, _LIMIT_STEP):
            path = folder / "limit.yaml"
            path.write_text(
                "name: limit\nforwarding: routed\n"
                f"topology: {{generator: vpc, vpcs: 16, ports: {total // 16}, hosts: 1000}}\n",
                encoding="utf-8",
            )
            try:
                seconds, _, _ = command("up", str(path))
                _, result, _ = command("check", "limit", "--sample", "1000")
            except RuntimeError as error:
                print(f"{total:,}: {error}", file=sys.stderr)
                break
            finally:
                command("down", "limit")
            if result["unexpected"]:
                break
            held = total
            print(f"{total:,} ports: up in {seconds:.1f} s", file=sys.stderr)
    return held


def beside() -> float:
    """Return the seconds of a shell around `ip -batch` for 1,000 hosts with 100 macvlan ports each."""
    prefix = "em-bench-"
    script = ["set -e"]
    for host in range(1000):
        space = f"{prefix}{host}"
        script += [f"ip netns add {space}", f"ip link add em-v{host} type veth peer name eth0 netns {space}"]
        batch = "\\n".join(
            ["link set eth0 up"]
            + [f"link add p{port} link eth0 mtu 1279 type macvlan mode bridge\\nlink set p{port} up\\n"
               f"address add 10.{host // 250}.{host % 250}.{port + 1}/32 dev p{port}" for port in range(100)]
        )  # fmt: skip
        script.append(f"printf '{batch}\\n' | ip -n {space} -batch -")
    begin = time.perf_counter()
    try:
        subprocess.run(["sh"], input="\n".join(script).encode(), check=True)
        return time.perf_counter() - begin
    finally:
        for host in range(1000):
            subprocess.run(["ip", "netns", "delete", f"{prefix}{host}"], check=False, capture_output=True)


def table(key: str, runs: list[dict[str, float]]) -> list[str]:
    """Return the rows of a Markdown table: median, least and most of each figure, and its target."""
    out = []
    for figure in runs[0]:
        values = [run[figure] for run in runs]
        target = TARGETS[key].get(figure)
        middle = statistics.median(values)
        verdict = "" if target is None else f"{target:g} ({'met' if middle <= target else 'missed'})"
        bounds = f"{min(values):,.4g} to {max(values):,.4g}"
        out.append(f"| {FILES[key][0]}: {figure} | {middle:,.4g} | {bounds} | {verdict} |")
    return out


def main() -> int:
    """Measure, print the table, write the JSON; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=sorted(FILES))
    parser.add_argument("--limit", action="store_true")
    parser.add_argument("--beside", action="store_true")
    options = parser.parse_args()
    about = facts()
    if options.limit:
        print(f"{limit():,} live ports\n\n{line(about)}")
        return 0
    if options.beside:
        print(f"ip -batch, 1,000 x 100 macvlans: {beside():.1f} s\n\n{line(about)}")
        return 0
    rows, found = [], {}
    with files() as each:
        for key in [options.only] if options.only else list(FILES):
            runs = [once(*each[key]) for _ in range(options.runs)]
            found[key] = runs
            rows += table(key, runs)
    print("\n".join(["| figure | median | least to most | target |", "|---|---|---|---|", *rows]))
    print(f"\n{line(about)}")
    RESULTS.mkdir(exist_ok=True)
    result = {"machine": about, "runs": found}
    (RESULTS / "light-ports.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return int(any("missed" in row for row in rows))


if __name__ == "__main__":
    sys.exit(main())
