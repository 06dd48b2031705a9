"""Whatever a Mininet file starts ends with it: as root, as another user, and without namespaces."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from topologies.build import build
from topologies.errors import InputError
from topologies.formats import mininet_process
from topologies.spec.load import load_text

NOBODY = 65534
CHILD_FILES = sorted(path.name for path in mininet_process._CHILD.parent.glob("mininet_*.py"))
SYSTEM_PYTHON = "/usr/bin/python3"
TOPO = """
from mininet.topo import Topo
class T(Topo):
    def build(self):
        self.addLink(self.addHost("h1"), self.addHost("h2"))
"""
_numbers = itertools.count(os.getpid() * 1000)

WAYS = {
    "child": "subprocess.Popen(SLEEP)",
    "session": "subprocess.Popen(['setsid', *SLEEP])",
    "daemon": "subprocess.Popen(['setsid', 'sh', '-c', f'setsid {LINE} & setsid {LINE}'])",
    "forks": "os.fork() or (os.setsid(), os.fork() and os._exit(0), os.execvp('sleep', SLEEP))",
    "ignores": "subprocess.Popen(['sh', '-c', f'trap \"\" TERM INT HUP; setsid {LINE}'])",
}
ENDS = {
    "builds": TOPO,
    "raises": "1 / 0",
    "exits": "os._exit(7)",
    "killed": "os.kill(os.getpid(), 9)",
    "waits": "time.sleep(60)",
}
SAID = {
    "raises": "ZeroDivisionError",
    "exits": "exit code 7",
    "killed": "signal 9",
    "waits": "still running",
}


def sleepers(mark: str) -> list[int]:
    """Return the processes that sleep for `mark` seconds, in whatever namespace."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and mark in (folder / "cmdline").read_text().split("\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def gone(mark: str, seconds: float = 3.0) -> bool:
    deadline = time.monotonic() + seconds
    while sleepers(mark) and time.monotonic() < deadline:
        time.sleep(0.02)
    left = sleepers(mark)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return not left


def code(way: str, end: str, mark: str, ready: Path) -> str:
    """Return a Mininet file that starts something, waits until it runs, and ends somehow."""
    return (
        f"import os, subprocess, time\nSLEEP = ['sleep', {mark!r}]\nLINE = ' '.join(SLEEP)\n{WAYS[way]}\n"
        f"time.sleep(0.3)\nopen({str(ready)!r}, 'w').close()\n{ENDS[end]}\n"
    )


@pytest.fixture
def mark() -> str:
    return f"{next(_numbers)}.5"


@pytest.fixture(params=["namespace", "subreaper"])
def cage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the child in a PID namespace, or where the kernel refuses one."""
    if request.param == "namespace":
        return
    folder = tmp_path / "formats"
    folder.mkdir()
    for name in CHILD_FILES:
        (folder / name).write_bytes(mininet_process._CHILD.with_name(name).read_bytes())
    text = (folder / "mininet_cage.py").read_text()
    assert "_libc.unshare(" in text
    (folder / "mininet_cage.py").write_text(text.replace("_libc.unshare(", "bool("))
    monkeypatch.setattr(mininet_process, "_CHILD", folder / "mininet_child.py")


@pytest.mark.usefixtures("cage")
@pytest.mark.parametrize(
    ("way", "end"), [*((way, "builds") for way in WAYS), *(("session", end) for end in SAID)]
)
def test_nothing_outlives_it(
    way: str, end: str, mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if end == "waits":
        monkeypatch.setattr(mininet_process, "SECONDS", 1.5)
    (tmp_path / "t.py").write_text(code(way, end, mark, tmp_path / "ready"))
    document = load_text("name: m\ntopology: {mininet: t.py}\n", folder=tmp_path)
    if end == "builds":
        assert build(document).node_count == 2
    else:
        with pytest.raises(InputError) as caught:
            build(document)
        assert SAID[end] in str(caught.value)
    assert (tmp_path / "ready").exists()
    assert gone(mark)


@pytest.mark.usefixtures("cage")
def test_a_command_that_is_killed_leaves_nothing(mark: str, tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(code("session", "waits", mark, tmp_path / "ready"))
    program = (
        "import pathlib, sys; from topologies.formats import mininet_process as m\n"
        "m._CHILD = pathlib.Path(sys.argv[1]); m.run(pathlib.Path(sys.argv[2]), None, [], {})"
    )
    words = [sys.executable, "-c", program, str(mininet_process._CHILD), str(tmp_path / "t.py")]
    with subprocess.Popen(words) as process:
        deadline = time.monotonic() + 10
        while not (tmp_path / "ready").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert sleepers(mark)
        process.send_signal(signal.SIGKILL)
    assert gone(mark)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.skipif(not Path(SYSTEM_PYTHON).exists(), reason="needs a Python that all users can read")
@pytest.mark.parametrize("user_namespaces", [True, False])
def test_as_another_user(user_namespaces: bool, mark: str) -> None:
    """The child needs the standard library only: here of the system's Python, which all can read."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as answer:
        place = Path(folder)
        place.chmod(0o777)
        for name in CHILD_FILES:
            text = mininet_process._CHILD.with_name(name).read_text()
            (place / name).write_text(text if user_namespaces else text.replace("_libc.unshare(", "bool("))
        who = 'self.addHost("u%d-g%d" % (os.getuid(), os.getgid()))'
        source = code("session", "builds", mark, place / "ready").replace('self.addHost("h1")', who)
        (place / "t.py").write_text(source)
        request = {"path": str(place / "t.py"), "topo": None, "args": [], "kwargs": {}, "seconds": 20}
        done = subprocess.run(
            [SYSTEM_PYTHON, "-I", "-B", str(place / "mininet_child.py"), str(answer.fileno())],
            input=json.dumps(request).encode(), pass_fds=[answer.fileno()], check=False, env={},
            user=NOBODY, group=NOBODY, extra_groups=[], start_new_session=True, capture_output=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer.seek(0)
        names = [name for name, _ in json.load(answer)["nodes"]]
        assert names == [f"u{NOBODY}-g{NOBODY}", "h2"]
        assert (place / "ready").exists()
    assert gone(mark)
