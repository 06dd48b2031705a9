"""Nodes of `kind: nat` and `kind: outside`: the machine is a namespace, and another one is the internet."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.stand_in_machine import Machine, stand_in
from support.wired_namespaces import HeldNamespace

pytestmark = [pytest.mark.privileged]

NAT = """\
name: {name}
topology:
  nodes: {{s1: {{kind: switch}}, h1: {{}}, out: {{kind: nat}}}}
  links: [[h1, s1], [out, s1]]
"""
ROUTED = """\
name: routed
topology:
  nodes: {r1: {kind: router}, r2: {kind: router}, h1: {}, out: {kind: nat}}
  links: [[h1, r1], [r1, r2], [out, r2]]
"""
OUTSIDE = """\
name: inside
topology:
  nodes: {s1: {kind: switch}, h1: {}, here: {kind: outside}}
  links: [[h1, s1], [here, s1]]
"""
INTERNET = "198.51.100.2"
_SERVER = """
import socket
with socket.create_server(("", 0)) as server:
    print(server.getsockname()[1], flush=True)
    server.settimeout(20)
    while True:
        client, peer = server.accept()
        with client:
            client.sendall(peer[0].encode())
"""
_CLIENT = """
import socket, sys
print(socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).recv(64).decode())
"""


@pytest.fixture
def both(tmp_path: Path, state_dir: Path) -> Iterator[tuple[Machine, HeldNamespace]]:
    with stand_in(tmp_path) as found:
        yield found


@pytest.fixture
def machine(both: tuple[Machine, HeldNamespace]) -> Machine:
    return both[0]


def _serve(words: list[str]) -> tuple[subprocess.Popen[str], int]:
    server = subprocess.Popen([*words, sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    return server, int(server.stdout.readline())


@pytest.mark.parametrize("text", [NAT.format(name="net"), ROUTED])
def test_nodes_reach_the_internet_with_the_machines_address(
    both: tuple[Machine, HeldNamespace], text: str
) -> None:
    machine, other = both
    before = machine.state()
    said = machine.run("up", machine.file(text))
    assert "out leads out by emu-" in said
    network = text.split()[1]
    server, port = _serve(other.entered)
    try:
        seen = machine.run("exec", "h1", "--", sys.executable, "-c", _CLIENT, INTERNET, str(port))
    finally:
        server.kill()
        server.communicate()
    assert seen.strip() == "198.51.100.1"
    machine.run("exec", "h1", "--", "ping", "-c1", "-W5", INTERNET)
    machine.run("check", network)
    assert f"table ip emulator-{network}" in machine.output("nft", "list", "ruleset")
    machine.run("down", network)
    assert machine.state() == before


def test_what_is_damaged_is_named_and_repaired(machine: Machine) -> None:
    before = machine.state()
    name = machine.file(NAT.format(name="net"))
    machine.run("up", name)
    uplink = next(link["ifname"] for link in machine.state()["links"] if link["ifname"].startswith("emu-"))
    for damage, words in (
        (("nft", "delete", "table", "ip", "emulator-net"), "rules of the nf_tables table emulator-net"),
        (
            ("bash", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward"),
            "net.ipv4.ip_forward: expected 1, found 0",
        ),
        (("ip", "addr", "flush", "dev", uplink), f"on {uplink}: expected present, found missing"),
        (("ip", "link", "del", uplink), "uplink to the machine"),
    ):
        machine.output(*damage)
        assert words in machine.run("status", "net", code=1)
        assert words in machine.run("up", name)
        assert "BROKEN" not in machine.run("status", "net")
        machine.run("exec", "h1", "--", "ping", "-c1", "-W5", INTERNET)
    machine.run("down", "net")
    assert machine.state() == before


def test_a_way_out_comes_back_with_its_node(machine: Machine) -> None:
    machine.run("up", machine.file(NAT.format(name="net")))
    scenario = (
        "name: s\nsteps: [{action: node-churn, target: {kind: nat}, rate: 4, duration: 1 s, away: 100 ms}]\n"
    )
    said = machine.run("stress", machine.file(scenario, "s.yaml"), "--net", "net")
    assert "not restored" not in said
    machine.run("exec", "h1", "--", "ping", "-c1", "-W5", INTERNET)
    assert "BROKEN" not in machine.run("status", "net")
    machine.run("down", "net")


def test_forwarding_ends_with_the_last_network(machine: Machine) -> None:
    before = machine.state()
    machine.run("up", machine.file(NAT.format(name="one"), "one.yaml"))
    machine.run("up", machine.file(NAT.format(name="two"), "two.yaml"))
    machine.run("down", "one")
    machine.run("exec", "h1", "--", "ping", "-c1", "-W5", INTERNET)
    machine.run("down", "two")
    assert machine.state() == before


def test_a_killed_command_leaves_what_down_gives_back(machine: Machine) -> None:
    before, rng = machine.state(), random.Random(14)
    name = machine.file(NAT.format(name="net"))
    for _ in range(4):
        running = subprocess.Popen(
            machine.words("up", name),
            cwd=machine.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(rng.uniform(0.2, 1.0))
        running.send_signal(signal.SIGKILL)
        running.communicate()
        machine.run("down", "--all")
        assert machine.state() == before


def test_the_machine_reaches_nodes_and_they_reach_it(machine: Machine) -> None:
    before = machine.state()
    assert "the machine is 10.0.0.2 in the network" in machine.run("up", machine.file(OUTSIDE))
    machine.output("ping", "-c1", "-W5", "10.0.0.1")
    client = [sys.executable, "-c", _CLIENT]
    server, port = _serve(machine.words("exec", "h1", "--"))
    try:
        assert machine.output(*client, "10.0.0.1", str(port)).strip() == "10.0.0.2"
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate()
    server, port = _serve(machine.held.entered)
    try:
        assert machine.run("exec", "h1", "--", *client, "10.0.0.2", str(port)).strip() == "10.0.0.1"
    finally:
        server.kill()
        server.communicate()
    assert re.search(r"\suplink .* the machine \(emu-", machine.run("inspect", "inside"))
    machine.run("check", "inside")
    assert "BROKEN" not in machine.run("status", "inside")
    machine.run("down", "inside")
    assert machine.state() == before


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        (
            NAT.replace("kind: nat", "kind: nat, uplink: 198.51.100.0/30"),
            "overlaps 198.51.100.0/24 of the machine's eth0",
            3,
        ),
        (
            NAT.replace("kind: nat", "kind: nat, uplink: 10.1.0.0/30"),
            "overlaps 10.0.0.0/8 of the emulated network",
            3,
        ),
        (
            OUTSIDE.replace("{", "{{").replace("}", "}}") + "addressing: {{ipv4: 198.51.100.0/24}}\n",
            "needs a route to",
            3,
        ),
        (NAT.replace("h1: {{}}", "h1: {{uplink: 198.18.0.0/30}}"), "net.yaml:3:36: ", 2),
        (NAT + "engine: mininet\n", "the engine mininet makes no nodes of `kind: nat`", 2),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    machine: Machine, text: str, words: str, code: int
) -> None:
    before = machine.state()
    assert words in machine.run("up", machine.file(text.format(name="net")), code=code)
    assert machine.state() == before
