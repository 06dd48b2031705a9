"""A network as two shares on two machines, against the same on one; a tunnel against a bare VXLAN device.

    sudo python benchmarks/shares.py [--fanout 45] [--repeat 5] [--gigabytes 2]

The machines are two network namespaces on this computer, joined by a bridge with an MTU of 1,500. Each
`up` and `down` is a process of its own there. It counts its own processor time, from the placed plan on.
Kinds take turns. The busy seconds of the processors (proc_stat(5)) include the kernel's threads, but also
all else that runs. iperf3 measures both ends' processor time per byte: of a tunnel between two hosts of a
network, and of two VXLAN devices that iproute2 makes in the machines. The exit code is 1 when a target is
missed.
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
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from machine import facts, line

from emulator.engines.netns import NetnsEngine
from emulator.engines.registry import attach
from emulator.plan import Plan, make_plan
from emulator.tunnel_mtu import with_domain_mtu
from topologies.build import build
from topologies.spec.load import load_text

NAME, PAIR = "shares", "pair"
MOST_DEPLOY, MOST_BYTES = 1.15, 1.15
UNDERLAY = {"vni": 1000, "addresses": {"w1": "10.99.0.1", "w2": "10.99.0.2"}}
BARE = (
    "link add bare type vxlan id 9 local {0} remote {1} dstport 4799 nolearning",
    "link set bare mtu 1450 up",
    "address add 10.98.0.{2}/24 dev bare",
)


def plan_of(request: dict[str, Any]) -> Plan:
    """Return the plan of a request: a tree on one machine or on two, or two hosts on one link each."""
    text, share = request["text"], request["share"]
    plan = make_plan(build(load_text(text)), "netns", 1 if share is None else 2, options={})
    if share is None:
        return plan
    if request["name"] == PAIR:
        plan = replace(plan, placement=np.array([0, 1], dtype=np.int32))
    return replace(with_domain_mtu(replace(plan, options={"underlay": UNDERLAY})), share=share)


def child(request: dict[str, Any]) -> dict[str, float]:
    """Carry out a request in this process; return seconds of its processor time and of the clock."""
    plan = plan_of(request) if request["do"] == "up" else None
    begin, used = time.perf_counter(), time.process_time()
    if plan is not None:
        NetnsEngine().deploy(plan)
    else:
        NetnsEngine().take_down(request["name"])
    return {"processor": time.process_time() - used, "clock": time.perf_counter() - begin}


def run_in_node(request: dict[str, Any]) -> int:
    """Run a command in a node, with this process's output."""
    network = attach(request["name"])
    node = network.topology.names.index(request["node"])
    (found,) = network.access.execute([node], request["argv"], 120)
    sys.stdout.write(found.output.decode())
    return found.code


def busy() -> float:
    """Return the seconds that all processors of this computer were busy since it started."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    ticks = [int(field) for field in fields]
    return (sum(ticks[:8]) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


class Machine:
    """A machine: a network namespace that a process holds, and a state directory."""

    def __init__(self, holder: int, folder: Path) -> None:
        self._enter = ["nsenter", f"--net=/proc/{holder}/ns/net"]
        self._environment = os.environ | {"EMULATOR_STATE_DIR": str(folder)}

    def popen(self, words: list[str]) -> subprocess.Popen[str]:
        """Start a command there."""
        return subprocess.Popen(
            [*self._enter, *words], stdout=subprocess.PIPE, text=True, env=self._environment
        )

    def run(self, *words: str) -> str:
        """Run a command there and return its output. Raises SystemExit when it fails."""
        with self.popen(list(words)) as process:
            output, _ = process.communicate(timeout=600)
        if process.returncode:
            raise SystemExit(f"{' '.join(words)}: exit code {process.returncode}\n{output}")
        return output

    def child(self, **request: Any) -> Any:
        """Carry out a request in a new process there."""
        return json.loads(self.run(sys.executable, __file__, "--child", json.dumps(request)))

    def node(self, node: str, *argv: str) -> list[str]:
        """Return the command that runs `argv` in a node of the pair."""
        request = {"do": "run", "name": PAIR, "node": node, "argv": argv}
        return [sys.executable, __file__, "--child", json.dumps(request)]


@contextmanager
def machines(folder: Path) -> Iterator[tuple[Machine, Machine]]:
    """Make the bridge and the two machines, and remove them at the end."""
    with ExitStack() as stack:
        holders = []
        for _ in range(3):
            held = stack.enter_context(
                subprocess.Popen(
                    ["unshare", "--net", "sh", "-c", "echo; exec sleep 86400"], stdout=subprocess.PIPE
                )
            )
            stack.callback(held.kill)
            assert held.stdout is not None  # noqa: S101 -- it is a pipe
            held.stdout.readline()
            holders.append(held.pid)
        wire, *ends = (Machine(holder, folder / str(at)) for at, holder in enumerate(holders))
        wire.run("ip", "link", "add", "u", "type", "bridge")
        wire.run("ip", "link", "set", "u", "up")
        for at, machine in enumerate(ends, 1):
            peer = ["peer", "name", "under0", "netns", str(holders[at])]
            wire.run("ip", "link", "add", f"m{at}", "type", "veth", *peer)
            wire.run("ip", "link", "set", f"m{at}", "master", "u", "up")
            machine.run("ip", "link", "set", "lo", "up")
            machine.run("ip", "address", "add", f"10.99.0.{at}/24", "dev", "under0")
            machine.run("ip", "link", "set", "under0", "up")
        yield ends[0], ends[1]


def life(
    both: tuple[Machine, Machine], text: str, shares: list[int | None]
) -> dict[str, tuple[float, float]]:
    """Bring a network up and down, one share after the other: (processor time, busy seconds) of both."""
    out = {}
    for do in ("up", "down"):
        before, used = busy(), 0.0
        for share in shares:
            done = both[share or 0].child(do=do, name=NAME, text=text, share=share)
            used += done["processor"]
        out[do] = used, busy() - before
    return out


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
        machine.child(do="up", name=PAIR, text=text, share=share)
        ends = [f"10.99.0.{at}" for at in ((1, 2) if share == 0 else (2, 1))]
        for words in BARE:
            machine.run("ip", *words.format(*ends, share + 1).split())
    address = other.run(*other.node("b", "hostname", "-I")).split()[0]
    serve, ask = ["iperf3", "-s", "-1"], ["iperf3", "-J", "-n", size, "-c"]
    kinds: dict[str, tuple[Callable[[], subprocess.Popen[str]], Callable[[], str]]] = {
        "tunnel": (
            lambda: other.popen(other.node("b", *serve)), lambda: one.run(*one.node("a", *ask, address)),
        ),
        "bare VXLAN": (lambda: other.popen(serve), lambda: one.run(*ask, "10.98.0.2")),
    }  # fmt: skip
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for _ in range(repeat):
        for kind, ends_of in kinds.items():
            found[kind].append(per_gigabyte(*ends_of))
    for machine in both:
        machine.child(do="down", name=PAIR)
    return found


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--fanout", type=int, default=45, help="hosts: its square")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--gigabytes", type=int, default=2)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        request = json.loads(options.child)
        if request["do"] == "run":
            return run_in_node(request)
        print(json.dumps(child(request)))
        return 0
    about = facts()
    text = f"name: {NAME}\ntopology: {{generator: tree, depth: 2, fanout: {options.fanout}}}\n"
    with tempfile.TemporaryDirectory(dir="/run") as folder, machines(Path(folder)) as both:
        lives: dict[str, list[dict[str, tuple[float, float]]]] = {"one machine": [], "two shares": []}
        for _ in range(options.repeat):
            lives["one machine"].append(life(both, text, [None]))
            lives["two shares"].append(life(both, text, [0, 1]))
        moved = measure_bytes(both, options.repeat, f"{options.gigabytes}G")
    return report(lives, moved, line(about))


def report(
    lives: dict[str, list[dict[str, tuple[float, float]]]],
    moved: dict[str, list[tuple[float, float]]],
    about: str,
) -> int:
    """Print the medians and their ratios; return 1 when a target is missed."""
    missed = False
    for do in ("up", "down"):
        for column, words in enumerate(("processor time of the processes", "busy seconds of the machine")):
            one, two = (statistics.median(each[do][column] for each in rows) for rows in lives.values())
            ratio = two / one if one else 1.0
            print(f"{do:5} {words:32} one machine {one:6.2f} s, two shares {two:6.2f} s, ratio {ratio:.2f}")
            missed = missed or (do == "up" and column == 0 and ratio > MOST_DEPLOY)
    for kind, samples in moved.items():
        used, rate = (statistics.median(column) for column in zip(*samples, strict=True))
        print(f"{kind}: {used:.3f} processor seconds per gigabyte, {rate:.1f} Gbit/s")
    tunnel, bare = (statistics.median(sample[0] for sample in samples) for samples in moved.values())
    print(f"a tunnel takes {tunnel / bare:.2f} of a bare VXLAN's processor time per byte; {about}")
    return int(missed or tunnel / bare > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
