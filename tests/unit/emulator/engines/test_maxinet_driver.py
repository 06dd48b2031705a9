"""The parts of MaxiNet's driver that need neither MaxiNet nor a worker."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zlib
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import emulator.engines.maxinet

DRIVER = Path(emulator.engines.maxinet.__file__).with_name("driver")


def module(name: str) -> ModuleType:
    return import_module(f"emulator.engines.maxinet.driver.{name}")


loops, remains, tc = module("loops"), module("remains"), module("traffic_control")


def node(name: str, kind: str = "bridge", **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "worker": 0, **more}


def link(a: str, b: str, *, up: bool = True) -> dict[str, Any]:
    return {"ends": [{"node": a, "up": up}, {"node": b, "up": up}]}


def test_switches_that_flood_by_themselves_are_known() -> None:
    assert loops.learns(node("s1"))
    assert loops.learns(node("s1", "ovs", failMode="standalone", controllers=[]))
    assert not loops.learns(node("s1", "ovs", failMode="secure", controllers=[]))
    assert not loops.learns(node("s1", "ovs", failMode="standalone", controllers=["c0"]))
    assert not loops.learns(node("h1", "host"))


def test_a_loop_is_found_also_of_two_parallel_links_and_not_over_a_link_that_is_down() -> None:
    three = {"s1", "s2", "s3"}
    line = [link("s1", "s2"), link("s2", "s3")]
    assert not loops.has_loop(three, line)
    assert loops.has_loop(three, [*line, link("s3", "s1")])
    assert not loops.has_loop(three, [*line, link("s3", "s1", up=False)])
    assert loops.has_loop(three, [link("s1", "s2"), link("s1", "s2")])
    assert not loops.has_loop({"s1", "s2"}, [*line, link("s3", "s1")])  # s3 doesn't flood


def test_shapes_become_lines_of_tc() -> None:
    clear = ["qdisc replace dev x root pfifo", "qdisc del dev x root"]
    assert tc.lines("x", {}) == clear
    rate = "class add dev x parent 5: classid 5:1 htb rate 1500000bit burst 15k"
    assert tc.lines("x", {"bw": 1.5})[2:] == ["qdisc add dev x root handle 5: htb default 1", rate]
    both = {"bw": 1.5, "delay": "10us", "jitter": "2us", "loss": 1.5, "max_queue_size": 100}
    assert tc.lines("x", both)[-1] == (
        "qdisc add dev x parent 5:1 handle 10: netem delay 10us 2us loss 1.50000% limit 100"
    )
    assert tc.lines("x", {"delay": "10us"})[-1] == "qdisc add dev x root handle 10: netem delay 10us"
    assert tc.expected(both) == {"htb", "netem"}
    assert tc.expected({}) == set()


QUEUES = """qdisc htb 5: root refcnt 13 r2q 10 default 0x1 direct_packets_stat 0 direct_qlen 1000
qdisc netem 10: parent 5:1 limit 1000 delay 5ms
class htb 5:1 root leaf 10: prio 0 rate %s ceil 5Mbit burst 15Kb cburst 1600b
"""


@pytest.mark.parametrize(
    ("bandwidth", "rate"),
    [(5, "5Mbit"), (1.5, "1500Kbit"), (0.0005, "500bit"), (1000, "1Gbit"), (1234.56789, "1234Mbit")],
)
def test_queues_that_are_as_wanted_are_known(bandwidth: float, rate: str) -> None:
    assert tc.difference({"bw": bandwidth, "delay": "5ms"}, QUEUES % rate) == ""
    assert tc.difference({}, "qdisc noqueue 0: root refcnt 2") == ""


def test_another_rate_and_missing_queues_are_named() -> None:
    assert tc.difference({"bw": 6}, QUEUES % "5Mbit") == "has 5 instead of 6 Mbit/s"
    assert tc.difference({"bw": 5}, "qdisc noqueue 0: root refcnt 2") == "has no htb"
    assert tc.difference({"bw": 5}, "qdisc htb 5: root") == "has no rate instead of 5 Mbit/s"
    assert tc.difference({"loss": 1}, "qdisc htb 5: root") == "has no netem"


MARK = "here:topology-emulator/t.00000000"
LINKS = [
    {"ifname": "eth0", "address": "52:54:00:00:00:01"},
    {"ifname": "s1", "ifalias": MARK},
    {"ifname": "s1-eth1", "ifalias": MARK},
    {"ifname": "s2", "ifalias": f"{MARK[:-1]}1"},
    {"ifname": "s2-eth1"},
    {"ifname": "o1"},
    {"ifname": "o2"},
]


def bridge(name: str, mark: str = "") -> list[Any]:
    return [name, ["map", [["emulator", mark]] if mark else []]]


BRIDGES = {"data": [bridge("o1", MARK), bridge("o2", "another"), bridge("o3")]}


def found_with(*record: str, bridges: str = json.dumps(BRIDGES)) -> Any:
    return remains.read("\n".join((json.dumps(LINKS), "", bridges, *record)) + "\n")


def test_what_carries_the_mark_is_the_networks_and_nothing_else_of_equal_names() -> None:
    found = found_with()
    assert found.names >= {"eth0", "s1", "o1", "o2"}
    assert remains.removal(found, MARK) == [
        "ovs-vsctl -t 30 --if-exists del-br o1",
        "ip link del s1 2>/dev/null",
        "ip link del s1-eth1 2>/dev/null",
    ]


def test_while_a_network_is_made_its_record_tells_what_has_no_mark_yet() -> None:
    found = found_with("s2", "s2-eth1", "o2", "o3", "s9")
    assert set(remains.owned(found, MARK)) == {"s1", "s1-eth1", "s2-eth1", "o1", "o3"}


def test_a_worker_without_open_vswitch_is_read_too() -> None:
    found = found_with("s1", bridges="none")
    assert found.switches is None
    assert found.record == {"s1"}
    assert remains.owned(found, MARK) == ["s1", "s1-eth1"]


def test_the_record_of_many_names_fits_the_commands_of_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remains, "_RECORD", str(tmp_path / "record-"))
    names = [f"switch{number}-eth1" for number in range(9_000)]
    for command in remains.record_commands(MARK, "w1", names):
        subprocess.run(["sh", "-c", command], check=True)
    (file,) = tmp_path.iterdir()
    assert file.read_text().split() == sorted(names)
    subprocess.run(["sh", "-c", remains.forget_command(MARK, "w1")], check=True)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def worker_program() -> str:
    return (DRIVER / "on_worker.py").read_text()


def ran(program: str, *commands: list[Any]) -> list[list[Any]]:
    """Run the worker's program as the driver does, and return its answer."""
    job = base64.b64encode(zlib.compress(json.dumps(commands).encode())).decode()
    done = subprocess.run([sys.executable, "-c", program, job], check=True, capture_output=True, text=True)
    answer = done.stdout.rpartition("=results=")[2]
    results: list[list[Any]] = json.loads(zlib.decompress(base64.b64decode(answer)))
    return [[code, base64.b64decode(out), base64.b64decode(err)] for code, out, err in results]


def test_the_workers_program_runs_commands_at_once_with_bytes_input_and_limits(worker_program: str) -> None:
    given = base64.b64encode(b"a\xffb").decode()
    found = ran(
        worker_program,
        [None, ["cat"], None, given],
        [None, ["sh", "-c", "echo out; echo err >&2; exit 3"], 5, ""],
        [None, ["sh", "-c", "echo begun; sleep 30"], 0.3, ""],
        [None, ["/nowhere/program"], 5, ""],
        [None, ["sh", "-c", "sleep 30 & echo left"], 5, ""],
        [None, ["sh", "-c", "kill -TERM $$"], 5, ""],
    )
    assert found[0] == [0, b"a\xffb", b""]
    assert found[1] == [3, b"out\n", b"err\n"]
    assert found[2] == [124, b"begun\n", b""]
    assert found[3][0] == 127
    assert found[4] == [0, b"left\n", b""]
    assert found[5][0] == 128 + 15
