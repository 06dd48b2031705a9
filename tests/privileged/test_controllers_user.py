"""Controllers run as the user who called sudo, unless the file says `user: root`: by /proc/PID/status."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.e2e,
    pytest.mark.skipif(
        not shutil.which("ovs-testcontroller"),
        reason="apt install openvswitch-switch openvswitch-testcontroller",
    ),
]
NOBODY = pwd.getpwnam("nobody")
ENGINES = [
    "netns",
    pytest.param("mininet", marks=pytest.mark.skipif(not shutil.which("mnexec"), reason="mn")),
]

# A controller that says in its log who it is; it opens the log by the name of its stream, too.
APP = """\
#!/bin/sh
echo "$(id -u) $HOME $SUDO_UID" >/dev/stderr
exec ovs-testcontroller --unixctl=none "ptcp:$OPENFLOW_PORT:127.0.0.1"
"""
FILE = """\
name: t
switch: ovs
openflow:
  controller:
  - learning
  - {command: [./app.sh], port: 6700}
  - {command: [./app.sh], port: 6701, user: root}
  - {remote: "127.0.0.1:1"}
topology: {generator: single, hosts: 2}
"""


def pid_of(state: Path, name: str) -> int:
    return int(json.loads((state / "t" / "controllers" / f"{name}.pid").read_text())["pid"])


def ids(pid: int, key: str) -> list[int]:
    """Return the numbers of a line of /proc/PID/status: Uid is real, effective, saved, of the file system."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return [int(word) for line in lines if line.startswith(f"{key}:") for word in line.split()[1:]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    (tmp_path / "app.sh").write_text(APP)
    (tmp_path / "app.sh").chmod(0o755)
    (tmp_path / "t.yaml").write_text(FILE)
    return tmp_path / "t.yaml"


@pytest.mark.parametrize("engine", ENGINES)
def test_under_sudo(
    engine: str, file: Path, state_dir: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_UID", str(NOBODY.pw_uid))
    monkeypatch.setenv("SUDO_GID", str(NOBODY.pw_gid))
    cli("up", "t.yaml", "--engine", engine, code=0)
    for name, uid, gid in (
        ("c0", NOBODY.pw_uid, NOBODY.pw_gid), ("c1", NOBODY.pw_uid, NOBODY.pw_gid),
        ("c2", 0, 0), ("c3", 0, 0),
    ):  # fmt: skip
        assert ids(pid_of(state_dir, name), "Uid") == [uid] * 4, name
        assert ids(pid_of(state_dir, name), "Gid") == [gid] * 4, name
    assert set(ids(pid_of(state_dir, "c1"), "Groups")) == set(os.getgrouplist(NOBODY.pw_name, NOBODY.pw_gid))
    capabilities = Path(f"/proc/{pid_of(state_dir, 'c1')}/status").read_text()
    assert "CapEff:\t0000000000000000" in capabilities
    logs = [(state_dir / "t" / "controllers" / f"{name}.log").read_text() for name in ("c1", "c2")]
    assert logs[0].splitlines()[0] == f"{NOBODY.pw_uid} {NOBODY.pw_dir} "
    assert logs[1].splitlines()[0].split()[0] == "0"

    # another command, of root's own, starts one again that has ended: it stays the user's
    monkeypatch.delenv("SUDO_UID")
    monkeypatch.delenv("SUDO_GID")
    old = pid_of(state_dir, "c1")
    os.kill(old, signal.SIGKILL)
    cli("up", "t.yaml", "--engine", engine, code=0)
    assert pid_of(state_dir, "c1") != old
    assert ids(pid_of(state_dir, "c1"), "Uid") == [NOBODY.pw_uid] * 4
    last = [pid_of(state_dir, name) for name in ("c0", "c1", "c2", "c3")]
    cli("down", "t", code=0)
    assert not [pid for pid in last if Path(f"/proc/{pid}/exe").exists()]


def test_root_without_sudo_is_root(file: Path, state_dir: Path, cli: CommandLine) -> None:
    cli("up", "t.yaml", code=0)
    assert ids(pid_of(state_dir, "c1"), "Uid") == [0] * 4
    cli("down", "t", code=0)


def test_what_the_user_may_not_run_is_said(
    file: Path, state_dir: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_UID", str(NOBODY.pw_uid))
    monkeypatch.setenv("SUDO_GID", str(NOBODY.pw_gid))
    (file.parent / "app.sh").chmod(0o700)
    said = cli("up", "t.yaml", code=3).stderr
    assert "as nobody, who called sudo" in said
    assert "Permission denied" in said
    assert "user: root" in said
    assert not state_dir.exists()


def test_a_user_without_a_name_has_a_number(
    file: Path, state_dir: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_UID", "54321")
    monkeypatch.setenv("SUDO_GID", "54322")
    cli("up", "t.yaml", code=0)
    assert ids(pid_of(state_dir, "c1"), "Uid") == [54321] * 4
    assert ids(pid_of(state_dir, "c1"), "Gid") == [54322] * 4
    cli("down", "t", code=0)
