"""Processes of controllers are started, found again by what is written down, and stopped."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from emulator.controllers import process, programs, supervisor
from emulator.controllers.process import Process, note, noted
from emulator.controllers.supervisor import ControllerProcesses
from emulator.errors import BrokenError, UnableError, UsageError
from topologies.openflow import Controller

LISTENS = """
import os, pathlib, socket, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path("facts").write_text(f"{os.getpid()} {child.pid} {os.getsid(0)} {os.getcwd()}")
server = socket.create_server(("127.0.0.1", int(os.environ["OPENFLOW_PORT"])))
time.sleep(60)
"""


CHATTERS = """
import contextlib, os, socket, time
with contextlib.suppress(OSError):
    while os.write(1, bytes(65536)):
        pass
server = socket.create_server(("127.0.0.1", int(os.environ["OPENFLOW_PORT"])))
time.sleep(60)
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def python(code: str, port: int = 0) -> Controller:
    return Controller("command", port=port or free_port(), command=(sys.executable, "-c", code))


def made(folder: Path, patience: float = 15.0, **controllers: Controller) -> ControllerProcesses:
    return ControllerProcesses(folder / "c", controllers, nullcontext, cwd=folder, patience=patience)


def gone(pid: int) -> bool:
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_a_log_has_a_limit_and_the_controller_lives_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LARGEST_FILE", 1 << 20)
    controller = python(CHATTERS)
    made(tmp_path, c0=controller).start()
    try:
        assert (tmp_path / "c" / "c0.log").stat().st_size == 1 << 20
        assert made(tmp_path, c0=controller).running() == {"c0": True}
    finally:
        made(tmp_path, c0=controller).stop()


def test_a_command_is_started_found_by_another_and_stopped_with_its_children(tmp_path: Path) -> None:
    controller = python(LISTENS)
    first = made(tmp_path, c0=controller)
    assert first.running() == {"c0": False}
    first.start()
    try:
        other = made(tmp_path, c0=controller)
        assert other.running() == {"c0": True}
        pid, child, session, cwd = (tmp_path / "facts").read_text().split()
        assert (pid, cwd) == (session, str(tmp_path))
        before = (tmp_path / "c" / "c0.pid").read_text()
        other.start()  # it runs: nothing is done
        assert (tmp_path / "c" / "c0.pid").read_text() == before
        for name in ("c0.pid", "c0.log"):
            assert stat.S_IMODE((tmp_path / "c" / name).stat().st_mode) == 0o600
    finally:
        made(tmp_path, c0=controller).stop()
    assert gone(int(pid))
    assert gone(int(child))
    assert first.running() == {"c0": False}
    first.stop()  # again: fine
    assert not (tmp_path / "c" / "c0.pid").exists()


def test_what_it_started_is_ended_even_when_it_has_ended_itself(tmp_path: Path) -> None:
    processes = made(tmp_path, c0=python(LISTENS))
    processes.start()
    pid, child = map(int, (tmp_path / "facts").read_text().split()[:2])
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert processes.running() == {"c0": False}
    processes.stop()
    assert gone(child)


def test_a_process_that_ignores_being_asked_is_killed(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTENS
    controller = python(code)
    processes = made(tmp_path, c0=controller)
    processes.start()
    found = noted(tmp_path / "c" / "c0.pid")
    assert found
    found.stop(patience=0.2)
    assert not found.running


def test_a_number_that_is_another_process_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]) as stranger:
        try:
            path = tmp_path / "c" / "c0.pid"
            path.parent.mkdir()
            note(Process(stranger.pid, 1, 1), path)
            processes = made(tmp_path, c0=python("pass"))
            assert processes.running() == {"c0": False}
            processes.stop()
            assert stranger.poll() is None
        finally:
            stranger.kill()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "start": 1, "net": 1}'])
def test_a_damaged_pid_file_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "c0.pid").write_text(text)
    assert noted(tmp_path / "c0.pid") is None


def test_one_that_ends_says_its_last_words_and_leaves_none_of_the_others(tmp_path: Path) -> None:
    fails = python("print('no\\x1b[31m colour'); raise SystemExit(3)")
    processes = made(tmp_path, c0=python(LISTENS), c1=fails)
    with pytest.raises(BrokenError) as caught:
        processes.start()
    words = str(caught.value)
    assert "controller c1" in words
    assert "exit code 3 before it listened" in words
    assert words.endswith("its last words:\n  no\\x1b[31m colour")
    assert processes.running() == {"c0": False, "c1": False}


def test_one_that_does_not_listen_in_time_is_stopped(tmp_path: Path) -> None:
    processes = made(tmp_path, 0.3, c0=python("import time; time.sleep(60)"))
    with pytest.raises(BrokenError, match=r"doesn't listen on 127\.0\.0\.1:\d+ after 0.3 s.*OPENFLOW_PORT"):
        processes.start()
    assert processes.running() == {"c0": False}


def test_words_of_earlier_starts_are_not_shown(tmp_path: Path) -> None:
    processes = made(tmp_path, c0=python("raise SystemExit(1)"))
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "c0.log").write_text("old words\n")
    with pytest.raises(BrokenError) as caught:
        processes.start()
    assert "old words" not in str(caught.value)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnableError, match="controller c0: can't run `no-such-program`"):
        made(tmp_path, c0=Controller("command", command=("no-such-program",))).start()


def test_an_unknown_name_is_wrong(tmp_path: Path) -> None:
    for act in (made(tmp_path, c0=python("pass")).start, made(tmp_path).stop):
        with pytest.raises(UsageError, match="there is no controller `c7`"):
            act(["c7"])


@pytest.mark.parametrize(
    ("installed", "switches", "protocols", "program"),
    [
        ("/x/ovs-testcontroller", 16, ["OpenFlow13"], "/x/ovs-testcontroller"),
        ("/x/ovs-testcontroller", 17, ["OpenFlow13"], "emulator.controllers.learning"),
        ("/x/ovs-testcontroller", None, ["OpenFlow13"], "emulator.controllers.learning"),
        ("/x/ovs-testcontroller", 3, ["OpenFlow15"], "/x/ovs-testcontroller"),
        (None, 3, ["OpenFlow10"], "emulator.controllers.learning"),
    ],
)
def test_the_learning_controller_is_one_that_can(
    monkeypatch: pytest.MonkeyPatch, installed: str | None, switches: int | None,
    protocols: list[str], program: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(programs, "find_learning", lambda: installed)
    argv = programs.argv_of(Controller("learning"), 6653, outside=3, protocols=protocols, switches=switches)
    assert program in argv


def test_protocols_that_no_learning_controller_speaks_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "find_learning", lambda: None)
    with pytest.raises(UnableError, match=r"not OpenFlow15.*apt-get install openvswitch-testcontroller"):
        programs.argv_of(Controller("learning"), 6653, outside=3, protocols=["OpenFlow15"], switches=3)


def test_one_that_was_stopped_to_start_again_is_told_from_one_that_ended(tmp_path: Path) -> None:
    controller = python(LISTENS)
    processes = made(tmp_path, c0=controller)
    processes.start()
    pid = noted(tmp_path / "c" / "c0.pid")
    assert pid is not None
    assert processes.ended() == []
    processes.stop()
    assert processes.ended() == []  # by a session, which starts it again
    assert "c0 (command" in processes.ended(restored=False)[0]
    assert not processes.half_restarted("c0")
    processes.will_start_again(["c0"])
    processes.start()
    try:
        assert not processes.half_restarted("c0")
        processes.will_start_again(["c0"])
        processes.stop()  # and killed here
        other = made(tmp_path, c0=controller)
        assert other.half_restarted("c0")
        assert other.ended(restored=False) == []
        assert len(other.problems()) == 1
        other.start(["c0"])
        assert not other.half_restarted("c0")
        running = noted(tmp_path / "c" / "c0.pid")
        assert running is not None
        os.kill(running.pid, signal.SIGKILL)
        assert gone(running.pid)
        assert "has ended; `emulator up FILE` starts it again" in other.ended()[0]
    finally:
        processes.stop()


@pytest.mark.parametrize("how", ["deleted", "unnoted"])
def test_a_controller_without_its_record_is_ended_before_another_starts(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = python(LISTENS)
    if how == "unnoted":  # the command is killed after the start, before the record is written
        monkeypatch.setattr(supervisor, "note", lambda *_: interrupted())
        with pytest.raises(KeyboardInterrupt):
            made(tmp_path, c0=controller).start()
        monkeypatch.undo()
        for _ in range(500):
            if (tmp_path / "facts").exists():
                break
            time.sleep(0.01)
    else:
        made(tmp_path, c0=controller).start()
        (tmp_path / "c" / "c0.pid").unlink()
    old, child = map(int, (tmp_path / "facts").read_text().split()[:2])
    again = made(tmp_path, c0=controller)
    assert again.running() == {"c0": False}
    again.start()
    try:
        assert gone(old)
        assert gone(child)
        noted_one = noted(tmp_path / "c" / "c0.pid")
        assert noted_one is not None
        assert int((tmp_path / "facts").read_text().split()[0]) == noted_one.pid
        assert made(tmp_path, c0=controller).running() == {"c0": True}
    finally:
        again.stop()


def interrupted() -> None:
    raise KeyboardInterrupt


def test_another_that_holds_the_port_is_named_and_left_alone(tmp_path: Path) -> None:
    controllers = {"c0": python(LISTENS), "c1": python(LISTENS)}
    with socket.create_server(("127.0.0.1", controllers["c1"].port)):
        with pytest.raises(
            BrokenError, match=rf"{controllers['c1'].port} .*process {os.getpid()} \(.*end it"
        ):
            made(tmp_path, **controllers).start()
        assert made(tmp_path, **controllers).running() == {"c0": False, "c1": False}
