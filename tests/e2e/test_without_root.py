"""What a dry run in a folder of one's own needs root for: nothing. What root made: everything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.e2e, pytest.mark.privileged]

NOBODY = 65534

# The life of a network, once as root, so that all it needs is imported (`nobody` may not be able to read
# it), and then as `nobody`; each in a folder of its own. It prints the exit codes of the second.
_LIFE = """
import os, sys
from emulator.cli.main import run

file, folders, uid = sys.argv[1], sys.argv[2:4], int(sys.argv[4])
life = [
    ["up", file, "--engine", "dry-run"], ["status"], ["status", "net"], ["check"], ["check", "net"],
    ["link", "s1", "s2", "down"], ["link", "s1", "s2", "show"], ["link", "s1", "s2", "up"],
    ["exec", "h1", "--", "true"], ["doctor"], ["down", "net"], ["down", "net"], ["down", "--all"], ["status"],
]
for folder, root in zip(folders, (True, False)):
    os.environ["EMULATOR_STATE_DIR"] = folder + "/state"
    if not root:
        os.setgroups([])
        os.setuid(uid)
    codes = [run(words) for words in life if words != ["doctor"] or root]
print(*codes)
"""


def test_a_dry_run_in_ones_own_folder_needs_no_root(tmp_path: Path, state_dir: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_text("name: net\ntopology: {generator: linear, k: 2}\n")
    base = state_dir.parent  # under /run: pytest's own folders are closed to others
    base.chmod(0o755)
    shared = base / "net.yaml"
    shared.write_bytes(file.read_bytes())
    folders = [base / "root", base / "nobody"]
    for folder in folders:
        folder.mkdir()
    os.chown(folders[1], NOBODY, NOBODY)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _LIFE, str(shared), *map(str, folders), str(NOBODY)],
            cwd="/", check=False, capture_output=True, text=True, env=os.environ | {"PATH": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert set(done.stdout.splitlines()[-1].split()) == {"0"}, done.stdout + done.stderr
        assert not list(folders[1].iterdir())
    finally:
        shared.unlink()
        for folder in folders:
            folder.rmdir()


# `nobody` looks at what root made; what that imports is imported before.
_LOOK = """
import os, sys
from emulator.cli.main import run

run(["status"]), run(["check"])
os.setgroups([])
os.setuid(int(sys.argv[1]))
sys.exit(run(sys.argv[2:]))
"""


@pytest.mark.parametrize("words", [("status",), ("status", "net"), ("down", "net"), ("check",)], ids=" ".join)
def test_what_root_made_needs_root(
    cli: CommandLine, tmp_path: Path, state_dir: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "net.yaml").write_text("name: net\ntopology: {generator: single}\n")
    state_dir.parent.chmod(0o755)
    cli("up", "net.yaml", "--engine", "dry-run", code=0)
    done = subprocess.run(
        [sys.executable, "-c", _LOOK, str(NOBODY), *words], cwd="/", check=False, capture_output=True,
        text=True, env=os.environ | {"PATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "needs root" in done.stderr
    cli("down", "net", code=0)
