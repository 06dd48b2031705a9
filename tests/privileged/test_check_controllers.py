"""`check` where a learning controller is asked: sound networks are called sound, broken ones broken."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from random import Random

import pytest
from support.command import CommandLine

from emulator.access import Echo
from emulator.engines.registry import attach

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.e2e,
    pytest.mark.skipif(
        not shutil.which("ovs-testcontroller"), reason="apt install openvswitch-testcontroller"
    ),
]
LEARNING = "name: l\nswitch: ovs\nopenflow: {controller: learning}\n"
TREE = LEARNING + "topology: {generator: tree, depth: 2, fanout: 8}\n"
SINGLE = LEARNING + "topology: {generator: single, hosts: 40}\n"
LINE = LEARNING + "topology: {generator: linear, k: 25}\n"  # our own controller: 16 switches are too many


def up(tmp_path: Path, cli: CommandLine, text: str) -> None:
    (tmp_path / "l.yaml").write_text(text)
    cli("up", "l.yaml", code=0)


@pytest.mark.parametrize(("text", "pairs"), [(TREE, 4_032), (SINGLE, 1_560), (LINE, 600)])
def test_all_pairs_of_a_sound_network_answer(
    text: str, pairs: int, tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    up(tmp_path, cli, text)
    found = json.loads(cli("check", "--json", code=0, timeout=400).stdout)
    assert (found["pairs"], found["reachable"], found["unexpected"]) == (pairs, pairs, [])
    network = attach("l")
    hosts, draw = network.topology.hosts.tolist(), Random(1)
    lost = 0
    for a, b in (draw.sample(hosts, 2) for _ in range(20)):  # it still answers, to who waits for each answer
        lost += network.access.ping([Echo(a, network.addresses(b)[0])], 3.0)[0] is None
    assert lost == 0
    log = state_dir / "l" / "controllers" / "c0.log"
    assert log.read_text().count("overflow") < 20
    cli("down", "l", code=0)


def test_what_is_broken_by_hand_is_called_broken_exactly_and_soon(tmp_path: Path, cli: CommandLine) -> None:
    up(tmp_path, cli, LEARNING + "topology: {generator: tree, depth: 2, fanout: 4}\n")
    assert cli.json("check")["unexpected"] == []
    cli("exec", "s1", "--", "ip", "link", "set", "s1-eth1", "down", code=0)  # s2 with its hosts is alone
    begin = time.monotonic()
    found = json.loads(cli("check", "--json", code=1).stdout)
    assert time.monotonic() - begin < 120
    network = attach("l")
    names, ends = network.topology.names, network.topology.ends
    s2 = names.index("s2")
    below = {names[a] for a, b in ends.tolist() if b == s2} | {names[b] for a, b in ends.tolist() if a == s2}
    cut = [(one["from"] in below) != (one["to"] in below) for one in found["unexpected"]]
    assert all(cut)
    assert (len(cut), found["reachable"]) == (2 * 4 * 12, 240 - 2 * 4 * 12)
    cli("exec", "s1", "--", "ip", "link", "set", "s1-eth1", "up", code=0)
    cli("down", "l", code=0)
