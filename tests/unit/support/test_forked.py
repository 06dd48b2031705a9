"""A command as a fork of the server is what a new interpreter would run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.command import CommandLine
from support.forked import Server

NET = "name: n\ntopology: {generator: ring, k: 3, hosts_per_switch: 1}\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.end()


@pytest.mark.parametrize(
    "words",
    ["--version", "export - --to json", "plan missing.yaml", "nonsense", "status --json"],
)
def test_it_does_what_a_new_interpreter_does(words: str, server: Server, cli: CommandLine) -> None:
    (cli.folder / "n.yaml").write_text(NET)
    fresh = cli.fresh(*words.split(), stdin=NET)
    forked = server.run(words.split(), cli.folder, NET.encode(), 60)
    assert forked == (fresh.returncode, fresh.stdout.encode(), fresh.stderr.encode())


def test_several_at_a_time_keep_their_streams(server: Server, tmp_path: Path) -> None:
    def count(hosts: int) -> tuple[int, bytes, bytes]:
        text = f"name: n{hosts}\ntopology: {{generator: single, hosts: {hosts}}}\n"
        return server.run(["export", "-", "--to", "dot"], tmp_path, text.encode(), 60)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(count, range(1, 9)))
    assert found == [count(hosts) for hosts in range(1, 9)]
    assert len({output + errors for _, output, errors in found}) == 8


def test_one_that_takes_too_long_is_killed(server: Server, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never.yaml")
    with pytest.raises(subprocess.TimeoutExpired):
        server.run(["plan", "never.yaml"], tmp_path, b"", 0.5)
    assert server.run(["--version"], tmp_path, b"", 60)[0] == 0


def test_only_who_has_its_situation_is_served(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert server.serves()
    umask = os.umask(0o077)
    try:
        assert not server.serves()
    finally:
        os.umask(umask)
    monkeypatch.setenv("LC_ALL", "C")
    assert not server.serves()
    monkeypatch.undo()
    assert server.serves()
