"""A network's life through the command line: up, status, exec, check, down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import CommandLine

import topologies

EXAMPLES = Path(topologies.__file__).parent / "examples"
pytestmark = [pytest.mark.e2e, pytest.mark.privileged]


def test_fat_tree_lives_and_goes(cli: CommandLine, state_dir: Path) -> None:
    up = cli.json("up", str(EXAMPLES / "fat-tree.yaml"))
    assert up["network"] == "fat-tree"
    assert up["engine"] == "netns"
    assert up["nodes"] == {"host": 16, "switch": 20}
    assert up["links"] == 48
    assert up["fidelity"] == {"full": 36}
    assert set(up["seconds"]) >= {"load", "plan", "deploy", "total"}
    assert up["seconds"]["total"] >= up["seconds"]["deploy"] > 0

    (status,) = cli.json("status")["networks"]
    assert (status["network"], status["running"], status["fidelity"]) == ("fat-tree", True, {"full": 36})

    check = cli.json("check")
    assert (check["pairs"], check["reachable"], check["unexpected"]) == (240, 240, [])

    assert cli.json("down", "fat-tree")["down"] == ["fat-tree"]
    assert cli.json("status") == {"networks": []}
    assert not state_dir.exists()


def test_exec_passes_output_and_exit_code_through(cli: CommandLine) -> None:
    cli("up", str(EXAMPLES / "linear.yaml"), code=0)
    assert "1 received" in cli("exec", "h1", "--", "ping", "-c1", "-W2", "h6", code=0).stdout
    assert cli("exec", "h1", "--", "sh", "-c", "echo out; echo err >&2; exit 7").returncode == 7
    many = cli("exec", "h*", "--", "echo", "here", code=0)
    assert sorted(many.stdout.split("\n")) == ["", *(f"h{n}: here" for n in range(1, 7))]
    cli("down", "linear", code=0)


def test_a_thousand_hosts(cli: CommandLine) -> None:
    up = cli.json("up", str(EXAMPLES / "tree-1024.yaml"))
    assert up["nodes"] == {"host": 1024, "switch": 33}
    check = cli.json("check", "--sample", "1000")
    assert (check["pairs"], check["unexpected"]) == (1000, [])
    cli("down", "tree-1024", code=0)


def test_down_twice_and_of_nothing_is_fine(cli: CommandLine) -> None:
    cli("up", str(EXAMPLES / "linear.yaml"), code=0)
    for _ in range(2):
        cli("down", "linear", code=0)
    cli("down", "--all", code=0)


def test_two_networks_side_by_side(cli: CommandLine, tmp_path: Path) -> None:
    for name in ("east", "west"):
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\ntopology: {{generator: linear, k: 2}}\n")
        cli("up", f"{name}.yaml", code=0)
    assert "; name one" in cli("check", code=2).stderr
    cli("down", "east", code=0)
    assert cli.json("check", "west")["unexpected"] == []
    cli("down", "--all", code=0)


def test_a_line_in_the_shell_knows_names(cli: CommandLine) -> None:
    cli("up", str(EXAMPLES / "linear.yaml"), code=0)
    said = cli("shell", stdin="h1 ping -c1 -W2 h2\n", code=0)
    assert "1 received" in said.stdout
    cli("down", "linear", code=0)


def test_json_is_one_line_of_standard_output(cli: CommandLine) -> None:
    done = cli("up", str(EXAMPLES / "linear.yaml"), "--json", code=0)
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["network"] == "linear"
    assert "linear is up" in done.stderr
    cli("down", "linear", code=0)
