"""Networks in namespaces that aren't the machine's first: containers, private mounts, `unshare --net`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

FILE = "name: net\ntopology: {generator: single, hosts: 2}\n"
GC = Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3")
CONTAINER = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--propagation", "private"]

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
    (tmp_path / "net.yaml").write_text(FILE)
    first, second = sorted(os.sched_getaffinity(0))[:2][::order]
    everywhere = ",".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0)))
    done = subprocess.run(
        ["taskset", "-c", str(first), *CONTAINER,
         "taskset", "-c", everywhere, sys.executable, "-c", _INSIDE, str(second)],
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 pairs, 2 reachable" in done.stdout


def run(tmp_path: Path, *words: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run a shell script under the program `words`, with `e` for our command."""
    script = f'e() {{ "{sys.executable}" -m emulator "$@"; }}; {before}'
    return subprocess.run(
        [*words, "sh", "-c", script], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=100
    )


@pytest.fixture
def file(tmp_path: Path, state_dir: Path) -> Path:
    del state_dir
    (tmp_path / "net.yaml").write_text(FILE)
    return tmp_path / "net.yaml"


def test_in_a_container_with_its_own_network(file: Path) -> None:
    """What only the machine's first namespace has is done without, and that is said."""
    words = [*CONTAINER, "--net"]
    done = run(file.parent, *words, before="e doctor && e up net.yaml && e check && e status && e down net")
    assert done.returncode == 0, done.stderr
    assert "networks can run here" in done.stdout
    assert "2 pairs, 2 reachable" in done.stdout
    assert "sysctl -w net.ipv4.neigh.default.gc_thresh3=" in done.stderr
    line = next(line for line in done.stdout.splitlines() if "gc_thresh3" in line)
    assert "MISSING" in line


def test_a_container_keeps_a_ledger_that_nobody_else_damages(file: Path) -> None:
    """Its /run is its own; a damaged ledger in it stops nobody."""
    before = (
        "mount -t tmpfs none /run && export EMULATOR_STATE_DIR=/run/state"
        " && mkdir /run/topology-emulator-ledgers"
        " && printf '{half' >/run/topology-emulator-ledgers/sysctls.json"
        " && { e up net.yaml && e check && e down net; } >&2 && ls -A /run"
    )
    done = run(file.parent, *CONTAINER, "--net", before=before)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


@pytest.mark.skipif(not GC.exists(), reason="only the machine's first network namespace has this sysctl")
def test_in_another_network_namespace_the_machines_sysctls_are_raised(file: Path) -> None:
    """`up` goes to the first namespace for them and comes back."""
    file.write_text(FILE.replace("hosts: 2", "hosts: 250") + "addressing: {static_arp: true}\n")
    before = int(GC.read_text())
    if before > 100_000:
        pytest.skip(f"gc_thresh3 is {before:,} already")
    try:
        done = run(file.parent, "unshare", "--net", before="e up net.yaml")
        assert done.returncode == 0, done.stderr
        assert "sysctl" not in done.stderr
        assert int(GC.read_text()) > 100_000
        seen = run(file.parent, "unshare", "--net", before="e doctor; ip link").stdout
        assert f"{int(GC.read_text()):,}" in seen
    finally:
        assert run(file.parent, "unshare", "--net", before="e down net").returncode == 0
    assert int(GC.read_text()) < 100_000


@pytest.mark.parametrize("propagation", ["private", "slave", "shared"])
def test_in_private_mounts_it_is_refused_with_the_reason(
    file: Path, state_dir: Path, propagation: str
) -> None:
    words = ["unshare", "--mount", "--propagation", propagation]
    done = run(file.parent, *words, before="e up net.yaml")
    assert done.returncode == 3
    assert "mount namespace of its own" in done.stderr
    assert not state_dir.exists()
    doctor = run(file.parent, *words, before="e doctor")
    assert doctor.returncode == 3
    assert "no network can run here" in doctor.stdout


def test_what_runs_outside_is_left_alone_from_private_mounts(file: Path) -> None:
    """The kernel hides the mount that keeps a network from other mount namespaces."""
    assert run(file.parent, "env", before="e up net.yaml").returncode == 0
    for verb in ("check", "exec h1 -- true", "status net", "link h1 s1 down", "up net.yaml", "down net"):
        done = run(file.parent, "unshare", "--mount", before=f"e {verb}")
        assert done.returncode == (1 if "status" in verb else 3), (verb, done.stderr)
        assert "mount namespace of its own" in done.stdout + done.stderr, verb
    done = run(file.parent, "env", before="e check && e down net")
    assert done.returncode == 0, done.stderr
