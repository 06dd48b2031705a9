"""Measured programs: the floor, the engine in-process, the command line, Mininet."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TIMEOUT = 1200


@dataclass(frozen=True)
class Network:
    """Network that both sides create: `shape` for the floor, `text` for us."""

    name: str
    shape: tuple[str, str, str]
    text: str


TREE = Network("tree-1024", ("tree", "2", "32"), "topology: {generator: tree, depth: 2, fanout: 32}")
LINEAR = Network(
    "linear-10016", ("linear", "313", "32"), "topology: {generator: linear, k: 313, hosts_per_switch: 32}"
)
TREE_OVS = Network(
    "tree-4-4-ovs",
    ("tree", "4", "4"),
    "switch: ovs\nopenflow: {datapath: userspace}\ntopology: {generator: tree, depth: 4, fanout: 4}",
)
ROUTED = Network(
    "routed-40000",
    ("", "", ""),  # the floor has no such shape
    "forwarding: routed\ntopology: {generator: leaf-spine, leaves: 400, spines: 4, hosts_per_leaf: 100}",
)
SMALL_ROUTED = Network(
    "routed-64",
    ("", "", ""),
    "forwarding: routed\ntopology: {generator: leaf-spine, leaves: 4, spines: 2, hosts_per_leaf: 16}",
)
SMALL = Network("tree-64", ("tree", "2", "8"), "topology: {generator: tree, depth: 2, fanout: 8}")


def floor_program() -> Path:
    """Return the compiled floor, compiling it when it is older than its source."""
    program, source = HERE / "bin" / "floor", HERE / "floor.c"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", str(program), str(source)], check=True)
    return program


class Bench:
    """Runner of each program in separate folders below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._files = folder
        self._state = folder / "state"
        self._floor = folder / "floor"
        self._floor.mkdir()
        self._program = floor_program()
        self._environment = os.environ | {"EMULATOR_STATE_DIR": str(self._state), "PYTHONPATH": str(ROOT)}

    def file(self, network: Network) -> Path:
        """Return the YAML file of a network, writing it first."""
        path = self._files / f"{network.name}.yaml"
        path.write_text(f"name: {network.name}\n{network.text}\n", encoding="utf-8")
        return path

    def floor(self, network: Network, *, count: bool = False) -> dict[str, Any]:
        """Run the floor once: seconds of deploy and down, and the counts if requested."""
        return self._json([str(self._program), str(self._floor), *network.shape, *["count"][: int(count)]])

    def engine(self, network: Network, *, count: bool = False) -> dict[str, Any]:
        """Deploy and take down once by the engine, timed inside the process."""
        script = str(HERE / "ours.py")
        return self._json([sys.executable, script, str(self.file(network)), *["--count"][: int(count)]])

    def command(self, *arguments: str) -> float:
        """Run our command line and return its whole wall-clock seconds; raise when it fails."""
        argv = [sys.executable, "-m", "emulator", *arguments]
        begin = time.perf_counter()
        done = subprocess.run(
            argv, env=self._environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        took = time.perf_counter() - begin
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: exit code {done.returncode}: {done.stderr}")
        return took

    def _json(self, argv: list[str]) -> dict[str, Any]:
        done = subprocess.run(
            argv, env=self._environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{argv[0]}: exit code {done.returncode}: {done.stderr}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@contextmanager
def bench() -> Iterator[Bench]:
    """Yield a bench; at the end, remove its folder and the networks that are still up in it."""
    with tempfile.TemporaryDirectory(prefix="emulator-bench-", dir="/run") as folder:
        made = Bench(Path(folder))
        try:
            yield made
        finally:
            made.command("down", "--all")


def mininet_python() -> str | None:
    """Return the interpreter that can import Mininet 2.3 with Linux bridges, or None."""
    python = "/usr/bin/python3"
    if not (shutil.which("mn") and shutil.which("brctl") and os.access(python, os.X_OK)):
        return None
    found = subprocess.run([python, "-c", "import mininet.net"], capture_output=True, check=False)
    return python if found.returncode == 0 else None


OVS_DAEMONS = """
mount -t tmpfs tmpfs /run/openvswitch && mount -t tmpfs tmpfs /etc/openvswitch
ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server --detach --pidfile --log-file=/dev/null --remote=punix:/run/openvswitch/db.sock >/dev/null 2>&1
ovs-vsctl --no-wait init
ovs-vswitchd --detach --pidfile --log-file=/dev/null >/dev/null 2>&1
"""
"""Commands that start Open vSwitch with its own database, in its own mount namespace."""


def has_ovs() -> bool:
    """Return whether Open vSwitch's programs are installed."""
    return shutil.which("ovs-vswitchd") is not None and shutil.which("ovs-vsctl") is not None


def mininet_build(python: str, network: Network) -> dict[str, Any]:
    """Build and stop Mininet's tree of the shape of `network` once: seconds of both.

    Uses userspace Open vSwitch where the network has it, else Linux bridges. Runs in its own namespaces:
    Mininet's switches live in the namespace that it starts in, and all leftovers end with it.
    """
    ovs = "switch: ovs" in network.text
    if ovs:
        Path("/run/openvswitch").mkdir(exist_ok=True)
    apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    before = f"set -e; mount -t sysfs sysfs /sys; {OVS_DAEMONS if ovs else ''}"
    shell = ["sh", "-c", f'{before}\nexec "$@"', "sh"]
    script = [str(HERE / "mininet_tree.py"), *network.shape[1:], "ovs" if ovs else "bridge"]
    argv = [*apart, *shell, python, *script]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if done.returncode:
        raise RuntimeError(f"Mininet: exit code {done.returncode}: {done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
