"""Networks in a mount namespace that isn't the machine's first: containers, services with private mounts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.privileged

# Starts on the CPU argv[1], so that the network's mount namespace is made there, free to move afterwards.
_INSIDE = """
import os, sys
from emulator.cli.main import run

everywhere = os.sched_getaffinity(0)
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setaffinity(0, everywhere)
sys.exit(run(["up", "net.yaml"]) or run(["check"]) or run(["down", "net"]))
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs, which number namespaces apart")
@pytest.mark.parametrize("order", [1, -1], ids=["inner-on-higher-cpu", "inner-on-lower-cpu"])
def test_whichever_cpu_numbers_the_mount_namespaces(order: int, state_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("name: net\ntopology: {generator: single, hosts: 2}\n")
    first, second = sorted(os.sched_getaffinity(0))[:2][::order]
    everywhere = ",".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0)))
    done = subprocess.run(
        ["taskset", "-c", str(first), "unshare", "--mount", "--propagation", "private",
         "taskset", "-c", everywhere, sys.executable, "-c", _INSIDE, str(second)],
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 pairs, 2 reachable" in done.stderr
