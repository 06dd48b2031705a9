"""`emulator shell` while other commands change its network, and where its streams end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

FILE = "name: n\ntopology: {{generator: single, hosts: {}}}\n"


def write(folder: Path, hosts: int) -> str:
    (folder / "n.yaml").write_text(FILE.format(hosts))
    return "n.yaml"


@pytest.fixture
def net(cli: CommandLine, tmp_path: Path) -> Iterator[CommandLine]:
    cli("up", write(tmp_path, 3), code=0)
    yield cli
    cli("down", "n", code=0)


class Session:
    """A shell that gets one line after another, through pipes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, line: str) -> list[str]:
        """Run a line; return what was printed, errors too."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\nsh echo .done\n")
        self._process.stdin.flush()
        said: list[str] = []
        for text in self._process.stdout:
            if text == ".done\n":
                return said
            said.append(text.rstrip("\n"))
        raise AssertionError(f"the shell ended after {line!r}: {said}")


@contextmanager
def session(folder: Path) -> Iterator[Session]:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "emulator", "shell", "n"],
        cwd=folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        yield Session(process)


def test_lines_are_about_the_network_as_it_is_now(net: CommandLine, tmp_path: Path) -> None:
    with session(tmp_path) as shell:
        assert shell("h1 WORD=kept; echo $WORD") == ["kept"]
        assert shell("h3 WORD=old") == []
        net("up", write(tmp_path, 2), code=0)
        assert "h3" not in "".join(shell("net"))
        assert shell("pingall")[-1] == "2 pairs, 2 reachable, 0 unexpected"
        assert "neither a node" in shell("h3 hostname")[0]
        assert shell("h1 echo $WORD") == ["kept"]
        net("link", "s1", "h1", "down", code=0)
        assert shell("links")[0].endswith("(down down)")
        assert shell("link s1 h1 up")[0] == "s1 -- h1: up"
        assert shell("h1 echo $WORD") == ["kept"]
        net("up", write(tmp_path, 4), code=0)
        assert shell("h3 echo [$WORD]") == ["[]"]  # another h3
        assert shell("py len(net)") == ["5"]


def test_a_network_that_was_taken_down_is_said_to_be(net: CommandLine, tmp_path: Path) -> None:
    with session(tmp_path) as shell:
        assert shell("h1 hostname") == ["h1"]
        net("down", "n", code=0)
        for line in ("h1 hostname", "pingall", "net", "link s1 h1 down"):
            assert shell(line) == ["no network `n` is up; `emulator up FILE` starts one"]
        net("up", "n.yaml", code=0)
        assert shell("h1 hostname") == ["h1"]


def test_wrong_options_of_a_line_end_that_line_alone(net: CommandLine, tmp_path: Path) -> None:
    with session(tmp_path) as shell:
        assert "'bad' is not one of" in shell("link s1 h1 bad")[-1]
        assert "did you mean `--bandwidth`?" in shell("link s1 h1 set --bw 5Mbit")[-1]
        assert any("Cut, restore, shape" in text for text in shell("link --help"))
        assert shell("switch h1 stop") == ["`h1` is a host; `link A B down` cuts one of its links"]
    done = net("shell", "n", stdin="h1 true\nexit 3\nh1 echo never\n", code=3)
    assert done.stdout == ""


@pytest.mark.parametrize("lines", ["net\nnet\nh1 echo x\n", "h1 yes\nnet\nnet\n"])
def test_nobody_reads_the_answers(net: CommandLine, tmp_path: Path, lines: str) -> None:
    del net
    here, there = os.pipe()
    os.close(here)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "emulator", "shell", "n"], cwd=tmp_path, check=False,
        input=lines.encode(), stdout=there, stderr=subprocess.PIPE, timeout=60,
    )  # fmt: skip
    os.close(there)
    assert b"Errno" not in done.stderr
    assert done.returncode == 0


def test_bytes_that_are_no_text_reach_the_node(net: CommandLine, tmp_path: Path) -> None:
    del net
    for extra in ({"LC_ALL": "C.UTF-8"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "emulator", "shell", "n"], cwd=tmp_path, check=True,
            input=b"h1 echo \xff \xc5\xbe\n", capture_output=True, timeout=60, env={**os.environ, **extra},
        )  # fmt: skip
        assert done.stdout == b"\xff \xc5\xbe\n"


def test_python_knows_mininets_names(net: CommandLine) -> None:
    lines = (
        "[h.name for h in net.hosts], net.switches, net.get('h1').IP()", "net['h2'].cmd('hostname').strip()",
        "net.pingAll(), len(net), 'h1' in net, h1.intfNames()", "[n.name for n in net.get('h1', 'h2')]",
        "sorted(one.is_up for one in net.links())", "net.keys()", "net",
        "h1.setIP('10.0.0.9')", "net.iperf()",
    )  # fmt: skip
    out = net("shell", "n", stdin="".join(f"py {line}\n" for line in lines), code=1).stdout.splitlines()
    assert out[:7] == [
        "(['h1', 'h2', 'h3'], [<switch s1 of n>], '10.0.0.1')",
        "h2",
        "(0.0, 4, True, ['h1-eth0'])",
        "['h1', 'h2']",
        "[True, True, True]",
        "['s1', 'h1', 'h2', 'h3']",
        "<network n: 4 nodes, engine netns>",
    ]
    assert out[7].startswith("AttributeError: a node has no `setIP`; it has IP, MAC, address")
    assert out[8].startswith("AttributeError: a network has no `iperf`; it has changes, check")
