"""Light ports through the command line: commands as a port, isolation, migration, recording."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.e2e, pytest.mark.privileged]

REGION = "forwarding: routed\ntopology: {generator: vpc, vpcs: 2, subnets: 2, ports: 5, hosts: 3}\n"
EQUAL = "topology: {generator: vpc, vpcs: 2, ports: 4, hosts: 2, overlap: true}\n"
AT_HOST = [("--link", "h1", "v1s1p1"), ("h1",)]
SERVER = """
import socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 80)); s.listen(8); s.settimeout(20); print("ready", flush=True)
c, peer = s.accept(); c.sendall(f"{c.getsockname()[0]} saw {peer[0]}".encode()); c.close()
"""
CLIENT = """
import socket, sys
s = socket.create_connection((sys.argv[1], 80), 5); print(s.recv(99).decode())
"""


def _up(cli: CommandLine, folder: Path, text: str) -> dict[str, object]:
    (folder / "net.yaml").write_text(f"name: net\n{text}")
    return cli.json("up", "net.yaml")


def test_ports_of_a_vpc_reach_each_other_and_no_others(cli: CommandLine, tmp_path: Path) -> None:
    up = _up(cli, tmp_path, REGION)
    assert up["fidelity"] == {"full": 7, "light": 20}
    assert cli.json("check", "--sample", "100000")["unexpected"] == []
    near = cli("exec", "v1s1p1", "--", "ping", "-c1", "-W2", "v1s1p4", code=0)  # both on h1
    far = cli("exec", "v1s1p1", "--", "ping", "-c1", "-W2", "v1s2p1", code=0)  # another subnet, another host
    assert "ttl=64" in near.stdout
    assert "ttl=63" in far.stdout, "the router between two subnets is a hop"
    assert cli("exec", "v1s1p1", "--", "ping", "-c1", "-W1", "v2s1p1").returncode == 1
    assert cli("exec", "h1", "--", "ping", "-c1", "-W1", "v1s1p1").returncode == 1, "a host is no tenant"
    cli("down", "net", code=0)


def test_several_servers_have_one_port_number(cli: CommandLine, tmp_path: Path) -> None:
    _up(cli, tmp_path, REGION)
    clients = {"v1s1p1": "v1s1p2", "v1s1p4": "v1s1p5", "v2s1p1": "v2s2p2"}  # the servers are on h1
    facts = {name: cli.json("status", "net", name) for pair in clients.items() for name in pair}
    assert {facts[name]["host"] for name in clients} == {"h1"}
    address = {name: facts[name]["address"].partition("/")[0] for name in facts}
    running = []
    try:
        for name in clients:
            argv = [sys.executable, "-m", "emulator", "exec", name, "--", sys.executable, "-c", SERVER]
            running.append(subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, text=True))
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for name, client in clients.items():
            said = cli("exec", client, "--", sys.executable, "-c", CLIENT, address[name], code=0).stdout
            assert said == f"{address[name]} saw {address[client]}\n"
    finally:
        for process in running:
            process.kill()
            process.communicate()
    bind = f"import socket; socket.socket().bind(('{address['v1s1p4']}', 80))"
    refused = cli("exec", "v1s1p1", "--", sys.executable, "-c", bind)
    assert "PermissionError" in refused.stderr, "no port binds another's address"
    cli("down", "net", code=0)


def test_a_port_moves_without_a_lost_ping(cli: CommandLine, tmp_path: Path) -> None:
    _up(cli, tmp_path, REGION)
    before = cli.json("status", "net", "v1s1p1")
    result: list[subprocess.CompletedProcess[str]] = []
    ping = ("exec", "v1s1p2", "--", "ping", "-i", "0.002", "-c", "2000", "-q", "v1s1p1")
    thread = threading.Thread(target=lambda: result.append(cli(*ping)))
    thread.start()
    time.sleep(0.5)
    for host in ("h2", "h3", "h1"):
        cli("migrate", "v1s1p1", host, code=0)
    thread.join()
    assert ", 0% packet loss" in result[0].stdout, result[0].stdout
    cli("migrate", "v1s1p1", "h2", code=0)
    after = cli.json("status", "net", "v1s1p1")
    assert (after["host"], after["state"]) == ("h2", "up")
    assert [after[key] for key in ("address", "mac", "vpc")] == [
        before[key] for key in ("address", "mac", "vpc")
    ]
    assert after["counters"]["rx_packets"] >= 2000
    for words, reason in (
        (("v1s1p1", "leaf1"), "no compute host"),
        (("h1", "h2"), "only light ports"),
        (("v9s1p1", "h2"), "there is no node `v9s1p1`"),
    ):
        assert reason in cli("migrate", *words, code=2).stderr
    assert cli.json("check", "--sample", "100000")["unexpected"] == []
    cli("down", "net", code=0)


@pytest.mark.parametrize("text", [REGION, EQUAL], ids=["one-space", "equal-addresses"])
def test_a_port_is_recorded_as_itself(cli: CommandLine, tmp_path: Path, text: str) -> None:
    _up(cli, tmp_path, text)
    words = ("capture", "v1s1p2", "-o", "port.pcap", "--seconds", "60", "--count", "2", "--filter", "icmp")
    told: list[dict[str, object]] = []
    recorder = threading.Thread(target=lambda: told.append(cli.json(*words)))
    recorder.start()
    for _ in range(300):
        if (tmp_path / "port.pcap").exists():
            break
        time.sleep(0.1)
    for other in ("v1s1p3", "v2s1p1"):
        cli("exec", other, "--", "ping", "-c", "2", "-i", "0.2", "-W", "1", "v1s1p4")  # not the port's
    cli("exec", "v1s1p1", "--", "ping", "-c", "30", "-i", "0.1", "-q", "v1s1p2", code=0)
    recorder.join()
    shown = subprocess.run(
        ["tcpdump", "-nr", tmp_path / "port.pcap"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(shown) == told[0]["packets"] == 2
    assert all("10.0.0.2 > 10.0.0.3" in line or "10.0.0.3 > 10.0.0.2" in line for line in shown), shown
    of_host = [cli.json("capture", *where, "-o", "h.pcap", "--seconds", "0.1") for where in AT_HOST]
    assert [one["interface"] for one in of_host] == ["v1s1p1-eth0", "h1-eth0"], (
        "it has no end of a port's link"
    )
    assert "ports are: 0 (h1-eth0)\n" in cli("capture", "h1:1", "-o", "h.pcap", code=2).stderr
    found = cli.json("check", "--sample", "100000")
    assert found["unexpected"] == []
    assert found["equal_addresses"] == (32 if text == EQUAL else 0)
    cli("down", "net", code=0)
