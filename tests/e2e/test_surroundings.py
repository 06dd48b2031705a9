"""Locales without UTF-8, limits of the shell and the disk: exit code 3 with words that help, or it works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = pytest.mark.e2e

FILE = "name: net\ntopology: {generator: single, hosts: 2}\n"
OVS = "name: net\nswitch: ovs\ntopology: {generator: single, hosts: 60}\n"
POSIX = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
VERBS = [
    "schema", "schema --scenario", "plan net.yaml", "plan net.yaml --json", "plan é.yaml", "graph net.yaml",
    "export net.yaml --to graphml", "export net.yaml --to dot", "export net.yaml --to json", "doctor --json",
    "up net.yaml --engine dry-run --json", "status --json", "check --json", "down net",
    "stress --list", "export net.yaml --to mininet", "plan no-such-é.yaml",
]  # fmt: skip


def shell(words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run `words` by the shell, with `e` for the program."""
    script = f"e() {{ '{sys.executable}' -m emulator \"$@\"; }}; {words}"
    return subprocess.run(
        ["/bin/sh", "-c", script], cwd=folder, capture_output=True, timeout=100, check=False,
        env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("net.yaml", "é.yaml"):
        (tmp_path / name).write_text(FILE)
    (tmp_path / "ovs.yaml").write_text(OVS)
    return tmp_path


@pytest.mark.usefixtures("state_dir")
def test_every_verb_works_without_utf8_and_gives_the_same_json(folder: Path) -> None:
    for verb in VERBS:
        plain, usual = (
            shell(f"e {verb}", folder, **environment)
            for environment in (POSIX, {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"})
        )
        assert b"bug" not in plain.stderr, (verb, plain.stderr)
        assert b"Traceback" not in plain.stderr, (verb, plain.stderr)
        assert plain.returncode == usual.returncode, (verb, plain.stderr)
        if "schema" in verb:
            assert json.loads(plain.stdout) == json.loads(usual.stdout)
        elif "--json" in verb:
            assert plain.stdout.isascii()
            assert json.loads(plain.stdout).keys() == json.loads(usual.stdout).keys()


@pytest.mark.privileged
def test_what_commands_in_several_nodes_write_is_passed_on_byte_by_byte(
    folder: Path, cli: CommandLine
) -> None:
    """Letters that the locale doesn't know, and bytes that are no UTF-8 text."""
    cli("up", "net.yaml", code=0)
    written = "caf\xc3\xa9 \xe9\xff|\xe2\x80\xa8"
    script = r"printf 'caf\303\251 \351\377|\342\200\250\nlast'; printf '\351\n' >&2"
    for environment in (POSIX, {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}):
        done = shell(f"e exec 'h*' -- sh -c \"{script}\"", folder, **environment)
        for node in ("h1", "h2"):  # whichever comes first
            lines = [line for line in done.stdout.split(b"\n") if line.startswith(node.encode())]
            assert lines == [f"{node}: {line}".encode("latin-1") for line in (written, "last")]
        assert sorted(done.stderr.splitlines()) == [b"h1: \xe9", b"h2: \xe9"]
    cli("down", "net", code=0)


@pytest.mark.privileged
@pytest.mark.parametrize("kib", [60_000, 120_000, 200_000, 270_000, 400_000, 4_000_000])
def test_a_limit_on_memory(kib: int, folder: Path, cli: CommandLine) -> None:
    """It comes up, or the words say what to do; nothing stays either way."""
    done = shell(f"ulimit -v {kib}; e up net.yaml", folder)
    if done.returncode:
        assert done.returncode == 3, done.stderr
        assert b"ulimit -v unlimited" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert done.returncode == 0 or kib < 400_000
    cli("down", "net", code=0)


@pytest.mark.privileged
@pytest.mark.skipif(
    not (shutil.which("ovs-vswitchd") or Path("/usr/sbin/ovs-vswitchd").exists()),
    reason="apt install openvswitch-switch",
)
@pytest.mark.parametrize("files", [20, 64, 100, 102, 104, 110, 256])
def test_a_limit_on_open_files_with_open_vswitch(files: int, folder: Path, cli: CommandLine) -> None:
    """All switches are there and forward, or the documented words are said."""
    done = shell(f"ulimit -n {files}; e up ovs.yaml", folder)
    if done.returncode:
        assert done.returncode == 3, done.stderr
        assert b"Too many open files" in done.stderr
        assert b"raise the limit (ulimit -n 4096)" in done.stderr
        assert b"no network is up" in shell("e status", folder).stdout
    else:
        assert cli.json("check", "--sample", "100")["unexpected"] == []
    assert done.returncode == 0 or files < 256
    cli("down", "net", code=0)


@pytest.mark.privileged
@pytest.mark.skipif(
    not (shutil.which("ovs-vswitchd") or Path("/usr/sbin/ovs-vswitchd").exists()),
    reason="apt install openvswitch-switch",
)
def test_the_soft_limit_on_open_files_is_raised_for_open_vswitch(folder: Path, cli: CommandLine) -> None:
    done = shell("ulimit -Sn 64; e up ovs.yaml", folder)
    assert done.returncode == 0, done.stderr
    assert cli.json("check", "--sample", "100")["unexpected"] == []
    cli("down", "net", code=0)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of its own with the state directory on it."""
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path], check=True)
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(path / "state"))
    yield path
    subprocess.run(["umount", path], check=True)


@pytest.mark.privileged
@pytest.mark.parametrize("engine", ["netns", "dry-run"])
def test_a_state_directory_that_is_read_only(engine: str, disk: Path, folder: Path, cli: CommandLine) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    said = cli("up", "net.yaml", "--engine", engine, code=3).stderr
    assert f"can't write to the state directory {disk / 'state'}: Read-only file system" in said
    assert "no network is up" in cli("status", code=0).stdout
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


@pytest.mark.privileged
@pytest.mark.parametrize("engine", ["netns", "dry-run"])
def test_one_that_becomes_read_only(engine: str, disk: Path, folder: Path, cli: CommandLine) -> None:
    """What needs no writing works; what does says why not, and works once that is possible again."""
    cli("up", "net.yaml", "--engine", engine, code=0)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    try:
        cli("check", code=0)
        cli("status", "net", code=0)
        for words in (("down", "net"), ("up", "net.yaml", "--engine", engine), ("link", "h1", "s1", "down")):
            said = cli(*words, code=3).stderr
            assert "Read-only file system" in said, words
            assert "bug" not in said, words
    finally:
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    cli("check", code=0)
    cli("down", "net", code=0)
