"""`up` of a running network changes only what differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.command import CommandLine

from emulator.engines.netns import NetnsEngine, transition
from emulator.errors import BrokenError
from emulator.linux.nodes.converge import converge
from emulator.plan import make_plan
from topologies.build import build
from topologies.spec.load import load

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

BASE = """\
name: c
topology:
  nodes: {h1: {ip: 10.0.0.1/24}, h2: {}, h3: {}, s1: {kind: switch}, s2: {kind: switch}, s3: {kind: switch}}
  links: [[h1, s1], [h2, s2], [h3, s3], [s1, s2], [s2, s3], [s3, s1]]
addressing: {ipv4: 10.0.0.0/24}
"""


@pytest.fixture
def network(tmp_path: Path, cli: CommandLine) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(BASE)
    cli("up", "c.yaml", code=0)
    return path


def inode(cli: CommandLine, node: str) -> str:
    return cli("exec", node, "--", "readlink", "/proc/self/ns/net", code=0).stdout


def changed(cli: CommandLine, path: Path, *replacements: tuple[str, str]) -> list[str]:
    text = BASE
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    changes: list[str] = cli.json("up", "c.yaml")["changes"]
    assert cli.json("check", "c")["unexpected"] == []
    return changes


def test_nothing_differs(network: Path, cli: CommandLine) -> None:
    before = inode(cli, "h1")
    assert changed(cli, network) == []
    assert inode(cli, "h1") == before
    cli("down", "c", code=0)


def test_nodes_and_links_come_and_go(network: Path, cli: CommandLine) -> None:
    before = inode(cli, "s1")
    added = changed(cli, network, ("h3: {}", "h3: {}, h4: {}"), ("[s3, s1]", "[s3, s1], [h4, s1]"))
    assert added[:2] == ["added 1 node: h4", "added 1 link"]
    assert cli("exec", "h4", "--", "ping", "-c1", "h1", code=0)
    removed = changed(cli, network)
    assert removed[:2] == ["removed 1 node: h4", "removed 1 link"]
    assert inode(cli, "s1") == before
    cli("down", "c", code=0)


def test_an_address_changes_in_place(network: Path, cli: CommandLine) -> None:
    before = inode(cli, "h1")
    assert changed(cli, network, ("10.0.0.1/24", "10.0.0.77/24"))[0].startswith("changed settings")
    assert inode(cli, "h1") == before
    words = cli("exec", "h1", "--", "ip", "-br", "-4", "address", "show", "h1-eth0", code=0).stdout
    assert words.split()[2:] == ["10.0.0.77/24"]
    assert "PING h1 (10.0.0.77)" in cli("exec", "h2", "--", "ping", "-n", "-c1", "h1", code=0).stdout
    cli("down", "c", code=0)


def test_a_loop_more_is_blocked_and_a_link_less_unblocks(network: Path, cli: CommandLine) -> None:
    changed(cli, network, (", [s3, s1]", ""))
    changed(cli, network)
    changed(cli, network, ("[s3, s1]", "[s3, s1], [s1, s2]"))
    changed(cli, network, ("[s1, s2], ", ""))
    cli("down", "c", code=0)


def test_a_node_of_another_kind_is_made_anew(network: Path, cli: CommandLine) -> None:
    before = inode(cli, "h1")
    changed(cli, network, ("h3: {}", "h3: {kind: switch}"))
    assert inode(cli, "h1") == before
    cli("down", "c", code=0)


def test_another_engine_does_not_take_the_network_over(network: Path, cli: CommandLine) -> None:
    assert "is up on the engine netns" in cli("up", "c.yaml", "--engine", "dry-run", code=2).stderr
    cli("down", "c", code=0)


def test_a_wrong_file_leaves_the_running_network_alone(network: Path, cli: CommandLine) -> None:
    before = inode(cli, "h1")
    network.write_text(BASE.replace("[h1, s1]", "[h1, s9]"))
    cli("up", "c.yaml", code=2)
    assert inode(cli, "h1") == before
    cli("down", "c", code=0)


def test_a_change_that_fails_is_changed_back_and_the_file_is_still_the_old_one(
    network: Path, cli: CommandLine, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = network.with_name("other.yaml")
    other.write_text(BASE.replace("h3: {}, ", "").replace("[h3, s3], ", ""))
    failed = []

    def fail_once(*words: Any, **options: Any) -> None:
        converge(*words, **options)
        if not failed:
            failed.append(words)
            raise BrokenError("no more")

    monkeypatch.setattr(transition, "converge", fail_once)
    with pytest.raises(BrokenError, match="no more"):
        NetnsEngine().deploy(make_plan(build(load(other)), "netns"), str(other))
    record = json.loads((state_dir / "c" / "record.json").read_text())
    assert (record["phase"], record["file"]) == ("up", str(network))
    assert cli.json("check", "c")["reachable"] == 6
    cli("down", "c", code=0)


@pytest.mark.parametrize("keys", ["", "engine: mininet\n"], ids=["netns", "mininet"])
def test_limits_and_macs_that_change_are_named(keys: str, cli: CommandLine, tmp_path: Path) -> None:
    def up(nodes: str) -> list[str]:
        text = (
            f"name: c\ntopology:\n  nodes: {{{nodes}, s1: {{kind: switch}}}}\n  links: [[h1, s1], [h2, s1]]\n"
        )
        (tmp_path / "c.yaml").write_text(text + keys)
        changes: list[str] | None = cli.json("up", "c.yaml")["changes"]
        return changes or []

    def mac() -> str:
        [found] = json.loads(cli("exec", "h1", "--", "ip", "-j", "link", "show", "h1-eth0", code=0).stdout)
        return str(found["address"])

    up("h1: {cpu: 0.5}, h2: {}")
    before = mac()
    assert up("h1: {cpu: 0.2}, h2: {}") == ["h1: cpu 0.5 → 0.2"]
    assert mac() == before
    assert f"h1: MAC {before} → 02:00:00:02:00:00" in [
        line.split(",")[0] for line in up("h0: {}, h1: {cpu: 0.2}, h2: {}")
    ]
    assert mac() == "02:00:00:02:00:00"
    cli("down", "c", code=0)
