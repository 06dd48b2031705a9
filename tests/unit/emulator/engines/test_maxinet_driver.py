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


LINKS = [
    {"ifname": "eth0", "address": "52:54:00:00:00:01"},
    {"ifname": "s1", "address": "02:00:00:01:00:01"},
    {"ifname": "s1-eth1", "address": "02:00:00:01:00:01", "master": "s1"},
    {"ifname": "s2-eth1", "address": "aa:aa:aa:aa:aa:aa", "master": "s2"},
    {"ifname": "s2", "address": "aa:aa:aa:aa:aa:aa"},
]
BRIDGES = {"data": [["o1", ["map", [["datapath-id", "000000000000000a"]]]], ["o2", ["map", []]]]}


def test_what_is_left_is_told_from_what_is_somebody_elses() -> None:
    found = remains.read(f"{json.dumps(LINKS)}\n{json.dumps(BRIDGES)}\n")
    assert found.names >= {"eth0", "s1", "o1", "o2"}
    mine = remains.Own(
        {"s1-eth1": "02:00:00:01:00:01", "s2-eth1": "02:00:00:02:00:01", "s3-eth1": "02:00:00:03:00:01"},
        {"s1": "1", "s2": "2", "s3": "3", "o1": "000000000000000a", "o2": "000000000000000b"},
    )
    assert remains.removal(found, mine) == [
        "ovs-vsctl -t 30 --if-exists del-br o1",
        "ip link del s1 2>/dev/null",
        "ip link del s1-eth1 2>/dev/null",
    ]


def test_a_bridge_that_lost_its_ports_is_removed_if_it_is_known_only() -> None:
    found = remains.read(json.dumps([{"ifname": "s1", "address": "00:00:00:00:00:00"}]))
    mine = remains.Own({"s1-eth1": "02:00:00:01:00:01"}, {"s1": "1", "s2": "2"})
    assert remains.removal(found, mine) == []
    assert remains.removal(found, mine, {"s1", "s2"}) == ["ip link del s1 2>/dev/null"]
    assert remains.bridges(remains.read(json.dumps(LINKS)), mine) == {"s1"}


def test_a_worker_without_open_vswitch_is_read_too() -> None:
    assert remains.read("[]\n") == ({}, {})
    assert remains.removal(remains.read("[]"), remains.Own({"s1-eth1": "x"}, {"s1": "1"})) == []


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
