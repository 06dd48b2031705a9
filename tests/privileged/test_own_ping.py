"""`exec h1 -- ping` on a machine that has no ping."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

NET = "name: dc\ntopology: {generator: tree, depth: 1, fanout: 3}\naddressing: {ipv6: 'fd00::/48'}\n"


@pytest.fixture
def without_ping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make PATH a folder of all programs but ping."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            link = folder / program.name
            if not program.name.startswith("ping") and not link.is_symlink():
                link.symlink_to(program)
    monkeypatch.setenv("PATH", str(folder))
    assert shutil.which("ping") is None
    assert shutil.which("sh") is not None
    return folder


def shape(text: str) -> list[str]:
    """Return lines with their times replaced."""
    text = re.sub(r"time=[0-9.]+ ms", "time=T ms", text)
    text = re.sub(r"time [0-9]+ms", "time Tms", text)
    return re.sub(r"= [0-9./]+ ms(, pipe \d+)?", "= A/B/C/D ms", text).splitlines()


RUNS = (
    "-c1 h3", "-c2 -i0.2 -n h2", "-c2 -i0.2 -q 10.0.0.2", "-c1 -6 fd00::2", "-c1 -W5 10.0.0.99",
    "-c1 192.0.2.1", "-c1 nobody", "-c1 -s 1400 h2",
)  # fmt: skip


def side_by_side(cli: CommandLine) -> list[subprocess.CompletedProcess[str]]:
    """Run all of RUNS at a time: most of them wait."""
    with ThreadPoolExecutor(len(RUNS)) as pool:
        return list(pool.map(lambda words: cli("exec", "h1", "--", "ping", *words.split()), RUNS))


def test_it_says_and_gives_what_the_real_one_does(
    tmp_path: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if shutil.which("ping") is None:
        pytest.skip("there is no ping to compare with")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    (tmp_path / "a.yaml").write_text(NET)
    cli("up", "a.yaml", code=0)
    cli("exec", "h1", "--", "ping", "-c1", "-6", "-w5", "fd00::2", code=0)  # addresses are settled
    real = side_by_side(cli)
    assert [done.returncode for done in real] == [0, 0, 0, 0, 1, 2, 2, 0]
    request.getfixturevalue("without_ping")
    for words, theirs, ours in zip(RUNS, real, side_by_side(cli), strict=True):
        assert ours.returncode == theirs.returncode, words
        assert shape(ours.stdout) == shape(theirs.stdout), words
        assert ours.stderr == theirs.stderr, words
    cli("down", "dc", code=0)


@pytest.mark.parametrize("engine", ["netns", "mininet"])
def test_every_way_to_run_a_command_has_it(
    tmp_path: Path, cli: CommandLine, without_ping: Path, engine: str
) -> None:
    (tmp_path / "a.yaml").write_text(f"{NET.partition('addressing')[0]}engine: {engine}\n")
    done = cli("up", "a.yaml")
    if engine == "mininet" and done.returncode == 3:
        pytest.skip(done.stderr)
    assert "time=" in cli("exec", "h1", "--", "ping", "-c1", "h3", code=0).stdout
    several = cli("exec", "h*", "--", "ping", "-c1", "h3", code=0).stdout
    assert {line.partition(":")[0] for line in several.splitlines() if "time=" in line} == {"h1", "h2", "h3"}
    assert "1 received" in cli("shell", "dc", stdin="h1 ping -c1 h2\n", code=0).stdout
    cli("link", "h3", "s1", "down", code=0)
    assert "100% packet loss" in cli("exec", "h1", "--", "ping", "-c1", "-W1", "h3", code=1).stdout
    assert "there is no such program" in cli("exec", "h1", "--", "pingg", code=3).stderr
    cli("down", "dc", code=0)
