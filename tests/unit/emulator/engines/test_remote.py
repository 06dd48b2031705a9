"""The shared parts of engines on workers, over a toy program: its nodes exist in its memory only."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emulator.access import CaptureRequest, CaptureResult
from emulator.checks.reachability import check_reachability
from emulator.engine_options import engine_plan
from emulator.engines.driven.client import Driver, Step
from emulator.engines.driven.node_lines import node_lines
from emulator.engines.registry import take_down
from emulator.engines.remote.changes import additions
from emulator.engines.remote.document import document
from emulator.engines.remote.driver import paths_of
from emulator.engines.remote.engine import RemoteEngine
from emulator.engines.remote.network import RemoteNetwork
from emulator.engines.remote.placement import placed_as_running
from emulator.engines.remote.tunnels import tunnel_echoes
from emulator.errors import BrokenError, RefusedError, UnableError, UsageError
from emulator.network import LinkState
from emulator.plan import Plan
from emulator.state import NetworkState, state_root
from tests.support.remote_toy import toy_engine
from topologies.build import build
from topologies.identifiers import interface_name
from topologies.profiles import Shape
from topologies.spec.load import load_text
from topologies.topology import Kind

HEAD = f"name: far\nengine: {{name: distrinet, python: {sys.executable}, home: /, workers: [w1, w2]}}\n"
TREE = HEAD + "topology: {generator: tree, depth: 2, fanout: 2}\n"
SMALL = HEAD + "topology: {nodes: {s1: {kind: switch}, h1: {kind: host}}, links: [[h1, s1]]}"
LARGER = HEAD + (
    "topology: {nodes: {s1: {kind: switch}, h1: {kind: host}, h2: {kind: host}}, links: [[h1, s1], [h2, s1]]}"
)
OWN_IP = (
    HEAD + "topology: {nodes: {s1: {kind: switch}, h1: {kind: host, ip: 10.0.0.%d/8}}, links: [[h1, s1]]}"
)
LEARNING = HEAD + "switch: ovs\nopenflow: {controller: learning}\ntopology: {generator: single, hosts: 2}"
RING = HEAD + "topology: {generator: ring, k: 4, hosts_per_switch: 1}\n"


def plan_of(text: str) -> Plan:
    found = load_text(text)
    return engine_plan(found, build(found), "distrinet")


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """File with the names of the nodes that the toy has left somewhere."""
    path = tmp_path / "left"
    path.write_text("[]")
    return path


Made = Callable[..., RemoteEngine]


@pytest.fixture
def made(tmp_path: Path, left: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """Function that returns the toy's engine, with environment variables for its driver."""
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    engines: list[RemoteEngine] = []

    def engine(**environment: str) -> RemoteEngine:
        folder = tmp_path / f"toy{len(engines)}"
        folder.mkdir()
        engines.append(toy_engine(folder, {"TOY_LEFT": str(left), **environment})())
        return engines[-1]

    yield engine
    if NetworkState(state_root(), "far").exists:
        engines[0].take_down("far")


def looked(network: RemoteNetwork) -> dict[str, Any]:
    (found,) = network.driver.ask(("look", {}))
    return dict(found)


def kill(network: RemoteNetwork) -> None:
    os.kill(network.process.pid, signal.SIGKILL)
    os.waitpid(network.process.pid, 0)


def test_up_places_nodes_as_planned_and_down_removes_them(made: Made, left: Path) -> None:
    engine, plan = made(), plan_of(TREE)
    engine.accept(plan)
    seen: list[str] = []
    network = engine.deploy(plan, "far.yaml", lambda *told: seen.append(told[0]))
    assert {"nodes"} <= set(seen)
    names = plan.topology.names
    expected = {names[n]: plan.workers[plan.placement[n]].name for n in range(plan.topology.node_count)}
    assert network.places() == expected
    health = engine.attach("far").health()
    assert health.running
    assert health.nodes == 7
    assert sum(health.details["workers"].values()) == 7
    assert network.notes == ("toy 1 on w1, w2",)
    assert not network.deviations()
    network.down()
    assert json.loads(left.read_text()) == []
    assert not NetworkState(state_root(), "far").exists


def test_links_between_workers_lower_the_mtu_of_the_whole_network(made: Made) -> None:
    plan = plan_of(TREE)
    assert plan.cut.any()
    assert any("MTU 1,450" in words for words in plan.warnings)
    ports = looked(made().deploy(plan))["ports"]
    assert {port["mtu"] for port in ports.values()} == {1450}


def test_the_document_has_every_address_of_the_plan(made: Made) -> None:
    plan = plan_of(TREE)
    del made
    wanted = document(plan, "user")
    hosts = [node for node in wanted["nodes"] if node["kind"] == "host"]
    assert [host["ip"] for host in hosts] == [f"10.0.0.{n}/8" for n in range(1, 5)]
    assert all(len(node["dpid"]) == 16 for node in wanted["nodes"] if node["kind"] == "bridge")
    ends = [end for link in wanted["links"] for end in link["ends"]]
    assert len({end["mac"] for end in ends}) == len(ends)
    assert [link["tunnel"] for link in wanted["links"]] == plan.cut.tolist()
    assert json.loads(json.dumps(wanted)) == wanted


def test_a_network_without_links_gets_its_settings_too(made: Made) -> None:
    plan = plan_of(HEAD + "topology: {nodes: {r1: {kind: router}}}\n")
    (address,) = plan.forwarding.addresses(0)
    lines = looked(made().deploy(plan))["lines"]
    assert lines == {"r1": [f"addr replace {address.text}/32 dev lo"]}


def test_a_port_that_closes_a_loop_leaves_its_bridge_and_joins_when_another_is_cut(made: Made) -> None:
    network = made().deploy(plan_of(RING))
    blocked = looked(network)["out"]
    assert len(blocked) in {1, 2}
    ends = [end for link in document(network.plan, "user")["links"] for end in link["ends"]]
    assert sorted(end["name"] for end in ends if end["blocked"]) == blocked
    switches = (network.topology.kinds[network.topology.ends] == Kind.SWITCH).all(axis=1)
    ring = np.flatnonzero(switches & ~network.plan.blocked).tolist()
    network.set_link(ring[0], LinkState(up=False))
    found = looked(network)
    assert found["out"] == []
    assert sum(not port["up"] for port in found["ports"].values()) == 2
    network.set_link(ring[0], LinkState())
    found = looked(network)
    assert found["out"] == blocked
    assert all(port["up"] for port in found["ports"].values())


def test_a_link_that_comes_up_gives_back_what_its_ports_took_along_and_what_differs(made: Made) -> None:
    text = (
        HEAD
        + "forwarding: routed\ntopology: {generator: leaf-spine, leaves: 2, spines: 2, hosts_per_leaf: 1}\n"
    )
    network = made().deploy(plan_of(text))
    topology, whole = network.topology, network.plan
    settings = looked(network)["sysctls"]
    assert set(settings) == {n for n in topology.names if not n.startswith("h")}
    assert all("net.ipv4.ip_forward=1" in some for some in settings.values())
    hosts = topology.kinds[topology.ends] == Kind.HOST
    link = int(np.flatnonzero(~hosts.any(axis=1))[0])
    ends = zip(topology.ends[link].tolist(), topology.ports[link].tolist(), strict=True)
    ports = [interface_name(topology, node, port) for node, port in ends]
    network.set_link(link, LinkState(up=False))
    cut = network.again().plan
    network.set_link(link, LinkState())
    lines = {
        topology.names[node]: (node_lines(cut, node), node_lines(whole, node))
        for node in range(topology.node_count)
    }
    *_, sent, flushes = (lines for step, lines in looked(network)["calls"] if step == "batches")
    assert all(line.endswith(" fdb_flush") for some in flushes.values() for line in some)
    assert set(sent) >= {topology.names[node] for node in topology.ends[link].tolist()}
    for name, some in sent.items():
        old, new = lines[name]
        for line in some:
            assert line not in old or any(f" dev {port} " in f"{line} " for port in ports), (name, line)
        assert all(line in some for line in new if line not in old)


def test_a_failure_of_the_program_leaves_nothing(made: Made, left: Path) -> None:
    with pytest.raises(BrokenError, match="toy: the toy fell over"):
        made(TOY_FAILS="1").deploy(plan_of(TREE))
    assert json.loads(left.read_text()) == []
    assert not NetworkState(state_root(), "far").exists


def test_a_program_that_places_nodes_elsewhere_is_refused(made: Made) -> None:
    with pytest.raises(BrokenError, match="toy didn't follow the placement"):
        made(TOY_MOVES="1").deploy(plan_of(TREE))


def test_tunnels_that_carry_nothing_are_an_error(made: Made) -> None:
    with pytest.raises(BrokenError, match=r"tunnels? \(.*\(w1, w2\).*carr.* nothing; the toy is broken"):
        made(TOY_LOST="1").deploy(plan_of(TREE))


def test_down_after_a_killed_driver_cleans_by_a_new_one(made: Made, left: Path) -> None:
    engine = made()
    network = engine.deploy(plan_of(TREE))
    kill(network)
    assert "has ended" in engine.attach("far").health().problems[0]
    assert len(json.loads(left.read_text())) == 7
    engine.take_down("far")
    assert json.loads(left.read_text()) == []
    engine.take_down("far")


def test_down_says_what_could_not_be_removed_and_may_be_repeated(made: Made) -> None:
    engine = made(TOY_STUCK="1")
    network = engine.deploy(plan_of(TREE))
    kill(network)
    with pytest.raises(BrokenError, match="w1 doesn't answer; start it; then `emulator down far` again"):
        engine.take_down("far")
    assert NetworkState(state_root(), "far").exists
    made().take_down("far")
    assert not NetworkState(state_root(), "far").exists


def test_an_interrupted_clean_up_is_cleaned_up_again(
    made: Made, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = made()
    kill(engine.deploy(plan_of(TREE)))
    asked, ask = [], Driver.ask

    def interrupted(driver: Driver, *steps: Step, **named: Any) -> list[Any]:
        asked.append(steps[0][0])
        if len(asked) == 1:
            raise KeyboardInterrupt
        return ask(driver, *steps, **named)

    monkeypatch.setattr(Driver, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.take_down("far")
    assert engine.attach("far").driver.alive  # it has no network, so `stop` would succeed and do nothing
    engine.take_down("far")
    assert asked == ["clean", "clean"]
    assert json.loads(left.read_text()) == []


def test_a_network_of_which_nothing_was_made_names_no_nodes_to_clean(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned, ask = [], Driver.ask

    def watched(driver: Driver, *steps: Step, **named: Any) -> list[Any]:
        cleaned.extend(given["document"]["nodes"] for step, given in steps if step == "clean")
        return ask(driver, *steps, **named)

    monkeypatch.setattr(Driver, "ask", watched)
    with pytest.raises(BrokenError, match="no worker is free"):
        made().deploy(plan_of(TREE.replace("home: /", "home: /, user: nobody")))
    assert cleaned == [[]]


def test_up_of_a_larger_file_adds_and_of_another_is_refused(made: Made) -> None:
    engine = made()
    engine.deploy(plan_of(SMALL))
    again = engine.deploy(plan_of(SMALL))
    assert again.changes == ()
    grown = engine.deploy(plan_of(LARGER))
    assert grown.changes == ("added 1 node (h2)", "added 1 link")
    assert not grown.deviations()
    with pytest.raises(UsageError, match=r"can only add to it, but 1 node \(h2\) would go"):
        engine.deploy(plan_of(SMALL))


def test_deviations_are_repaired(made: Made) -> None:
    engine = made()
    network = engine.deploy(plan_of(TREE))
    network.driver.ask(("ports", {"ends": [{"node": "h1", "name": "h1-eth0"}], "up": False}))
    network.driver.ask(("batches", {"lines": {"h2": ["link set dev h2-eth0 address 02:00:00:00:00:99"]}}))
    first, second = sorted(str(found) for found in network.deviations())
    assert first == "h1-eth0 is down"
    assert second.startswith("h2: h2-eth0 MAC: expected ")
    assert second.endswith(", found 02:00:00:00:00:99")
    assert len(network.repair()) == 2
    assert not network.deviations()


def test_check_and_commands(made: Made) -> None:
    network = made().deploy(plan_of(TREE))
    result = check_reachability(network)
    assert (result.pairs, result.reachable, result.unexpected) == (12, 12, [])
    said = network.access.execute([0, 1], ["echo", "a b", "$HOME"])
    assert [each.output for each in said] == [b"a b $HOME\n"] * 2
    assert [each.node for each in said] == [network.topology.names[0], network.topology.names[1]]


def test_a_program_that_no_node_has_is_an_error_and_exit_code_127_is_not(made: Made) -> None:
    access = made().deploy(plan_of(SMALL)).access
    with pytest.raises(UnableError, match="can't run `no-such` in "):
        access.execute([0, 1], ["no-such", "a"])
    with pytest.raises(UnableError, match="can't run `no-such` in "):
        access.interact(0, ["no-such", "a"])
    assert access.interact(0, ["sh", "-c", "exit 127"]) == 127
    assert [each.code for each in access.execute([0], ["env", "sh", "-c", "exit 127"])] == [127]


def test_a_recording_comes_through_a_local_command(made: Made) -> None:
    access = made().deploy(plan_of(TREE)).access
    file = io.BytesIO()
    result = access.capture(0, CaptureRequest("h1-eth0", count=3), file)
    assert (file.getvalue(), result) == (b"pcap", CaptureResult(3, 1))
    assert access.interact(0, ["sh", "-c", "exit 7"]) == 7


def test_a_node_without_tcpdump_is_named_with_the_place_that_lacks_it(made: Made) -> None:
    network = made(TOY_NO_TCPDUMP="1").deploy(plan_of(SMALL))
    node = network.topology.names.index("h1")
    with pytest.raises(UnableError, match=r"h1 has no tcpdump; install it where .* or on the worker w"):
        network.access.capture(node, CaptureRequest("h1-eth0", count=3), io.BytesIO())


def test_a_session_brings_ports_down_and_restores_them(made: Made) -> None:
    network = made().deploy(plan_of(TREE))
    host = int(network.topology.hosts[0])
    with network.session() as session:
        session.set_port(host, 0, up=False)
        assert not looked(network)["ports"]["h1-eth0"]["up"]
        with pytest.raises(UnableError, match="can't remove links"):
            session.remove_link(0)
    assert looked(network)["ports"]["h1-eth0"]["up"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: far\ntopology: {generator: single, hosts: 2}\n", "the Python that toy is installed in"),
        (HEAD + "topology: {nodes: {a: {kind: host}, b: {kind: host}}, links: [[a, b]]}", "a -- b"),
        (HEAD + "fidelity: hollow\ntopology: {generator: single, hosts: 2}", "fidelity `hollow`"),
        (HEAD + "switch: user\ntopology: {generator: single, hosts: 2}", "no `switch: user`"),
        (LEARNING, "reach"),
        (TREE + "links: [{mtu: 1500}]\n", "tunnels carry 1,450 bytes"),
        (TREE + "nodes: [{memory: 64 MiB}]\n", "limits no nodes"),
        (TREE + "links: [{jitter: 1 ms, delay: 5 ms}]\n", "no jitter"),
    ],
)
def test_refused_before_anything_is_made(made: Made, text: str, words: str) -> None:
    with pytest.raises(RefusedError) as error:
        made().accept(plan_of(text))
    assert any(words in reason for reason in error.value.reasons), error.value.reasons


def test_one_network_at_a_time_on_a_worker(made: Made) -> None:
    engine = made()
    engine.deploy(plan_of(TREE))
    with pytest.raises(RefusedError, match=r"`far` is on 2 workers \(w1, w2\) already"):
        engine.accept(plan_of(TREE.replace("name: far", "name: other", 1)))
    with pytest.raises(RefusedError) as error:
        engine.accept(plan_of(TREE.replace("name: far", "name: other", 1).replace(", workers: [w1, w2]", "")))
    assert "has no workers" in error.value.reasons[0]
    assert len(error.value.reasons) == 1, "a worker that nobody has named isn't in use"


def test_every_tunnel_that_forwards_is_pinged_across_it() -> None:
    plan = plan_of(HEAD + "topology: {generator: linear, k: 6}\n")
    echoes = tunnel_echoes(plan)
    assert sorted(echoes) == [link for link, cut in enumerate(plan.cut) if cut]
    for link, echo in echoes.items():
        owner = next(n for n in plan.topology.hosts.tolist()
                     if any(a.text == echo.target for a in plan.forwarding.addresses(n)))  # fmt: skip
        assert plan.placement[echo.source] != plan.placement[owner], link


def test_a_shape_of_a_running_link(made: Made) -> None:
    network = made().deploy(plan_of(TREE))
    network.set_link(0, LinkState(forward=Shape(bandwidth=5e6)))
    shaped = [ends for step, ends in looked(network)["calls"] if step == "shape"]
    assert [end["shape"].get("bw") for end in shaped[-1]] == [5.0]


def test_additions_name_what_differs() -> None:
    old, new = plan_of(OWN_IP % 1), plan_of(OWN_IP % 9)
    with pytest.raises(UsageError, match=r"1 node \(h1\) would change"):
        additions(old, new)


def test_the_driver_is_ended_with_the_network(made: Made) -> None:
    engine = made()
    network = engine.deploy(plan_of(TREE))
    process = network.process
    assert paths_of(NetworkState(state_root(), "far")).socket.exists()
    engine.take_down("far")
    assert not process.alive


def test_nodes_that_run_stay_where_they_are_and_new_ones_join_their_neighbours() -> None:
    nodes = "s1: {kind: switch}, s2: {kind: switch}, h1: {kind: host}, h2: {kind: host}"
    text = HEAD + "topology: {nodes: {%s}, links: [[h1, s1], [h2, s2], [s1, s2]%s]}"
    old = plan_of(text % (nodes, ""))
    more = ", s3: {kind: switch}, h3: {kind: host}, h4: {kind: host}"
    new = plan_of(text % (nodes + more, ", [s3, s2], [h3, s3], [h4, s3]"))
    turned = replace(old, placement=1 - old.placement)
    found = placed_as_running(turned, new)
    names = new.topology.names
    where = {name: found.workers[found.placement[node]].name for node, name in enumerate(names)}
    before = {name: old.workers[1 - old.placement[node]].name for node, name in enumerate(old.topology.names)}
    assert {name: where[name] for name in before} == before
    assert {where[name] for name in ("s3", "h3", "h4")} == {where["s2"]}
    nodes_added, links_added = additions(turned, found)
    assert [names[node] for node in nodes_added] == ["s3", "h3", "h4"]
    assert len(links_added) == 3


def test_a_rollback_that_fails_keeps_the_reason(made: Made) -> None:
    with pytest.raises(BrokenError, match=r"the toy fell over; then: worker w1 doesn't answer"):
        made(TOY_FAILS="stuck", TOY_STUCK="1", TOY_NO_STOP="1").deploy(plan_of(TREE))
    made().take_down("far")


def test_a_record_that_cannot_be_read_keeps_the_network_known(made: Made) -> None:
    network = made().deploy(plan_of(TREE))
    state = NetworkState(state_root(), "far")
    text = state.record_path.read_text()
    state.record_path.write_text("{")
    with pytest.raises(
        BrokenError, match=r"workers may hold its nodes: free them by hand, then remove .*far"
    ):
        take_down("far")
    state.record_path.write_text(text)
    assert network.places()


def test_other_workers_are_no_addition() -> None:
    old = plan_of(SMALL)
    with pytest.raises(UsageError, match="its workers, or their order, would change"):
        additions(old, plan_of(LARGER.replace("[w1, w2]", "[w2, w1]")))


def test_an_addition_that_fails_at_once_leaves_the_network_as_it_was(made: Made, tmp_path: Path) -> None:
    refusing = tmp_path / "refuses"
    engine = made(TOY_REFUSES_ADDITIONS=str(refusing))
    engine.deploy(plan_of(SMALL))
    refusing.touch()
    with pytest.raises(BrokenError, match="no addition today"):
        engine.deploy(plan_of(LARGER))
    network = engine.attach("far")
    assert network.health().running
    assert network.topology.node_count == 2
    refusing.unlink()
    assert engine.deploy(plan_of(LARGER)).changes == ("added 1 node (h2)", "added 1 link")
