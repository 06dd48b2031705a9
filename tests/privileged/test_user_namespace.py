"""Root of a user namespace is root of nothing of the machine's: neither its ledger nor its namespaces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e, pytest.mark.alone]

LEDGER = Path("/run/topology-emulator-ledgers/sysctls.json")
GC = Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3")
_NEED = 2_700_000

# The command line, with a network that needs many neighbours.
_NEEDY = f"""
import sys
from emulator.engines.netns import engine
from emulator.cli.main import run

engine.global_needs = lambda plan: {{"net.ipv4.neigh.default.gc_thresh3": {_NEED}}}
sys.exit(run(sys.argv[1:]))
"""


def in_user_namespace(flags: str, state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["unshare", flags, sys.executable, "-P", "-m", "emulator", *words], cwd=state.parent, check=False,
        capture_output=True, text=True, timeout=120, env=os.environ | {"EMULATOR_STATE_DIR": str(state)},
    )  # fmt: skip


@pytest.fixture
def single(tmp_path: Path) -> Path:
    if subprocess.run(["unshare", "-Urnm", "true"], check=False).returncode:
        pytest.skip("user namespaces are forbidden here")
    path = tmp_path / "single.yaml"
    path.write_text("name: single\ntopology: {generator: single, hosts: 2}\n")
    return path


def needs_of(state: Path) -> dict[str, dict[str, int]]:
    """Return what the machine's ledger says that networks of a state directory need."""
    return {
        name: {owner: need for owner, need in entry["needs"].items() if f" {state}/" in owner}
        for name, entry in json.loads(LEDGER.read_text()).items()
    }


def test_up_and_down_there_leave_the_needs_of_others_alone(
    single: Path, cli: CommandLine, tmp_path: Path, state_dir: Path
) -> None:
    if not GC.exists():
        pytest.skip("only the machine's first network namespace has this sysctl")
    net = tmp_path / "net.yaml"
    net.write_text("name: net\ntopology: {generator: single, hosts: 1}\n")
    subprocess.run([sys.executable, "-c", _NEEDY, "up", str(net)], check=True, capture_output=True)
    before, theirs = needs_of(state_dir), tmp_path / "theirs"
    assert any(before.values())
    for words in (["up", str(single)], ["down", "--all"], ["down", "single"]):
        in_user_namespace("-Urnm", theirs, *words)
        assert needs_of(state_dir) == before
    cli("status", "net", code=0)
    assert int(GC.read_text()) >= _NEED
    cli("down", "net", code=0)


@pytest.mark.parametrize("flags", ["-Ur", "-Urn", "-Urm"])
def test_a_namespace_of_another_user_namespace_is_refused_before_anything_is_made(
    single: Path, flags: str, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    done = in_user_namespace(flags, theirs, "up", str(single))
    assert done.returncode == 3, done.stderr
    assert "user namespace" in done.stderr
    assert not theirs.exists()
    assert "MISSING network namespaces" in in_user_namespace(flags, theirs, "doctor").stdout
