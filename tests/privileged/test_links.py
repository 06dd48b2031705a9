"""Links of a running network are cut, restored and reshaped, and everything else goes around."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.command import CommandLine

from emulator.engines.registry import attach
from emulator.network import LinkState
from topologies.identifiers import interface_name
from topologies.profiles import Shape

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]
needs_mininet = pytest.param(
    "mininet",
    marks=pytest.mark.skipif(
        not (shutil.which("mn") and shutil.which("brctl")), reason="apt install mininet bridge-utils"
    ),
)

FAT_TREE = "name: f\ntopology: {generator: fat-tree, k: 4}\n"
PARALLEL = """\
name: p
topology:
  nodes: {h1: {}, h2: {}, s1: {kind: switch}, s2: {kind: switch}}
  links: [[h1, s1], [h2, s2], [s1, s2, {bandwidth: 100 Mbit}], [s1, s2]]
"""
ROUTED = """\
name: r
topology:
  nodes: {h1: {}, h2: {}, r1: {kind: router}, r2: {kind: router}, r3: {kind: router}}
  links: [[h1, r1], [h2, r2], [r1, r2], [r2, r3], [r3, r1]]
"""


def start(tmp_path: Path, cli: CommandLine, text: str) -> None:
    (tmp_path / "net.yaml").write_text(text)
    cli("up", "net.yaml", code=0)


def checked(cli: CommandLine) -> tuple[int, int]:
    """Return pairs and reachable pairs of a network that is as the graph says."""
    found = cli.json("check")
    assert found["unexpected"] == []
    return found["pairs"], found["reachable"]


def test_a_fabric_survives_cuts_and_comes_back(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, FAT_TREE)
    for a, b in (("e1", "a1"), ("a2", "c3"), ("c1", "a3")):
        assert cli.json("link", a, b, "down")["changed"] is True
        assert checked(cli) == (240, 240)
    cli("link", "e1", "a2", "down", code=0)  # the last way out of the rack of h1 and h2
    assert checked(cli) == (240, 2 + 14 * 13)
    cli("link", "a2", "e1", "up", code=0)
    assert checked(cli) == (240, 240)
    cli("link", "h5", "e3", "down", code=0)
    assert checked(cli) == (240, 15 * 14)
    for a, b in (("e1", "a1"), ("a2", "c3"), ("a3", "c1"), ("h5", "e3")):
        cli("link", a, b, "up", code=0)
    assert checked(cli) == (240, 240)
    cli("down", "f", code=0)


def test_up_puts_changed_links_back(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, FAT_TREE)
    cli("link", "e1", "a1", "down", code=0)
    cli("link", "e1", "a2", "down", code=0)
    changes = cli.json("up", "net.yaml")["changes"]
    assert [words for words in changes if "e1" in words] != []
    assert checked(cli) == (240, 240)
    assert cli.json("link", "e1", "a1", "show")["as_file"] is True
    cli("down", "f", code=0)


def test_routes_go_around_a_link_that_is_down(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, ROUTED)
    assert checked(cli) == (2, 2)
    cli("link", "r1", "r2", "down", code=0)
    assert checked(cli) == (2, 2)
    cli("link", "r1", "r3", "down", code=0)
    assert checked(cli) == (2, 0)
    cli("link", "r1", "r2", "up", code=0)
    assert checked(cli) == (2, 2)
    cli("link", "h1", "r1", "down", code=0)
    assert checked(cli) == (2, 0)
    cli("link", "h1", "r1", "up", code=0)
    cli("link", "r1", "r3", "up", code=0)
    assert checked(cli) == (2, 2)
    cli("down", "r", code=0)


def test_nothing_to_change_changes_nothing(tmp_path: Path, cli: CommandLine, state_dir: Path) -> None:
    start(tmp_path, cli, PARALLEL)
    record = state_dir / "p" / "record.json"
    before = record.read_bytes()
    assert cli.json("link", "h1", "s1", "up")["changed"] is False
    assert cli.json("link", "s1", "s2", "set", "--index", "0", "--bandwidth", "100Mbit")["changed"] is False
    assert record.read_bytes() == before
    cli("down", "p", code=0)


def test_parallel_links_are_told_apart(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, PARALLEL)
    refused = cli("link", "s1", "s2", "down", code=2)
    assert "--index 0 to 1" in refused.stderr
    cli("link", "s1", "s2", "down", "--index", "0", code=0)
    assert checked(cli) == (2, 2)
    cli("link", "s1", "s2", "down", "--index", "1", code=0)
    assert checked(cli) == (2, 0)
    assert cli.json("link", "s2", "s1", "show", "--index", "0")["backward"] == {"bandwidth": 1e8}
    cli("down", "p", code=0)


def test_a_change_that_was_killed_is_finished_by_the_next(
    tmp_path: Path, cli: CommandLine, state_dir: Path
) -> None:
    """Written down but not carried out: what a `kill -9` between the two leaves."""
    start(tmp_path, cli, FAT_TREE)
    path = state_dir / "f" / "record.json"
    record = json.loads(path.read_text())
    record["links"] = {"16": {"up": False, "forward": None, "backward": None}}  # e1 -- a1
    record["options"]["links_before"] = {}
    path.write_text(json.dumps(record))
    assert cli.json("link", "e1", "a2", "down")["changed"] is True
    assert checked(cli) == (240, 2 + 14 * 13)
    cli("link", "e1", "a1", "up", code=0)
    assert checked(cli) == (240, 240)
    cli("down", "f", code=0)


def test_what_can_not_be_is_refused_before_anything_is_changed(tmp_path: Path, cli: CommandLine) -> None:
    start(tmp_path, cli, PARALLEL)
    assert "is linked to" in cli("link", "h1", "h2", "down", code=2).stderr
    assert "a share must be from" in cli("link", "h1", "s1", "set", "--loss", "200%", code=2).stderr
    assert "give --delay" in cli("link", "h1", "s1", "set", "--jitter", "1ms", code=2).stderr
    assert cli.json("link", "h1", "s1", "show")["as_file"] is True
    cli("down", "p", code=0)


@pytest.mark.parametrize("engine", ["netns", needs_mininet])
@pytest.mark.parametrize("forwarding", ["bridged", "routed"])
def test_what_a_session_gives_back_leaves_cut_links_down(
    forwarding: str, engine: str, tmp_path: Path, cli: CommandLine
) -> None:
    text = f"name: n\nengine: {engine}\nforwarding: {forwarding}\ntopology: {{generator: ring, k: 3}}\n"
    start(tmp_path, cli, text)
    network = attach("n")
    names, topology = network.topology.names, network.topology
    s1, s2 = names.index("s1"), names.index("s2")
    between = topology.ends.tolist().index([s1, s2])
    ports = dict(zip(topology.ends[between].tolist(), topology.ports[between].tolist(), strict=True))

    def assert_down() -> None:
        for node, port in ports.items():
            name = interface_name(topology, node, port)
            shown = network.access.execute([node], ["cat", f"/sys/class/net/{name}/flags"])[0].output
            assert not int(shown, 16) & 1, name

    with network.session() as session:
        network.set_link(between, LinkState(up=False))
        assert_down()
        session.remove_node(s1)
        session.add_node(s1)
        assert_down()
        session.remove_link(between)
        session.add_link(between)
        assert_down()
        session.set_port(s2, ports[s2], up=False)
        session.set_port(s2, ports[s2], up=True)
        assert_down()
    assert checked(cli) == (6, 6)
    network.set_link(between, LinkState())
    assert checked(cli) == (6, 6)
    cli("down", "n", code=0)


def rates(name: str) -> str:
    """Return what h1 may send: the lines of its queues."""
    net = attach(name)
    h1 = [list(net.topology.names).index("h1")]
    shown = (
        net.access.execute(h1, ["tc", what, "show", "dev", "h1-eth0"])[0].output
        for what in ("qdisc", "class")
    )
    return "".join(output.decode() for output in shown)


@pytest.mark.parametrize("engine", ["netns", needs_mininet])
def test_a_link_that_is_made_again_has_the_shape_that_it_was_given_live(
    tmp_path: Path, cli: CommandLine, engine: str
) -> None:
    start(tmp_path, cli, f"name: l\nengine: {engine}\ntopology: {{generator: linear, k: 2}}\n")
    net = attach("l")
    h1, s1 = (list(net.topology.names).index(name) for name in ("h1", "s1"))
    (own,) = {end.link for end in net.topology.incident(h1)}
    other = next(link for link in range(net.topology.link_count) if link != own)
    slow = LinkState(forward=Shape(bandwidth=5e6), backward=Shape(bandwidth=5e6))
    net.set_link(own, slow)
    with net.session() as session:
        session.remove_link(own)
        session.add_link(own)
        assert "5Mbit" in rates("l")
        session.remove_node(h1)
        session.add_node(h1)
        assert "5Mbit" in rates("l")
        session.remove_node(s1)
        net.set_link(own, LinkState(forward=Shape(bandwidth=7e6), backward=Shape(bandwidth=7e6)))
        net.set_link(other, slow)  # what can't be done for the one doesn't keep the other from changing
        session.add_node(s1)
        assert "7Mbit" in rates("l")
    net.access.execute([h1], ["ip", "link", "delete", "h1-eth0"])
    assert attach("l").repair() == ["link s1 -- h1 is missing"]
    assert "7Mbit" in rates("l")
    attach("l").set_link(own, LinkState())
    assert "Mbit" not in rates("l")
    cli("down", "l", code=0)
