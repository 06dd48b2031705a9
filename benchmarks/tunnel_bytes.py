"""Processor time per byte of a tunnel between two machines, against a bare VXLAN device.

    sudo python benchmarks/tunnel_bytes.py [--repeat 5] [--gigabytes 2]

The machines are two network namespaces on this computer (`two_machines.py`). iperf3 measures the processor
time of both ends, in turns: of a tunnel between two hosts of a network, and of two VXLAN devices that
iproute2 makes in the machines. The exit code is 1 when a tunnel takes more than 1.15 of a bare device's time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import facts, line
from two_machines import Machine, machines, plan_of

from emulator.engines.netns import NetnsEngine
from emulator.engines.registry import attach

PAIR, MOST = "pair", 1.15
BARE = (
    "link add bare type vxlan id 9 local {0} remote {1} dstport 4799 nolearning",
    "link set bare mtu 1450 up",
    "address add 10.98.0.{2}/24 dev bare",
)


def child(request: dict[str, Any]) -> int:
    """Bring a share of the pair up or down, or run a command in a node with this process's output."""
    if request["do"] == "up":
        plan = plan_of(request["text"], request["share"])
        NetnsEngine().deploy(replace(plan, placement=np.array([0, 1], dtype=np.int32)))
    elif request["do"] == "down":
        NetnsEngine().take_down(PAIR)
    else:
        network = attach(PAIR)
        node = network.topology.names.index(request["node"])
        (found,) = network.access.execute([node], request["argv"], 120)
        sys.stdout.write(found.output.decode())
        return found.code
    print("{}")
    return 0


def node(name: str, *argv: str) -> list[str]:
    """Return the command that runs `argv` in a node of the pair."""
    request = {"do": "run", "node": name, "argv": argv}
    return [sys.executable, __file__, "--child", json.dumps(request)]


def per_gigabyte(
    server: Callable[[], subprocess.Popen[str]], client: Callable[[], str]
) -> tuple[float, float]:
    """Return processor seconds per gigabyte of both ends, and Gbit/s."""
    with server() as receiver:
        time.sleep(1.5)
        result = json.loads(client())["end"]
        receiver.communicate(timeout=60)
    used = result["cpu_utilization_percent"]
    seconds, size = result["sum_received"]["seconds"], result["sum_received"]["bytes"]
    return (used["host_total"] + used["remote_total"]) / 100 * seconds / size * 1e9, size * 8e-9 / seconds


def measure_bytes(
    both: tuple[Machine, Machine], repeat: int, size: str
) -> dict[str, list[tuple[float, float]]]:
    """Measure a tunnel of a network and a bare device in turns."""
    one, other = both
    text = f"name: {PAIR}\ntopology: {{nodes: {{a: {{}}, b: {{}}}}, links: [[a, b]]}}\n"
    for share, machine in enumerate(both):
        machine.child(do="up", text=text, share=share)
        ends = [f"10.99.0.{at}" for at in ((1, 2) if share == 0 else (2, 1))]
        for words in BARE:
            machine.run("ip", *words.format(*ends, share + 1).split())
    address = other.run(*node("b", "hostname", "-I")).split()[0]
    serve, ask = ["iperf3", "-s", "-1"], ["iperf3", "-J", "-n", size, "-c"]
    kinds: dict[str, tuple[Callable[[], subprocess.Popen[str]], Callable[[], str]]] = {
        "tunnel": (
            lambda: other.popen(node("b", *serve)), lambda: one.run(*node("a", *ask, address)),
        ),
        "bare VXLAN": (lambda: other.popen(serve), lambda: one.run(*ask, "10.98.0.2")),
    }  # fmt: skip
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for _ in range(repeat):
        for kind, ends_of in kinds.items():
            found[kind].append(per_gigabyte(*ends_of))
    for machine in both:
        machine.child(do="down")
    return found


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--gigabytes", type=int, default=2)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(json.loads(options.child))
    about = facts()
    with tempfile.TemporaryDirectory(dir="/run") as folder, machines(Path(folder)) as both:
        moved = measure_bytes(both, options.repeat, f"{options.gigabytes}G")
    medians = []
    for kind, samples in moved.items():
        used, rate = (statistics.median(column) for column in zip(*samples, strict=True))
        print(f"{kind}: {used:.3f} processor seconds per gigabyte, {rate:.1f} Gbit/s")
        medians.append(used)
    ratio = medians[0] / medians[1]
    print(f"a tunnel takes {ratio:.2f} of a bare VXLAN's processor time per byte, target ≤ {MOST}")
    print(line(about))
    print(json.dumps(moved))
    return int(ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
