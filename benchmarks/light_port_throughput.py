"""TCP between two light ports, and the same between two VXLAN devices of the kernel, in turns in one run.

    sudo python benchmarks/light_port_throughput.py [--repeat 5] [--seconds 5]

All four hosts are on one underlay, two at each leaf switch. Two carry a light port. The other two have a
device `vxlan external` each, with a route that names the tunnel (ip-route(8), `encap ip`). iperf3 measures
what the receiver gets, after a second of warmup. The exit code is 1 when the ratio of the medians is below 1.
On a busy machine, the throughput per second of processor time of both ends is the steadier figure.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from machine import facts, line

ROOT = Path(__file__).resolve().parent.parent
NAME = "throughput"
NETWORK = f"""
name: {NAME}
topology:
  generator: vpc
  vpcs: 1
  ports: 2
  hosts: 2
  underlay: {{generator: leaf-spine, spines: 1, leaves: 2, hosts_per_leaf: 2}}
"""
PLAIN = {"h3": "10.9.0.1", "h4": "10.9.0.2"}
LEAST_RATIO = 1.0


class Sample(NamedTuple):
    """Payload in Gbit per second, and in Gbit per second of processor time."""

    rate: float
    per_processor: float


class Run:
    """A running network in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = os.environ | {
            "EMULATOR_STATE_DIR": str(folder / "state"),
            "PYTHONPATH": str(ROOT),
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command of the emulator."""
        command = [sys.executable, "-m", "emulator", *words]
        return subprocess.Popen(
            command, cwd=self._folder, env=self._environment, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, *words: str) -> str:
        """Run a command of the emulator; return its output. Raises SystemExit with its words on failure."""
        with self.start(*words) as process:
            output, _ = process.communicate(timeout=120)
        if process.returncode:
            raise SystemExit(f"{' '.join(words)}: exit code {process.returncode}\n{output}")
        return output

    def address(self, node: str) -> str:
        """Return the address of a node."""
        found: list[str] = json.loads(self("status", NAME, node, "--json"))["addresses"]
        return found[0].partition("/")[0]

    def throughput(self, client: str, server: str, address: str, seconds: int) -> Sample:
        """Measure the payload that `server` receives from `client` by TCP."""
        with self.start("exec", server, "--", "iperf3", "-s", "-1", "--forceflush") as receiver:
            assert receiver.stdout is not None  # noqa: S101 -- it is a pipe
            while "listening" not in receiver.stdout.readline():
                if receiver.poll() is not None:
                    raise SystemExit("iperf3 didn't start")
            words = ["iperf3", "-J", "-c", address, "-t", str(seconds), "-O", "1"]
            result = json.loads(self("exec", client, "--", *words))
            receiver.communicate(timeout=30)
        rate = float(result["end"]["sum_received"]["bits_per_second"]) / 1e9
        used: dict[str, float] = result["end"]["cpu_utilization_percent"]
        return Sample(rate, rate / (used["host_total"] + used["remote_total"]) * 100)

    def add_plain_devices(self) -> None:
        """Give the other two hosts a VXLAN device each, and a route through the tunnel to each other."""
        far = {node: self.address(other) for node, other in (("h3", "h4"), ("h4", "h3"))}
        macs = {node: f"02:00:00:00:09:0{at}" for at, node in enumerate(PLAIN)}
        for node, other in (("h3", "h4"), ("h4", "h3")):
            script = (
                f"ip link add vx address {macs[node]} type vxlan external dstport 4789 && "
                f"ip link set vx mtu 1450 up && ip addr add {PLAIN[node]}/32 dev vx && "
                f"ip route add {PLAIN[other]}/32 encap ip id 7 dst {far[node]} ttl 64 dev vx && "
                f"ip neigh add {PLAIN[other]} lladdr {macs[other]} dev vx nud permanent"
            )
            self("exec", node, "--", "sh", "-c", script)


def main() -> int:
    """Measure in turns, and print a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    about = facts()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder))
        Path(folder, "network.yaml").write_text(NETWORK)
        run("up", "network.yaml")
        try:
            run.add_plain_devices()
            kinds = {
                "light ports": ("v1s1p1", "v1s1p2", run.address("v1s1p2")),
                "vxlan external": ("h3", "h4", PLAIN["h4"]),
            }
            found: dict[str, list[Sample]] = {kind: [] for kind in kinds}
            for _ in range(options.repeat):
                for kind, ends in kinds.items():
                    found[kind].append(run.throughput(*ends, options.seconds))
        finally:
            run("down", NAME)
    for kind, samples in found.items():
        rates = [sample.rate for sample in samples]
        print(
            f"{kind}: {statistics.median(rates):.1f} Gbit/s ({min(rates):.1f}\N{EN DASH}{max(rates):.1f}), "
            f"{statistics.median(sample.per_processor for sample in samples):.1f} Gbit per processor second"
        )
    light, plain = found["light ports"], found["vxlan external"]
    ratio, per_processor = (
        statistics.median(one[at] for one in light) / statistics.median(one[at] for one in plain)
        for at in (0, 1)
    )
    print(
        f"ratio {ratio:.2f}, target \N{GREATER-THAN OR EQUAL TO} {LEAST_RATIO:.1f}; "
        f"per processor second {per_processor:.2f}; {line(about)}"
    )
    return int(ratio < LEAST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
