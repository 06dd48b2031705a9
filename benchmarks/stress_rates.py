"""How many operations per second the stress runner sustains, beside the kernel's own limit.

    sudo python benchmarks/stress_rates.py [--seconds 30] [--runs 3] [--beside mininet] [--json]

Each run, on a network of 1,024 hosts (tree, depth 2, fanout 32) by the netns engine:
- `ip -batch` brings one port down and up 10,000 times in one namespace: the kernel's own rate;
- a bare loop, one `send` and one `recv` for each change, does so with the ports of all hosts: the kernel's
  rate for this network, where each change is in another namespace and a bridge hears of it;
- port-flap of all hosts, 10,000 operations per second offered (5,000 downs, each undone);
- node-churn, 300 hosts per second removed and made again.
The runner, sampler included, is the one that `emulator stress` uses. Medians of the runs are printed.
`port down/up us` is what an operation takes once it is begun, and its ratio that to the bare loop.

With `--beside mininet` the same scenarios run once for a second on that engine as well, with the same runner.
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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from emulator.engines.netns import NetnsEngine
from emulator.engines.registry import engine_named
from emulator.linux.messages import link_up
from emulator.linux.netlink import NLM_F_ACK
from emulator.network import Network
from emulator.plan import make_plan
from stress.records import RunRecord
from stress.runner import run
from stress.scenario.load import load_text
from stress.schedule import planned
from topologies.build import build
from topologies.spec.load import load_text as load_topology

TOPOLOGY = "name: stress-rates\ntopology: {generator: tree, depth: 2, fanout: 32}\n"
FLAP = """\
name: flap
warmup: 1 s
steps: [{action: port-flap, target: host, rate: 5000, down: 50 ms, duration: %g s}]
"""
CHURN = "name: churn\nwarmup: 1 s\nsteps: [{action: node-churn, rate: 300, away: 500 ms, duration: %g s}]\n"
FLOOR_PAIRS = 5000

Figures = dict[str, float]


def kernel_rate() -> float:
    """Return how many changes of a port per second `ip -batch` makes in one namespace."""
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
    """Return the seconds that a change of a host's port takes without any runner."""
    topology = network.topology
    indices = make_plan(topology, network.engine).indices
    sockets, messages = [], []
    for host in topology.hosts.tolist():
        sockets.append(network.open_socket(host, socket.AF_NETLINK, socket.SOCK_RAW))
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


def shaken(network: Network, text: str) -> RunRecord:
    """Run a scenario on `network`."""
    document = load_text(text)
    schedule = planned(document, network.topology, 1, document.steps())
    return run(document, schedule, network, seed=1)


def figures(record: RunRecord, what: str) -> Figures:
    """Return rate, latency in ms and errors of a run."""
    done = [outcome for outcome in record.outcomes if not outcome.error and not outcome.skipped]
    first = min(outcome.operation.at for outcome in done)
    latency = np.array([outcome.latency for outcome in done]) * 1e3
    service = [outcome.finished - outcome.started for outcome in done]
    return {
        f"{what} us": statistics.fmean(service) * 1e6,
        f"{what} per s": len(done) / (max(outcome.finished for outcome in done) - first),
        f"{what} p50 ms": float(np.percentile(latency, 50)),
        f"{what} p99 ms": float(np.percentile(latency, 99)),
        f"{what} errors": float(sum(bool(outcome.error) for outcome in record.outcomes)),
        f"{what} leaked": float(len(record.leaks.leaked)),
    }


def one_run(network: Network, seconds: float) -> Figures:
    """Return the figures of one run of each."""
    found = {"kernel (ip -batch) per s": kernel_rate(), "bare loop us": bare_loop(network) * 1e6}
    found |= figures(shaken(network, FLAP % seconds), "port down/up")
    found["port down/up / kernel"] = found["port down/up per s"] / found["kernel (ip -batch) per s"]
    found["port down/up us / bare loop"] = found["port down/up us"] / found["bare loop us"]
    found |= figures(shaken(network, CHURN % min(seconds, 10.0)), "node remove or make")
    return found


def beside(name: str) -> Figures:
    """Return the figures of the same scenarios, a second of each, on the engine `name`."""
    engine = engine_named(name)
    begin = time.perf_counter()
    network = engine.deploy(make_plan(build(load_topology(TOPOLOGY)), engine.name))
    try:
        found = {f"{name}: up s": time.perf_counter() - begin}
        for text, what in ((FLAP, "port down/up"), (CHURN, "node remove or make")):
            measured = figures(shaken(network, text % 1.0), what)
            found |= {f"{name}: {key}": value for key, value in measured.items()}
        return found
    finally:
        network.down()


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--beside", metavar="ENGINE", help="the same scenarios on this engine too")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    engine = NetnsEngine()
    with tempfile.TemporaryDirectory(prefix="stress-rates-", dir="/run") as folder:
        os.environ["EMULATOR_STATE_DIR"] = f"{folder}/state"
        network = engine.deploy(make_plan(build(load_topology(TOPOLOGY)), engine.name))
        try:
            runs = [one_run(network, options.seconds) for _ in range(options.runs)]
        finally:
            network.down()
        other = beside(options.beside) if options.beside else {}
    medians = {name: statistics.median(each[name] for each in runs) for name in runs[0]} | other
    if options.json:
        print(json.dumps({"medians": medians, "runs": runs, "load": os.getloadavg()}))
        return
    for name, value in medians.items():
        print(f"{name:40} {value:12,.3f}")
    print(f"{'load average':40} {os.getloadavg()[0]:12.2f}")


if __name__ == "__main__":
    main()
