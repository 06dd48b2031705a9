"""Two machines for benchmarks: network namespaces of this computer, joined by a bridge (MTU 1,500)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from emulator.plan import Plan, make_plan
from emulator.tunnel_mtu import with_domain_mtu
from topologies.build import build
from topologies.spec.load import load_text

UNDERLAY = {"vni": 1000, "addresses": {"w1": "10.99.0.1", "w2": "10.99.0.2"}}


def plan_of(text: str, share: int | None) -> Plan:
    """Return the plan of a file's text: on one machine, or the share of one of two."""
    plan = make_plan(build(load_text(text)), "netns", 1 if share is None else 2, options={})
    if share is None:
        return plan
    return replace(with_domain_mtu(replace(plan, options={"underlay": UNDERLAY})), share=share)


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
        """Run the benchmark's own script there, in a new process with `--child` and a request."""
        return json.loads(self.run(sys.executable, sys.argv[0], "--child", json.dumps(request)))


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
