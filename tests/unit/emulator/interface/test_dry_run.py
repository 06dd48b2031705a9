"""The interface for scripts on the engine that makes nothing: names, links, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import emulator
from emulator.errors import EmulationError, UsageError
from emulator.interface.network import Network

TREE: dict[str, Any] = {
    "name": "t",
    "engine": "dry-run",
    "topology": {"generator": "tree", "depth": 2, "fanout": 2},
}
PARALLEL: dict[str, Any] = {
    "name": "p", "engine": "dry-run", "topology": {
        "nodes": {"a": {"kind": "router"}, "b": {"kind": "router"}},
        "links": [["a", "b"], ["b", "a", {"bandwidth": "1 Mbit", "forward": {"bandwidth": "2 Mbit"}}]],
    },
}  # fmt: skip


@pytest.fixture
def tree(state_dir: Path) -> Network:
    return emulator.up(TREE)


def test_nodes_by_name_and_pattern(tree: Network) -> None:
    assert [node.name for node in tree.nodes("h*")] == ["h1", "h2", "h3", "h4"]
    assert [node.name for node in tree] == list(tree.topology.names)
    assert len(tree) == 7
    assert "h4" in tree
    assert "h5" not in tree
    h1 = tree["h1"]
    assert (h1.kind, h1.addresses, h1.address) == ("host", ["10.0.0.1"], "10.0.0.1")
    ((name, mac, addresses, peer, up),) = ((i.name, i.mac, i.addresses, i.peer, i.up) for i in h1.interfaces)
    assert (name, addresses, peer, up) == ("h1-eth0", ("10.0.0.1/8",), "s2", True)
    assert len(bytes.fromhex(mac.replace(":", ""))) == 6
    with pytest.raises(UsageError, match="s1 has no address"):
        _ = tree["s1"].address


def test_a_node_is_the_same_whoever_asked_for_it(tree: Network, state_dir: Path) -> None:
    other = emulator.up({**TREE, "name": "other"})
    assert tree["h1"] == emulator.attach("t")["h1"]
    assert len({tree["h1"], tree.nodes("h1")[0], tree["h2"], other["h1"]}) == 3
    assert tree.link("s1", "s2") == tree.link("s1", "s2") != tree.link("s2", "s1")
    assert len({tree.link("s1", "s2"), *tree.links()}) == tree.topology.link_count


def test_links_are_seen_from_the_node_named_first(state_dir: Path) -> None:
    network = emulator.up(PARALLEL)
    with pytest.raises(UsageError, match="2 links join a and b; choose one"):
        network.link("a", "b")
    link, reverse = network.link("a", "b", 1), network.link("b", "a", 1)
    assert (link.a, link.b, reverse.a) == ("a", "b", "b")
    assert (reverse.forward.bandwidth, reverse.backward.bandwidth) == (2e6, 1e6)
    assert (link.forward.bandwidth, link.backward.bandwidth) == (1e6, 2e6)
    link.set(direction="forward", bandwidth=5e6, delay="1 ms")
    assert (link.forward.bandwidth, reverse.backward.bandwidth, reverse.forward.bandwidth) == (5e6, 5e6, 2e6)
    link.set(delay=None, bandwidth="none", direction="forward")
    assert (link.forward.bandwidth, link.forward.delay) == (None, None)
    link.reset()
    assert link.forward.bandwidth == 1e6
    link.down()
    assert not reverse.is_up
    assert [one.is_up for one in network.links()] == [True, False]
    reverse.up()
    assert link.is_up


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"bandwith": 1}, "a link has no setting `bandwith`"),
        ({"bandwidth": "fast"}, "bandwidth: `fast` is not a rate"),
        ({"queue": 0}, "queue: `0` is not a number of packets"),
        ({"jitter": "1 ms"}, "jitter acts on delayed packets only; give delay too"),
        ({"direction": "up"}, "direction `up` isn't one of forward, backward, both"),
        ({"loss": 2}, "loss: "),
    ],
)
def test_wrong_settings_are_refused_and_change_nothing(
    tree: Network, settings: dict[str, Any], words: str
) -> None:
    link = tree.link("s1", "s2")
    with pytest.raises(UsageError) as found:
        link.set(**settings)
    assert words in str(found.value)
    assert emulator.attach("t").link("s1", "s2").forward == link.forward


@pytest.mark.parametrize("name", ["../t", "no-such", "", "t/../t"])
def test_only_networks_that_are_up_are_attached_to(tree: Network, name: str) -> None:
    with pytest.raises(UsageError, match="t"):
        emulator.attach(name)


def test_up_again_changes_what_differs_and_with_takes_down(tree: Network, state_dir: Path) -> None:
    with emulator.up({**TREE, "topology": {**TREE["topology"], "fanout": 3}}) as again:
        assert "h9" in emulator.attach("t")
    with pytest.raises(UsageError, match="these are: none"):
        emulator.attach("t")
    again.down()


def test_stress_of_a_dict(tree: Network, tmp_path: Path) -> None:
    scenario = {
        "name": "flaps", "limits": ["errors == 0", "operations > 1"],
        "steps": [{"action": "port-flap", "target": "host", "rate": 50, "duration": "200 ms"}],
    }  # fmt: skip
    with pytest.raises(EmulationError, match="scenario described in Python: steps"):
        tree.stress({**scenario, "steps": [{"action": "nothing"}]})
    with pytest.raises(EmulationError, match="limit"):
        tree.stress(scenario)
    result = tree.stress(
        {**scenario, "limits": ["errors == 0", "latency.p99 < 0 s"]}, seed=3, report=tmp_path / "out"
    )
    assert not result.passed
    assert [line[:6] for line in result.verdicts] == ["passed", "FAILED"]
    assert result.summary["seed"] == 3
    assert (tmp_path / "out" / "report.json").exists()
    assert tree.stress({**scenario, "limits": ["errors == 0"]}, duration="100 ms").passed


def test_a_handle_is_of_the_network_as_it_is_now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path))

    def up(hosts: int) -> Network:
        return emulator.up(
            {"name": "n", "engine": "dry-run", "topology": {"generator": "single", "hosts": hosts}}
        )

    first = up(3)
    assert (len(first), "h3" in first, len(first.links())) == (4, True, 3)
    up(2)
    assert (len(first), "h3" in first, len(first.links())) == (3, False, 2)
    assert first.check().pairs == 2
    with pytest.raises(UsageError, match="there is no node `h3`"):
        first["h3"]
    emulator.attach("n").down()
    for ask in (first.check, first.nodes, lambda: first["h1"], lambda: first.link("h1", "s1"), first.links):
        with pytest.raises(UsageError, match="no network `n` is up; `emulator up FILE` starts one"):
            ask()
    assert repr(first) == "<network n: 3 nodes, engine dry-run>"
    first.down()
