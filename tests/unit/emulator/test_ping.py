"""Our own ping: its options, lines and counts; packets as RFC 792 and RFC 4443 give them."""

from __future__ import annotations

import os
import re
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.linux.processes.own_ping import with_own_ping
from emulator.ping.options import Options, PingError, parse
from emulator.ping.packets import heard
from emulator.ping.tally import Tally, milliseconds

IPV4 = bytes.fromhex("4500001c0000000040010000 0a000002 0a000001")


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["-c1", "h16"], Options("h16", count=1)),
        (["h16", "-c", "3", "-i0.2", "-qn"], Options("h16", count=3, interval=0.2, quiet=True, numeric=True)),
        (["-W", "2", "-w5", "-s0", "-6", "h"], Options("h", timeout=2, deadline=5, size=0, version=6)),
    ],
)
def test_options(words: list[str], options: Options) -> None:
    assert parse(words) == options


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 1, "usage error: Destination address required"),
        (["-c", "x", "h"], 1, "invalid argument: 'x'"),
        (["-c0", "h"], 1, "out of range: 1 <= value"),
        (["-s", "65508", "h"], 1, "out of range: 0 <= value <= 65507"),
        (["-i", "nan", "h"], 1, "invalid argument: 'nan'"),
        (["-i", "-1", "h"], 1, "invalid argument: '-1'"),
        (["-f", "h"], 2, "apt install iputils-ping"),
        (["h1", "h2"], 2, "one destination at a time"),
    ],
)
def test_options_that_make_no_sense(words: list[str], code: int, said: str) -> None:
    with pytest.raises(PingError) as caught:
        parse(words)
    assert caught.value.code == code
    assert said in caught.value.words


def test_statistics_count_losses_doubles_and_errors() -> None:
    tally = Tally()
    for seq, sent in ((1, 10.0), (2, 11.0), (3, 12.0)):
        tally.ask(seq, sent)
    assert tally.answer(1, 10.001) == (pytest.approx(0.001), False)
    assert tally.answer(1, 10.002) == (pytest.approx(0.002), True)
    assert tally.answer(3, 12.003) == (pytest.approx(0.003), False)
    assert tally.answer(9, 12.0) is None
    tally.errors += 1
    assert tally.lines("h2") == [
        "",
        "--- h2 ping statistics ---",
        "3 packets transmitted, 2 received, +1 duplicates, +1 errors, 33.3333% packet loss, time 2000ms",
        "rtt min/avg/max/mdev = 1.000/2.000/3.000/1.000 ms",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0000404, "0.040"), (0.0012345, "1.23"), (0.0123, "12.3"), (0.2, "200")]
)
def test_times_have_three_digits_that_count(seconds: float, words: str) -> None:
    assert milliseconds(seconds) == words


def echo(kind: int, ident: int, seq: int) -> bytes:
    return struct.pack("!BBHHH", kind, 0, 0, ident, seq)


def test_answers_and_errors_about_ones_own_questions_are_heard_and_no_others() -> None:
    reply = IPV4 + echo(0, 7, 3) + b"x" * 56
    assert heard(4, reply, [], 7) == (3, 64, 64, "")
    assert heard(4, reply, [], 8) is None
    unreachable = IPV4 + struct.pack("!BBHI", 3, 1, 0, 0) + IPV4
    assert heard(4, unreachable + echo(8, 7, 5), [], 7) == (5, 36, 64, "Destination Host Unreachable")
    assert heard(4, unreachable + echo(8, 8, 5), [], 7) is None
    assert heard(4, unreachable + echo(0, 7, 5), [], 7) is None
    exceeded = IPV4 + struct.pack("!BBHI", 11, 0, 0, 0) + IPV4 + echo(8, 7, 6)
    assert heard(4, exceeded, [], 7) == (6, 36, 64, "Time to live exceeded")
    hops = [(socket.IPPROTO_IPV6, 52, struct.pack("=i", 61))]
    assert heard(6, echo(129, 7, 3) + b"x" * 56, hops, 7) == (3, 64, 61, "")
    refused = struct.pack("!BBHI", 1, 3, 0, 0) + bytes(40) + echo(128, 7, 9)
    assert heard(6, refused, hops, 7) == (9, 56, 61, "Destination unreachable: Address unreachable")
    for packet in (b"", IPV4, unreachable, unreachable[:-1]):
        assert heard(4, packet, [], 7) is None


def test_the_machines_own_ping_is_left_alone(tmp_path: Path) -> None:
    program = tmp_path / "ping"
    program.write_text("#!/bin/sh\n")
    argv = ("ping", "-c1", "h2")
    assert with_own_ping(argv, {"PATH": str(tmp_path)})[0] == sys.executable  # it can't be run
    program.chmod(0o755)
    assert with_own_ping(argv, {"PATH": str(tmp_path)}) == list(argv)
    assert with_own_ping(["pong"], {"PATH": ""}) == ["pong"]
    assert with_own_ping([], {"PATH": ""}) == []


def run(words: list[str], tmp_path: Path) -> tuple[int, str, str]:
    """Run our own ping from a folder whose modules must not be taken for its own."""
    for name in ("emulator", "socket", "getopt", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(77)\n")
    done = subprocess.run(
        with_own_ping(["ping", *words], {"PATH": ""}), cwd=tmp_path, capture_output=True, text=True,
        check=False, env=os.environ | {"PYTHONPATH": str(tmp_path)}, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def shape(text: str) -> str:
    """Return lines with their times replaced."""
    text = re.sub(r"time=[0-9.]+ ms", "time=T ms", text)
    text = re.sub(r"time [0-9]+ms", "time Tms", text)
    return re.sub(r"= [0-9.]+/[0-9.]+/[0-9.]+/[0-9.]+ ms(, pipe \d+)?", "= A/B/C/D ms", text)


@pytest.mark.privileged
@pytest.mark.skipif(not Path("/usr/bin/ping").exists(), reason="there is no ping to compare with")
@pytest.mark.parametrize(
    "words",
    [
        "-c1 127.0.0.1", "-c2 -i 0.2 -q 127.0.0.1", "-c3 -i0.2 -n localhost -4", "-c1 localhost -4",
        "-c1 -s0 127.0.0.1", "-c1 -s 15 127.0.0.1", "-c1 -s 16 127.0.0.1", "-c1 -s 3000 127.0.0.1",
        "-c1 -6 ::1", "-c 2 -w 5 -i0.2 127.0.0.1", "-c1 -4 ::1",
        "-c1 nosuch.invalid", "-c x 127.0.0.1", "", "-c1 255.255.255.255 -W1",
    ],
)  # fmt: skip
def test_lines_and_exit_codes_are_those_of_iputils(words: str, tmp_path: Path) -> None:
    real = subprocess.run(
        ["ping", *words.split()], executable="/usr/bin/ping", capture_output=True, text=True,
        check=False, timeout=60, env=os.environ | {"LC_ALL": "C"},
    )  # fmt: skip
    code, out, errors = run(words.split(), tmp_path)
    assert (code, shape(out)) == (real.returncode, shape(real.stdout))
    assert errors == real.stderr
