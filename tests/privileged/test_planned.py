"""What `plan` says of a file is what `up` does on the kernel."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import CommandLine

import topologies

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

EXAMPLES = Path(topologies.__file__).parent / "examples"
NAMED_LIKE_A_PORT = """\
name: n
topology:
  nodes: {h1: {}, h2: {}, s1: {kind: switch}, s1-eth1: {kind: switch}}
  links: [[s1, h1], [s1, s1-eth1], [s1-eth1, h2]]
"""


@pytest.mark.parametrize("example", ["fat-tree", "fat-tree-ecmp", "ring", "routed-torus"])
def test_blocked_links_are_counted_alike(example: str, cli: CommandLine) -> None:
    file = str(EXAMPLES / f"{example}.yaml")
    planned = cli.json("plan", file)
    up = cli.json("up", file)
    cli("down", up["network"], code=0)
    assert up["blocked"] == planned["forwarding"]["blocked"]


def test_bridges_may_be_named_like_a_port_of_another(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text(NAMED_LIKE_A_PORT)
    cli("up", "n.yaml", code=0)
    assert cli.json("check", "n")["unexpected"] == []
    cli("down", "n", code=0)


@pytest.mark.parametrize("keys", ["switch: ovs\n", "engine: mininet\n", "engine: mininet\nswitch: ovs\n"])
def test_where_switches_share_a_namespace_the_name_is_refused_by_plan_and_by_up(
    keys: str, cli: CommandLine, tmp_path: Path, state_dir: Path
) -> None:
    (tmp_path / "n.yaml").write_text(NAMED_LIKE_A_PORT + keys)
    reason = "s1-eth1: a port of the switch s1 has that name too"
    assert any(reason in words for words in cli.json("plan", "n.yaml", code=3)["refusals"])
    assert reason in cli("up", "n.yaml", code=3).stderr
    assert not state_dir.exists()
