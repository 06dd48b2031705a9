"""Links below IPv6's least MTU: the kernel takes IPv6 off them, and all else works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

KEYS = ["", "forwarding: routed\n", "switch: ovs\n", "engine: mininet\n"]


def star(mtu: int, keys: str = "") -> str:
    links = ", ".join(f"[h{k}, s1, {{mtu: {mtu}}}]" for k in (1, 2, 3))
    nodes = "{h1: {}, h2: {}, h3: {}, s1: {kind: switch}}"
    return f"name: m\ntopology:\n  nodes: {nodes}\n  links: [{links}]\n{keys}"


def seen(cli: CommandLine) -> tuple[int, list[str]]:
    """Return h1's MTU and the families of its addresses, by iproute2."""
    [found] = json.loads(cli("exec", "h1", "--", "ip", "-j", "addr", "show", "h1-eth0", code=0).stdout)
    return found["mtu"], [address["family"] for address in found["addr_info"]]


@pytest.mark.parametrize(
    ("keys", "mtu"), [(KEYS[0], 68), (KEYS[0], 1279), (KEYS[1], 576), (KEYS[2], 576), (KEYS[3], 576)]
)
def test_small_mtus_carry_packets(keys: str, mtu: int, cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(star(mtu, keys))
    cli("up", "m.yaml", code=0)
    assert cli.json("check", "m")["unexpected"] == []
    assert seen(cli) == (mtu, ["inet"])
    cli("down", "m", code=0)


@pytest.mark.parametrize("keys", KEYS[::3], ids=["bridge", "mininet"])
def test_there_and_back_on_a_running_network(keys: str, cli: CommandLine, tmp_path: Path) -> None:
    for mtu in (1500, 600, 1500):
        (tmp_path / "m.yaml").write_text(star(mtu, keys))
        cli("up", "m.yaml", code=0)
        assert cli.json("check", "m")["unexpected"] == []
        assert seen(cli) == (mtu, ["inet"])  # no link-local address comes back with IPv6
    cli("down", "m", code=0)


def test_links_of_different_mtus_are_told_of_by_plan_and_by_up(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(star(1500).replace("1500", "9000", 1))
    warning = "h1 -- s1 has 9,000 bytes, h2 -- s1 has 1,500, where larger frames are lost"
    assert any(warning in words for words in cli.json("plan", "m.yaml")["warnings"])
    assert any(warning in words for words in cli.json("up", "m.yaml")["notes"])
    cli("down", "m", code=0)
