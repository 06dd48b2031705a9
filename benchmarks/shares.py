"""A network as two shares on two machines, against the same on one machine.

    sudo python benchmarks/shares.py [--fanout 45] [--repeat 5]

The machines are two network namespaces on this computer (`two_machines.py`). Each `up` and `down` is a
process of its own there. It counts, from the placed plan on, its own processor time and that of the kernel's
threads (schedstat of proc(5)) until they have finished: the kernel goes on with a namespace after its devices
are gone, and `down` of a share waits longer than that of one machine, so it would show more of the same work.
The threads also work for whatever else runs, so the machine must be quiet. Kinds take turns:

- one machine: all of the network;
- two shares, one after the other: a share is down before the other comes up. So the kernel sees what the
  kernel of a machine of its own would see;
- two shares, both up at once on this kernel: `down` of the first walks through all namespaces of the second
  for each of its own (`unhash_nsid` of the kernel), which separate machines don't.

The exit code is 1 when shares one after the other take more than 1.15 of the time of one machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import facts, kernel_threads, line
from two_machines import Machine, machines, plan_of

from emulator.engines.netns import NetnsEngine
from emulator.linux.nodes.teardown import Sentinel

NAME, MOST = "shares", 1.15
KINDS: dict[str, list[list[int | None]]] = {
    "one machine": [[None]],
    "two shares, one after the other": [[0], [1]],
    "two shares, both up at once": [[0, 1]],
}
"""Shares that are up together, in the order of their lives."""
COLUMNS = ("processes", "kernel's threads", "both")
Life = dict[str, tuple[float, float, float]]


def child(request: dict[str, Any]) -> dict[str, float]:
    """Carry out a request in this process; return seconds of its processor time and of kernel threads."""
    plan = plan_of(request["text"], request["share"]) if request["do"] == "up" else None
    threads, used = kernel_threads(), time.process_time()
    if plan is not None:
        NetnsEngine().deploy(plan)
    else:
        NetnsEngine().take_down(NAME)
    used = time.process_time() - used
    Sentinel().wait()  # the kernel begins with it once all earlier namespaces are finished; it costs 1 ms
    after = kernel_threads()
    return {"process": used, "kernel": sum(seconds - threads.get(at, 0) for at, seconds in after.items())}


def life(both: tuple[Machine, Machine], text: str, groups: list[list[int | None]]) -> Life:
    """Bring shares up and down, group by group: the sums of both, by verb."""
    out = {"up": (0.0, 0.0, 0.0), "down": (0.0, 0.0, 0.0)}
    for shares in groups:
        for do, sums in list(out.items()):
            process, kernel, _ = sums
            for share in shares:
                done = both[share or 0].child(do=do, text=text, share=share)
                process, kernel = process + done["process"], kernel + done["kernel"]
            out[do] = process, kernel, process + kernel
    return out


def report(lives: dict[str, list[Life]]) -> int:
    """Print the medians, and their ratios to those of one machine; return 1 when a target is missed."""
    missed = False
    print(f"| verb | network | {' | '.join(COLUMNS)} | ratio | target |")
    print("|---|---|---|---|---|---|---|")
    for do in ("up", "down"):
        one = 0.0
        for at, (kind, rows) in enumerate(lives.items()):
            medians = [statistics.median(each[do][column] for each in rows) for column in range(3)]
            one = one or medians[2]
            ratio = medians[2] / one
            target = f"≤ {MOST}" if at == 1 else "-"
            missed = missed or (at == 1 and ratio > MOST)
            print(f"| {do} | {kind} | {' | '.join(f'{x:.2f} s' for x in medians)} | {ratio:.2f} | {target} |")
    return int(missed)


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--fanout", type=int, default=45, help="hosts: its square")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(json.loads(options.child))))
        return 0
    about = facts()
    text = f"name: {NAME}\ntopology: {{generator: tree, depth: 2, fanout: {options.fanout}}}\n"
    lives: dict[str, list[Life]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(dir="/run") as folder, machines(Path(folder)) as both:
        for _ in range(options.repeat):
            for kind, groups in KINDS.items():
                lives[kind].append(life(both, text, groups))
    code = report(lives)
    print(line(about))
    print(json.dumps(lives))
    return code


if __name__ == "__main__":
    sys.exit(main())
