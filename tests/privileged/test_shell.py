"""`emulator shell`: lines are a shell's, what one changes the next one finds, and Mininet's habits work.

The walk-through is http://mininet.org/walkthrough/, with what its commands are called today.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.command import CommandLine
from support.overlay import NEEDS_BPF

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

FILE = "name: n\ntopology: {generator: single, hosts: 2}\n"


@pytest.fixture
def net(cli: CommandLine, tmp_path: Path) -> Iterator[CommandLine]:
    (tmp_path / "n.yaml").write_text(FILE)
    cli("up", "n.yaml", code=0)
    yield cli
    cli("down", "n", code=0)


def said(net: CommandLine, *lines: str, code: int = 0) -> list[str]:
    return net("shell", "n", stdin="".join(f"{line}\n" for line in lines), code=code).stdout.splitlines()


def runs(pid: int) -> bool:
    """Return whether a process runs; one that has ended may wait for its parent."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_line_is_a_shells_line(net: CommandLine, tmp_path: Path) -> None:
    assert said(net, "h1 echo one two | tr a-z A-Z > out; cat out") == ["ONE TWO"]
    assert said(net, """h1 echo 'h2 "' "h2" a\\ h2 h2 x/h2 h2# # h2""") == ['h2 " h2 a h2 10.0.0.2 x/h2 h2#']
    assert said(net, "h1 test -e nothing || echo missing; (exit 3)", code=3) == ["missing"]
    assert said(net, "h1 false", "h1 echo $?", "h1 true", "h1 echo $?", "h1 (exit 7)", "h1 :; echo $?") == [
        "1",
        "0",
        "0",
    ]
    assert said(net, "h1 (exit 7)", "h2 echo $?", "h1 echo $?") == ["0", "7"]
    unended = net("shell", "n", stdin="h1 echo \"x\nh1 echo 'x\nh1 echo on\n", code=0)
    assert unended.stdout == "on\n"
    assert unended.stderr.count("unexpected EOF") == 2 or "nterminated" in unended.stderr
    assert said(net, "h1 for f in *.yaml; do echo $f; done") == ["n.yaml"]
    assert said(net, "h1 echo h2 > h2; cat < h2") == ["10.0.0.2"]
    assert (tmp_path / "h2").exists()


def test_what_a_line_changes_the_next_one_finds(net: CommandLine, tmp_path: Path) -> None:
    lines = ("h1 mkdir -p inner; cd inner; WORD=kept", "h2 pwd; echo [$WORD]", "h1 pwd; echo [$WORD]")
    assert said(net, *lines) == [str(tmp_path), "[]", str(tmp_path / "inner"), "[kept]"]
    assert said(net, "h1 f() { echo from-f; }", "h1 f", "h1 exit 5", "h1 f", code=127) == ["from-f"]
    assert said(net, "h1 kill -9 $$", code=137) == []
    assert said(net, "h1 kill -9 $$", "h1 echo again") == ["again"]


def test_jobs_in_the_background(net: CommandLine) -> None:
    lines = ("h1 sleep 60 &", "h1 jobs | grep -c Running", "h1 kill %1", "h1 wait; jobs | grep -c Running")
    assert said(net, *lines, code=1) == ["1", "0"]
    left = said(net, "h1 sleep 61 > /dev/null 2>&1 & echo $!")
    assert runs(int(left[0]))  # as with any shell, it outlives the shell
    net("down", "n", code=0)
    assert not runs(int(left[0]))


def test_errors_are_said_and_the_rest_goes_on(net: CommandLine) -> None:
    done = net(
        "shell",
        "n",
        stdin="nobody\nlink h1 h2 down\nh1 'unended\nsource nowhere\ndpctl show\nh1 echo on\n",
        code=0,
    )
    assert done.stdout == "on\n"
    for words in (
        "`nobody` is neither a node nor a command", "no link joins h1 and h2", "source nowhere: No such file",
        "has no switch of Open vSwitch",
    ):  # fmt: skip
        assert words in done.stderr


def test_files_of_lines_and_python(net: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("# a comment\n\nh1 echo sourced\nsource lines\n")
    done = net("shell", "n", stdin="source lines\n")
    assert done.stdout.count("sourced") > 1
    assert "files source each other" in done.stderr
    lines = (
        "py net['h1'].run('echo x').output",
        "py count = len(net)",
        "py count * 2",
        "py [net.get(name).IP() for name in ('h1', 'h2')], count",
        "noecho",
        "py h1.IP(), h1.kind",
        "py 1/0",
    )
    assert said(net, *lines, code=1) == [
        "x",
        "",
        "6",
        "(['10.0.0.1', '10.0.0.2'], 3)",
        "('10.0.0.1', 'host')",
        "ZeroDivisionError: division by zero",
    ]


def test_the_walk_through_of_mininet(net: CommandLine) -> None:
    """Its lines in its order; `ifconfig` and `wget` are `ip` and `curl` where the machine lacks them."""
    ifconfig = "ifconfig -a" if shutil.which("ifconfig") else "ip address"
    get = "wget -q -O - h1" if shutil.which("wget") else "curl -s http://h1/"
    out = said(
        net, "help", "nodes", "net", "dump", f"h1 {ifconfig}", f"s1 {ifconfig}", "h1 ps -a", "s1 ps -a",
        "h1 ping -c 1 h2", "pingall", "h1 python3 -m http.server 80 > /dev/null 2>&1 &",
        f"h2 for i in 1 2 3 4 5 6 7 8 9; do {get} && break; sleep 0.3; done", "h1 kill %python3",
        "link s1 h1 down", "link s1 h1 up", "py 'hello ' + 'world'", "py h1.IP()", "pingpair", "ports",
        "intfs", "links", "time sh true", "switch s1 stop", "switch s1 start", "iperf h1 h2", "iperfudp 10M",
        "exit", "h1 echo never",
    )  # fmt: skip
    text = "\n".join(out)
    for words in (
        "h1 h1-eth0:s1-eth1", "s1 s1-eth1:h1-eth0 s1-eth2:h2-eth0", "<Host h1: h1-eth0:10.0.0.1>",
        "1 packets transmitted, 1 received", "h1 -> h2", "*** Results: 0% dropped (2/2 received)",
        "n.yaml</a>", "hello world", "10.0.0.1", "s1 s1-eth1:1 s1-eth2:2", "h1: h1-eth0",
        "s1-eth1<->h1-eth0 (OK OK)",
        "*** Elapsed time: 0.", "bit', '",
    ):  # fmt: skip
        assert words in text, f"{words}\n{text}"
    assert "never" not in text
    assert int(re.findall(r"([\d.]+)% lost", text)[0].partition(".")[0]) < 50


@NEEDS_BPF
def test_lines_of_light_ports_have_their_identity(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_text("name: v\ntopology: {generator: vpc, ports: 2, hosts: 2}\n")
    cli("up", "v.yaml", code=0)
    probe = (
        f"{sys.executable} -c 'import socket; s = socket.create_server((\"\", 0)); print(s.getsockname()[0])'"
    )
    out = cli("shell", "v", stdin=f"v1s1p1 ping -c1 -W5 v1s1p2\nv1s1p1 {probe}\n", code=0).stdout
    assert "1 received" in out
    assert out.endswith("10.0.0.2\n")
    cli("down", "v", code=0)


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.text = ""

    def send(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def wait_for(self, words: str, seconds: float = 30) -> str:
        """Read until `words` come; return what came before them."""
        end = time.monotonic() + seconds
        while words not in self.text:
            ready, _, _ = select.select([self._descriptor], [], [], max(0, end - time.monotonic()))
            assert ready, f"no {words!r} in {self.text!r}"
            self.text += os.read(self._descriptor, 4096).decode(errors="replace")
        before, _, self.text = self.text.partition(words)
        return before


@contextmanager
def terminal(folder: Path, *words: str) -> Iterator[Terminal]:
    pid, descriptor = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-P", "-m", "emulator", *words])  # noqa: S606
    try:
        yield Terminal(descriptor)
    finally:
        os.close(descriptor)
        os.waitpid(pid, 0)


def test_ctrl_c_ends_a_line_and_the_shell_goes_on(net: CommandLine, tmp_path: Path) -> None:
    with terminal(tmp_path, "shell", "n") as shell:
        shell.wait_for("n> ")
        shell.send("h1 sleep 60 &\n")
        shell.wait_for("n> ")
        shell.send("h1 ping h2\n")
        shell.wait_for("64 bytes from 10.0.0.2")
        shell.send("\x03")
        shell.wait_for("packets transmitted")  # ping had time to sum up
        shell.wait_for("n> ")
        shell.send("h1 jobs; echo from-$(hostname)\n")
        assert "Running" in shell.wait_for("from-h1")  # the job got no signal
        shell.wait_for("n> ")
        shell.send("h1 kill %1; stty -a | head -1\n")
        shell.wait_for("rows")  # commands have the terminal
        shell.wait_for("n> ")
        shell.send("h1 echo it re''ads; cat\n")
        shell.wait_for("it reads")
        shell.send("said to cat\n")
        shell.wait_for("said to cat")
        shell.wait_for("said to cat")  # the terminal's echo, and cat's
        shell.send("\x04")
        shell.wait_for("n> ")
        shell.send("h2 nev\x03")
        shell.wait_for("n> ")
        shell.send("h2\n")
        shell.wait_for("h2")
        shell.send("echo prompt-of-$(hostname); exit\n")
        shell.wait_for("prompt-of-h2")
        shell.wait_for("n> ")
        shell.send("exit\n")


def test_completion_of_nodes_commands_programs_and_files(net: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "a-long-name").touch()
    with terminal(tmp_path, "shell", "n") as shell:
        shell.wait_for("n> ")
        shell.send("pinga\t\n")
        shell.wait_for("2/2 received")
        shell.wait_for("n> ")
        shell.send("h1 hostnamec\t")
        time.sleep(0.3)
        shell.send("\x15h1 ls a-lo\t; echo done\n")
        shell.wait_for("a-long-name")
        shell.wait_for("n> ")
        shell.send("\x04")
