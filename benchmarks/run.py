"""Measure the figures of the README and print them as a Markdown table.

    sudo python benchmarks/run.py                  everything, about ten minutes with Mininet
    sudo python benchmarks/run.py --quick          a small network, once: does it all still run?
    sudo python benchmarks/run.py --only NAME      one of them: --help lists the names
    sudo python benchmarks/run.py --huge           40,000 hosts too, once: minutes more, 16 GiB of free memory

Our program and the other one run in turns (A B A B), after a turn that isn't counted. Each returns only
when the kernel has released everything, so that neither pays for the other. Before the measurement both
count their links and addresses: a difference is an error. The numbers also go to `benchmarks/results/` as
JSON. The exit code is 1 when a target is missed.

Another program that creates or destroys namespaces meanwhile shares the kernel's RTNL lock with these. Then
times double, and a ratio of wall-clock times means little. The rows of processor time still show our part.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machine import facts, free_gib, line
from programs import (
    LINEAR,
    ROUTED,
    SMALL,
    SMALL_ROUTED,
    TREE,
    TREE_OVS,
    Bench,
    Network,
    bench,
    has_ovs,
    mininet_build,
    mininet_python,
)
from table import Row, markdown

RESULTS = Path(__file__).resolve().parent / "results"
Sample = dict[str, Any]
_HUGE_GIB = 16
COUNTED = ("namespaces", "links", "addresses")


def in_turns(turns: int, *sides: Callable[[], Sample]) -> list[list[Sample]]:
    """Call each of `sides` once to warm up, then `turns` times in turns; return the results of each."""
    for side in sides:
        side()
    samples: list[list[Sample]] = [[] for _ in sides]
    for _ in range(turns):
        for mine, side in zip(samples, sides, strict=True):
            mine.append(side())
    return samples


def picked(samples: list[Sample], key: str) -> tuple[float, ...]:
    """Return one figure of each sample."""
    return tuple(float(sample[key]) for sample in samples)


def same_work(on: Bench, network: Network) -> None:
    """Raise RuntimeError unless the floor creates as many objects as we do."""
    ours, floor = on.engine(network, count=True), on.floor(network, count=True)
    different = {key: (ours[key], floor[key]) for key in COUNTED if ours[key] != floor[key]}
    if different:
        raise RuntimeError(
            f"ours and the floor make different things, so nothing can be compared: {different}"
        )


class Suite:
    """Measurements by name. `quick` takes a small network and one turn."""

    def __init__(self, on: Bench, *, quick: bool) -> None:
        self._on = on
        self._turns = 1 if quick else 5
        self._small = quick
        self._tree = SMALL if quick else TREE
        self._large = SMALL if quick else LINEAR
        self._engine: dict[str, tuple[list[Sample], list[Sample]]] = {}

    def _compared(self, network: Network) -> tuple[list[Sample], list[Sample]]:
        """Return (ours, floor) samples of `network`, measured once for both deploy and down."""
        if network.name not in self._engine:
            same_work(self._on, network)
            ours, floor = in_turns(
                self._turns, lambda: self._on.engine(network), lambda: self._on.floor(network)
            )
            self._engine[network.name] = ours, floor
        return self._engine[network.name]

    def _against_floor(self, network: Network, key: str, target: float) -> Row:
        ours, floor = self._compared(network)
        work = f"{key.replace('_cpu', ', processor time,')} {network.name}"
        return Row(work, picked(ours, key), "floor", picked(floor, key), "ratio", target)

    def deploy(self) -> list[Row]:
        """Deploy in-process against the floor, by the clock and by processor time."""
        return [self._against_floor(self._tree, key, 1.3) for key in ("deploy", "deploy_cpu")]

    def down(self) -> list[Row]:
        """Take down, until the kernel has released everything, against the floor."""
        return [self._against_floor(self._tree, "down", 1.3)]

    def large(self) -> list[Row]:
        """Deploy and take down ten thousand hosts against the floor."""
        limits = {"deploy": 1.2, "deploy_cpu": 1.2, "down": 1.3}
        return [self._against_floor(self._large, key, target) for key, target in limits.items()]

    def command(self) -> list[Row]:
        """Run the whole `up`, interpreter start included, against the floor."""
        file = str(self._on.file(self._tree))

        def ours() -> Sample:
            took = self._on.command("up", file)
            self._on.command("down", self._tree.name)
            return {"seconds": took}

        mine, floor = in_turns(self._turns, ours, lambda: self._on.floor(self._tree))
        work = f"whole command `up` {self._tree.name}"
        return [Row(work, picked(mine, "seconds"), "floor", picked(floor, "deploy"), "excess", 0.8)]

    def help(self) -> list[Row]:
        """Run `--help`."""
        (samples,) = in_turns(self._turns, lambda: {"seconds": self._on.command("--help")})
        return [Row("`emulator --help`", picked(samples, "seconds"), target=0.15)]

    def check(self) -> list[Row]:
        """Check a thousand pairs by ICMP, the whole command."""
        self._on.command("up", str(self._on.file(self._tree)))
        arguments = ("check", self._tree.name, "--sample", "1000")
        (samples,) = in_turns(self._turns, lambda: {"seconds": self._on.command(*arguments)})
        self._on.command("down", self._tree.name)
        return [Row(f"`check --sample 1000` on {self._tree.name}", picked(samples, "seconds"), target=3.0)]

    def mininet(self) -> list[Row]:
        """Build the tree against Mininet's build; nothing where Debian's Mininet isn't installed."""
        python = mininet_python()
        if python is None:
            print("Mininet is not here (apt-get install mininet bridge-utils): left out", file=sys.stderr)
            return []
        return self._against_mininet(python, self._tree, 20.0)

    def ovs(self) -> list[Row]:
        """Build 256 hosts on 85 userspace Open vSwitch switches, our daemons' start included."""
        python = mininet_python()
        if python is None or not has_ovs():
            print("no Mininet or Open vSwitch here (apt-get install mininet openvswitch-switch): left out",
                  file=sys.stderr)  # fmt: skip
            return []
        return self._against_mininet(python, TREE_OVS, 4.0)

    def huge(self) -> list[Row]:
        """Bring 40,000 routed hosts up, probe 500 pairs and take all down, once, by whole commands."""
        network, free = SMALL_ROUTED if self._small else ROUTED, free_gib()
        if not self._small and free < _HUGE_GIB:
            print(f"{free:.1f} GiB are free, {network.name} wants {_HUGE_GIB}: left out", file=sys.stderr)
            return []
        up = self._on.command("up", str(self._on.file(network)))
        used = free - free_gib()
        check = self._on.command("check", network.name, "--sample", "500")
        down = self._on.command("down", network.name)
        return [
            Row(f"whole command `up` {network.name} ({used:.1f} GiB)", (up,), target=120),
            Row(f"`check --sample 500` on {network.name}", (check,), target=10),
            Row(f"whole command `down` {network.name}", (down,), target=120),
        ]

    def _against_mininet(self, python: str, network: Network, target: float) -> list[Row]:
        ours, theirs = in_turns(
            self._turns, lambda: self._on.engine(network), lambda: mininet_build(python, network)
        )
        return [
            Row(f"{key} {network.name}", picked(ours, key), what, picked(theirs, key), "speedup", least)
            for key, what, least in (("deploy", "Mininet build", target), ("down", "Mininet stop", 1.0))
        ]


NAMES = ("deploy", "down", "command", "large", "help", "check", "mininet", "ovs")
"""Measurements by default."""
ALL = (*NAMES, "huge")


def save(rows: list[Row], about: dict[str, object]) -> Path:
    """Write the figures to a file named by date and kernel; return it."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{about['date']}-linux-{about['kernel']}.json"
    data = {"machine": about, "rows": [row.as_json() for row in rows]}
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return path


def main() -> int:
    """Run the requested measurements; return the exit code."""
    parser = argparse.ArgumentParser(description="Measure what the README claims.")
    parser.add_argument("--quick", action="store_true", help="a small network, once; nothing is saved")
    parser.add_argument("--only", action="append", choices=ALL, metavar="NAME", help=", ".join(ALL))
    parser.add_argument("--huge", action="store_true", help="40,000 hosts as well; takes minutes and 16 GiB")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("benchmarks make namespaces: run them as root", file=sys.stderr)
        return 3
    about = facts()
    rows: list[Row] = []
    with bench() as on:
        suite = Suite(on, quick=arguments.quick)
        for name in arguments.only or (ALL if arguments.huge else NAMES):
            print(f"measuring: {name}", file=sys.stderr, flush=True)
            rows += getattr(suite, name)()
    print(markdown(rows, f"{line(about)} Medians (least\N{EN DASH}most), taken in turns."))
    if not arguments.quick and not arguments.only:
        save(rows, about)
    return 0 if all(row.met for row in rows) or arguments.quick else 1


if __name__ == "__main__":
    sys.exit(main())
