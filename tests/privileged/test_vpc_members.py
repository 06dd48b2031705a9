"""Full hosts in VPCs, on the real kernel: who reaches whom, what is repaired, and what stress leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import CommandLine
from support.kernel_snapshot import differences, snapshot
from support.overlay import NEEDS_BPF

import emulator

pytestmark = [pytest.mark.e2e, pytest.mark.privileged, NEEDS_BPF]

HAND = """\
name: n
vpcs: {{blue: {blue}, red: {red}}}
topology:
  nodes:
    s1: {{kind: switch}}
    c1: {{}}
    c2: {{}}
    b1: {{fidelity: light, vpc: blue}}
    b2: {{fidelity: light, vpc: blue}}
    r1: {{fidelity: light, vpc: red}}
    bm1: {{vpc: blue}}
    bm2: {{vpc: blue{second}}}
    rm1: {{vpc: red}}
  links: [[c1, s1], [c2, s1], [b1, c1], [b2, c2], [r1, c1], [bm1, c1], [bm2, c2], [rm1, c1]]
"""
APART = HAND.format(blue="10.1.0.0/16", red="10.2.0.0/16", second="")
EQUAL = HAND.format(blue="10.1.0.0/24", red="10.1.0.0/24", second="")
ROUTED = HAND.format(blue="[10.1.0.0/24, 10.1.1.0/24]", red="10.2.0.0/16", second=", ip: 10.1.1.9/24")
BLUE = ("b1", "b2", "bm1", "bm2")
STRESS = {
    "name": "members", "limits": ["errors == 0"],
    "steps": [
        {"action": "port-flap", "target": {"name": "bm*"}, "rate": 20, "down": "20 ms", "duration": "500 ms"},
        {"action": "port-flap", "target": {"name": "[br]*"}, "rate": 40, "duration": "500 ms"},
        {"action": "node-churn", "target": {"name": "[br]m1"}, "rate": 8, "duration": "700 ms"},
        {"action": "node-churn", "target": {"name": "c*"}, "rate": 4, "away": "100 ms", "duration": "1 s"},
        {"action": "port-churn", "target": {"name": "*"}, "rate": 20, "away": "20 ms", "duration": "1 s"},
        {"action": "link-flap", "target": {"name": "bm1"}, "rate": 10, "down": "20 ms", "duration": "500 ms"},
    ],
}  # fmt: skip
TCP = (
    "import socket; s = socket.create_server(('', 7000)); print('ready'); c, a = s.accept(); "
    "print(a[0], len(c.makefile('rb').read()))"
)
SEND = "import socket, sys; socket.create_connection((sys.argv[1], 7000)).sendall(bytes(5_000_000))"


def address(cli: CommandLine, node: str) -> str:
    return str(cli.json("status", "n", node)["addresses"][0]).partition("/")[0]


def reaches(cli: CommandLine, source: str, target: str, *options: str) -> bool:
    return cli("exec", source, "--", "ping", "-c1", *(options or ("-W5",)), target).returncode == 0


@pytest.fixture(params=[APART, EQUAL, ROUTED], ids=["apart", "equal", "routed"])
def net(request: pytest.FixtureRequest, cli: CommandLine, tmp_path: Path) -> Iterator[CommandLine]:
    (tmp_path / "n.yaml").write_text(request.param)
    cli("up", "n.yaml", code=0)
    yield cli
    cli("down", "n", code=0)


def test_members_are_in_their_vpc_and_in_no_other(net: CommandLine) -> None:
    addresses = {name: address(net, name) for name in (*BLUE, "r1", "rm1")}
    for source in BLUE:
        for target in BLUE:
            assert source == target or reaches(net, source, addresses[target]), (source, target)
    assert reaches(net, "rm1", addresses["r1"])
    assert reaches(net, "r1", addresses["rm1"])
    (found,) = json.loads(
        net("exec", "bm1", "--", "ip", "-j", "-4", "address", "show", "bm1-eth0", code=0).stdout
    )
    assert found["addr_info"][0]["local"] == addresses["bm1"]
    assert found["mtu"] == 1450
    if addresses["r1"] not in {addresses[name] for name in BLUE}:  # else the answer is the own VPC's
        assert not reaches(net, "bm1", addresses["r1"], "-W1")
        assert not reaches(net, "r1", addresses["bm2"], "-W1")
    assert not reaches(net, "bm1", "172.16.0.1", "-W1")  # the underlay isn't theirs
    assert net.json("check", "n")["unexpected"] == []


def test_tcp_and_whole_packets_both_ways(net: CommandLine) -> None:
    network = emulator.attach("n")
    for server, client in (("bm2", "b1"), ("b2", "bm1"), ("bm1", "bm2")):
        where = network[server].address
        assert network[client].run(["ping", "-c1", "-W5", "-M", "do", "-s", "1422", where]).ok
        assert not network[client].run(["ping", "-c1", "-W1", "-M", "do", "-s", "1423", where]).ok
        with network[server].popen(
            [sys.executable, "-uc", TCP], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            sent = network[client].run([sys.executable, "-c", SEND, where], timeout=60)
            assert sent.ok, sent.errors
            assert process.stdout.readline() == f"{network[client].address} 5000000\n"


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        (("c1", "ip link del c1-eth1"), "link bm1 -- c1 is missing"),
        (("c1", "tc qdisc del dev c1-eth1 clsact"), "program em_from_device"),
        (("bm1", "ip route del default"), "route"),
        (("bm1", "ip neigh del 10.1.0.1 dev bm1-eth0"), "neighbour"),
    ],
)
def test_what_is_lost_is_named_and_repaired(
    cli: CommandLine, tmp_path: Path, state_dir: Path, lost: tuple[str, str], named: str
) -> None:
    (tmp_path / "n.yaml").write_text(APART)
    cli("up", "n.yaml", code=0)
    before = snapshot(state_dir, "n")
    cli("exec", lost[0], "--", *lost[1].split(), code=0)
    assert named in cli("status", "n", code=1).stdout
    cli("up", "n.yaml", code=0)
    assert cli("status", "n").returncode == 0
    assert differences(before, snapshot(state_dir, "n")) == []
    assert reaches(cli, "bm1", address(cli, "b2"))
    assert reaches(cli, "b2", address(cli, "bm1"))
    cli("down", "n", code=0)


def test_a_changed_file_adds_and_removes_members(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text(APART)
    cli("up", "n.yaml", code=0)
    less = APART.replace("    bm1: {vpc: blue}\n", "").replace("[bm1, c1], ", "")
    (tmp_path / "n.yaml").write_text(less)
    assert "removed 1 node: bm1" in cli("up", "n.yaml", code=0).stdout
    assert cli.json("check", "n")["unexpected"] == []
    (tmp_path / "n.yaml").write_text(APART)
    assert "added 1 node: bm1" in cli("up", "n.yaml", code=0).stdout
    assert cli("status", "n").returncode == 0
    assert cli.json("check", "n")["unexpected"] == []
    moved = APART.replace("[bm1, c1]", "[bm1, c2]")
    (tmp_path / "n.yaml").write_text(moved)
    cli("up", "n.yaml", code=0)
    assert cli("status", "n").returncode == 0
    assert cli.json("check", "n")["unexpected"] == []
    cli("down", "n", code=0)


def test_links_of_members_go_down_and_up(net: CommandLine) -> None:
    net("link", "bm1", "c1", "down", code=0)
    assert net.json("check", "n")["unexpected"] == []
    assert not reaches(net, "b1", address(net, "bm1"), "-W1")
    net("link", "c1", "s1", "down", code=0)
    assert net.json("check", "n")["unexpected"] == []
    net("link", "bm1", "c1", "up", code=0)
    assert net.json("check", "n")["unexpected"] == []
    net("link", "c1", "s1", "up", code=0)
    assert net.json("check", "n")["unexpected"] == []
    assert net("status", "n").returncode == 0


def test_stress_leaves_the_network_as_it_was(net: CommandLine, state_dir: Path) -> None:
    before = snapshot(state_dir, "n")
    result = emulator.attach("n").stress(STRESS, seed=5)
    assert result.passed, result.verdicts
    assert differences(before, snapshot(state_dir, "n")) == []
    assert net("status", "n").returncode == 0
    assert net.json("check", "n")["unexpected"] == []


@pytest.mark.parametrize(
    ("nodes", "links", "words"),
    [
        ("m: {vpc: blue}", "[m, s1]", "is in a VPC, but linked to the switch `s1`"),
        ("m: {vpc: blue}", "[m, c1], [m, c2]", "is in a VPC and has 2 links"),
        ("m: {vpc: green}", "[m, c1]", "there is no VPC `green`"),
        ("m: {kind: router, vpc: blue}", "[m, c1]", "m"),
        ("m: {vpc: blue, ip: 10.9.0.1/16}", "[m, c1]", "is no host's address in a subnet of `blue`"),
        ("m: {vpc: blue}", "[m, c1, {mtu: 1500}]", "behind `c1` a VPC carries 1,450"),
        ("m: {vpc: blue}, o: {fidelity: light, device: true}", "[m, c1], [o, c2]", "m"),
    ],
)
def test_what_no_member_can_be_is_refused(
    cli: CommandLine, tmp_path: Path, nodes: str, links: str, words: str
) -> None:
    (tmp_path / "n.yaml").write_text(
        "name: n\nvpcs: {blue: 10.1.0.0/16}\ntopology:\n"
        f"  nodes: {{s1: {{kind: switch}}, c1: {{}}, c2: {{}}, {nodes}}}\n"
        f"  links: [[c1, s1], [c2, s1], {links}]\n"
    )
    done = cli("up", "n.yaml", code=2)
    assert words in done.stderr
    assert done.stderr.startswith("n.yaml:")


@pytest.mark.parametrize("engine", ["mininet", "distrinet", "maxinet"])
def test_other_engines_refuse_members_by_name(cli: CommandLine, tmp_path: Path, engine: str) -> None:
    text = APART.replace("fidelity: light, ", "")
    (tmp_path / "n.yaml").write_text(text.replace("name: n\n", f"name: n\nengine: {engine}\n"))
    done = cli("up", "n.yaml")
    assert done.returncode in {2, 3}, done.stderr
    assert "VPC" in done.stderr or "light" in done.stderr
