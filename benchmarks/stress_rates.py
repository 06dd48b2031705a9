"""Measure operations per second of the stress runner, beside the kernel's own limit.

    sudo python benchmarks/stress_rates.py [--seconds 30] [--runs 3] [--beside mininet] [--soak 600]

Each run, on a network of 1,024 hosts (tree, depth 2, fanout 32) by the netns engine:
- `ip -batch` brings one port down and up 10,000 times in one namespace: the kernel's own rate;
- a bare loop, one `send` and one `recv` per change, does the same with the ports of all hosts: the kernel's
  rate for this network, where each change is in another namespace and notifies a bridge;
- port-flap of all hosts, node-churn of all hosts, and 200 pairs that are pinged ten times a second.
The runner, sampler included, is the one of `emulator stress`. The offered rate is above the target, since
the achieved rate never exceeds the offered one. Medians of the runs are printed as a Markdown table. The exit
code is 1 when a target is missed.

With `--beside mininet` the same scenarios also run once for a second on that engine, with the same runner.
With `--soak 600` the soak of stress/examples/ runs for that many seconds by the command itself.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
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

from emulator.engines.registry import engine_named
from emulator.linux.netlink.connection import NLM_F_ACK
from emulator.linux.netlink.messages import link_up
from emulator.network import Network
from emulator.plan import make_plan
from stress.records import RunResult
from stress.runner import run
from stress.scenario.load import load_text
from stress.schedule import planned
from topologies.build import build
from topologies.spec.load import load_text as load_topology

ROOT = Path(__file__).resolve().parent.parent
TOPOLOGY = "name: stress-rates\ntopology: {generator: tree, depth: 2, fanout: 32}\n"
PORTS, NODES, PROBES = "ports down and up", "hosts removed and made again", "200 pairs pinged at 10 Hz"
SCENARIOS = {
    PORTS: "{action: port-flap, target: host, rate: 5100, down: 50 ms, duration: %g s}",
    NODES: "{action: node-churn, rate: 400, away: 500 ms, duration: %g s}",
    PROBES: "{action: arp-storm, target: {kind: host, count: 1}, rate: 1, duration: %g s}",
}
LONGEST = {PORTS: 3600.0, NODES: 10.0, PROBES: 10.0}
FLOOR_PAIRS = 5000

Figures = dict[str, float]


def kernel_rate() -> float:
    """Return the number of port changes per second that `ip -batch` makes in one namespace."""
    name = f"stress-rates-{os.getpid()}"
    batch = "link set v0 down\nlink set v0 up\n" * FLOOR_PAIRS
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        ip = ["ip", "-n", name]
        subprocess.run([*ip, "link", "add", "v0", "type", "veth", "peer", "name", "v1"], check=True)
        subprocess.run([*ip, "link", "set", "v1", "up"], check=True)
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(batch)
            file.flush()
            begin = time.perf_counter()
            subprocess.run([*ip, "-batch", file.name], check=True)
            return 2 * FLOOR_PAIRS / (time.perf_counter() - begin)
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def bare_loop(network: Network, rounds: int = 4) -> float:
    """Return the seconds that a change of a host's port takes without a runner."""
    topology = network.topology
    indices = make_plan(topology, network.engine).indices
    sockets, messages = [], []
    for host in topology.hosts.tolist():
        sockets.append(network.access.nodes.open_socket(host, socket.AF_NETLINK, socket.SOCK_RAW))
        both = [bytearray(link_up(indices.of(host, 0), up=up)) for up in (False, True)]
        for message in both:
            message[6] |= NLM_F_ACK
        messages.append(both)
    try:
        begin = time.perf_counter()
        for up in (0, 1) * rounds:
            for sock, both in zip(sockets, messages, strict=True):
                sock.send(both[up])
                sock.recv(8192)
        return (time.perf_counter() - begin) / (2 * rounds * len(sockets))
    finally:
        for sock in sockets:
            sock.close()


def run_scenario(network: Network, what: str, seconds: float) -> Figures:
    """Return the figures of a scenario on `network`."""
    text = f"name: rates\nwarmup: 1 s\nsteps: [{SCENARIOS[what] % min(seconds, LONGEST[what])}]\n"
    if what == PROBES:
        text += "probes: [{probe: ping, pairs: 200, interval: 100 ms}]\n"
    document = load_text(text)
    schedule = planned(document, network.topology, 1, document.steps())
    begin = time.monotonic()
    record = run(document, schedule, network, seed=1)
    if what == PROBES:
        asked = sum(probe.sent for probe in record.probes)
        share = record.probe_cost / (time.monotonic() - begin)
        return {"share": share, "asked": asked, "errors": float(sum(p.unasked for p in record.probes))}
    return figures(record)


def figures(record: RunResult) -> Figures:
    """Return rate, latencies in ms and errors of a run."""
    outcomes = record.outcomes
    done = np.flatnonzero(~(outcomes.failed | outcomes.skipped))
    due, started, finished = outcomes.due[done], outcomes.started[done], outcomes.finished[done]
    latency = (finished - due) * 1e3
    return {
        "us": float((finished - started).mean()) * 1e6,
        "rate": len(done) / float(finished.max() - due.min()),
        "p50": float(np.percentile(latency, 50)),
        "p99": float(np.percentile(latency, 99)),
        "errors": float(np.count_nonzero(outcomes.failed)),
        "leaked": float(len(record.leaks.leaked)),
    }


@contextmanager
def deployed(engine_name: str) -> Iterator[Network]:
    """Bring the network up and, at the end, down."""
    engine = engine_named(engine_name)
    network = engine.deploy(make_plan(build(load_topology(TOPOLOGY)), engine.name))
    try:
        yield network
    finally:
        network.down()


def measured(seconds: float) -> dict[str, Figures]:
    """Return the figures of one run of each scenario, and of the programs to compare with."""
    with deployed("netns") as network:
        found = {"floor": {"batch": kernel_rate(), "loop": bare_loop(network) * 1e6}}
        return found | {what: run_scenario(network, what, seconds) for what in SCENARIOS}


def beside(name: str) -> dict[str, Figures]:
    """Return the figures of a second of each scenario on the engine `name`."""
    with deployed(name) as network:
        return {what: run_scenario(network, what, 1.0) for what in SCENARIOS}


def soaked(seconds: float) -> Figures:
    """Run the ready soak by the command and return figures of its report."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "stress", "stress/examples/soak.yaml", "--up", "topologies/examples/tree-1024.yaml",
            "--duration", f"{seconds:g}s", "--report", folder,
        ]  # fmt: skip
        subprocess.run(
            [sys.executable, "-m", "emulator", *words], cwd=ROOT, check=False, stdout=subprocess.DEVNULL
        )
        report = json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))
    found = report["figures"]
    return {
        "growth": found["host.memory.used.growth"], "leaked": found["leaks"], "errors": found["errors"],
        "operations": found["achieved"],
    }  # fmt: skip


def medians(runs: list[dict[str, Figures]]) -> dict[str, Figures]:
    """Return the median of each figure."""
    return {
        what: {name: statistics.median(each[what][name] for each in runs) for name in values}
        for what, values in runs[0].items()
    }


def rows(
    ours: dict[str, Figures], other: dict[str, Figures], soak: Figures, seconds: float
) -> Iterator[tuple[str, ...]]:
    """Yield work, result, target, verdict, and the result on the other engine."""
    for what, least, slowest in ((PORTS, 10_000.0, 5.0), (NODES, 300.0, None)):
        found, pairs = ours[what], 1 if what == PORTS else 2
        rate = found["rate"] / pairs
        good = rate >= least and (slowest is None or found["p99"] <= slowest)
        target = f"≥ {least:,.0f}/s" + (f", p99 ≤ {slowest:g} ms" if slowest else "")
        words = f"{rate:,.0f}/s, latency p50 {found['p50']:.2g} ms, p99 {found['p99']:.2g} ms"
        there = f"{other[what]['rate'] / pairs:,.0f}/s" if other else "-"
        yield what, words, target, _verdict(good=good and not found["errors"] and not found["leaked"]), there
    share = ours[PROBES]["share"]
    there = f"{other[PROBES]['share']:.0%}" if other else "-"
    yield PROBES, f"{share:.0%} of a core", "≤ 25 %", _verdict(good=share <= 0.25), there
    if soak:
        growth = soak["growth"] / 2**20
        words = (
            f"{soak['operations']:,.0f} operations, {soak['errors']:.0f} errors, "
            f"{soak['leaked']:.0f} leaked, memory {growth:+.1f} MiB"
        )
        good = growth <= 10 and not soak["leaked"]
        yield f"soak of {seconds:g} s, all at once", words, "0 leaked, ≤ +10 MiB", _verdict(good=good), "-"


def _verdict(*, good: bool) -> str:
    return "yes" if good else "**no**"


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--beside", metavar="ENGINE", help="the same scenarios on this engine too")
    parser.add_argument("--soak", type=float, default=0.0, metavar="SECONDS")
    options = parser.parse_args()
    about = facts()
    with tempfile.TemporaryDirectory(prefix="stress-rates-", dir="/run") as folder:
        os.environ["EMULATOR_STATE_DIR"] = f"{folder}/state"
        ours = medians([measured(options.seconds) for _ in range(options.runs)])
        other = beside(options.beside) if options.beside else {}
        soak = soaked(options.soak) if options.soak else {}
    found = list(rows(ours, other, soak, options.soak))
    print(f"| work | netns | target | met | {options.beside or 'other'} |\n|---|---|---|---|---|")
    print("\n".join(f"| {' | '.join(row)} |" for row in found))
    floor, mine = ours["floor"], ours[PORTS]["us"]
    print(
        f"\nA change of a port takes {mine:.0f} µs, {mine / floor['loop']:.2f} times a bare loop of `send` "
        f"and `recv` ({floor['loop']:.0f} µs); `ip -batch` made {floor['batch']:,.0f} a second in one "
        f"namespace. {line(about)} Medians of {options.runs} runs."
    )
    return 0 if all(row[3] == "yes" for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
