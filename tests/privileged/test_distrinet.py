"""The engine distrinet over a stand-in for Distrinet: our own code with its interface and its traps.

`tests/engines_real/test_distrinet.py` runs over a real one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from engines_real.laboratory import wait_until
from support.distrinet_workers import HOME, Workers, workers

from emulator.checks.reachability import check_reachability
from emulator.engine_options import engine_plan
from emulator.engines.distrinet import DistrinetEngine
from emulator.engines.remote.driver import process_of
from emulator.engines.remote.network import RemoteNetwork
from emulator.errors import BrokenError, RefusedError
from emulator.network import LinkState
from emulator.plan import Plan
from emulator.state import NetworkState, state_root
from topologies.build import build
from topologies.profiles import Shape
from topologies.spec.load import load_text

pytestmark = pytest.mark.privileged
TREE = "topology: {generator: tree, depth: 2, fanout: 2}\n"
RING = "topology: {generator: ring, k: 4, hosts_per_switch: 1}\n"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    """Two workers, and a key for them."""
    (tmp_path / "key").write_text("private")
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAA")
    (tmp_path / "workers").mkdir()
    monkeypatch.setenv("STAND_IN", str(tmp_path / "workers"))
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("EMULATOR_DISTRINET_KEY", str(tmp_path / "key"))
    with workers(tmp_path / "workers", 2) as found:
        yield found


def planned(text: str, count: int = 2, **options: str) -> Plan:
    keys = {
        "name": "distrinet", "python": sys.executable, "home": str(HOME), **options,
        "workers": [{"name": f"w{n}", "address": f"10.99.0.{n}"} for n in range(1, count + 1)],
    }  # fmt: skip
    found = load_text(f"name: d\nengine: {json.dumps(keys)}\n{text}")
    return engine_plan(found, build(found), "distrinet")


Deployed = Callable[..., RemoteNetwork]


@pytest.fixture
def deployed(lab: Workers) -> Iterator[Deployed]:
    """Deploy, and take down at the end whatever is up."""
    engine = DistrinetEngine()

    def deploy(text: str, count: int = 2, **options: str) -> RemoteNetwork:
        plan = planned(text, count, **options)
        engine.accept(plan)
        return engine.deploy(plan)

    yield deploy
    engine.take_down("d")
    for number in range(2):
        assert lab.devices(number) == {"lo", "eth0"}
        assert lab.containers(number) == set()
        assert lab.run(number, "ls /run") == ""


def said(network: RemoteNetwork, node: str, *argv: str) -> str:
    index = network.topology.names.index(node)
    (result,) = network.access.execute([index], argv, 20)
    assert result.code == 0, result.errors
    return result.output.decode()


def link_between(network: RemoteNetwork, *names: str) -> int:
    nodes = {network.topology.names.index(name) for name in names}
    return next(link for link, ends in enumerate(network.topology.ends.tolist()) if set(ends) == nodes)


def test_all_pairs_of_two_workers_reach_each_other_with_the_addresses_of_the_plan(deployed: Deployed) -> None:
    network = deployed(TREE)
    report = check_reachability(network)
    assert (report.pairs, report.reachable, report.unexpected) == (12, 12, [])
    assert list(network.deviations()) == []
    assert network.health().running
    for node, name in enumerate(network.topology.names):
        shown = said(network, name, "ip", "-br", "address")
        if name.startswith("h"):
            assert network.plan.forwarding.addresses(node)[0].text in shown
    assert network.access.execute([0], ["false"])[0].code == 1


def test_one_connection_for_each_worker_and_container(deployed: Deployed, lab: Workers) -> None:
    deployed(TREE)
    made = [words.split()[0] for words in lab.connections()]
    of_driver = made[-(2 + 7) :]
    assert sorted(set(of_driver)) == sorted(of_driver)
    assert all(words.endswith("jump") for words in lab.connections() if words.startswith("192."))


def test_words_of_commands_reach_the_node_as_they_are_and_its_output_is_clean(deployed: Deployed) -> None:
    network = deployed(TREE)
    odd = ["a  b", "$HOME", "it's", '"q"', "*", "\\", "ü;|&"]
    assert said(network, "h1", "printf", "%s\n", *odd).splitlines() == odd
    index = network.topology.names.index("h1")
    (result,) = network.access.execute([index], ["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (result.code, result.output, result.errors) == (7, b"out\n", b"err\n")
    began = time.monotonic()
    (result,) = network.access.execute([index], ["sleep", "30"], 0.5)
    assert result.code == 124
    assert time.monotonic() - began < 5


def test_rates_are_on_both_ends_of_local_links_and_of_tunnels(deployed: Deployed) -> None:
    network = deployed(TREE + "links:\n  - {match: {}, bandwidth: 5 Mbit}\n")
    topology = network.topology
    for link in range(topology.link_count):
        for node, port in zip(topology.ends[link].tolist(), topology.ports[link].tolist(), strict=True):
            name = topology.names[node]
            assert "rate 5Mbit" in said(network, name, "tc", "class", "show", "dev", f"{name}-eth{port}")


def test_a_link_goes_down_and_up_and_gets_another_rate(deployed: Deployed) -> None:
    network = deployed(TREE)
    link = link_between(network, "s1", "s2")
    network.set_link(link, LinkState(up=False))
    report = check_reachability(network)
    assert (report.reachable, report.unexpected) == (4, [])
    network.set_link(link, LinkState())
    assert check_reachability(network).reachable == 12
    shape = Shape(bandwidth=2e6)
    network.set_link(link, LinkState(forward=shape, backward=shape))
    assert "rate 2Mbit" in said(network, "s1", "tc", "class", "show", "dev", "s1-eth1")


SENT_TWICE = """
import socket
port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
port.bind(("s1-eth1", 0))
there, other = bytes.fromhex("02fe00000001"), bytes.fromhex("02fe00000002")
port.send(other + there + bytes.fromhex("88b5") + bytes(46))
for _ in range(20):
    port.send(there + other + bytes.fromhex("88b5") + bytes(986))
"""


def test_links_do_not_learn_on_which_side_a_host_is(deployed: Deployed, lab: Workers) -> None:
    """With equal-cost paths it is on both: a link that had learned one dropped what came from the other."""
    network = deployed("topology: {nodes: {s1: {kind: switch}, h1: {kind: host}}, links: [[s1, h1]]}\n")

    def received() -> int:
        (shown,) = json.loads(said(network, "h1", "ip", "-json", "-s", "link", "show", "dev", "h1-eth0"))
        return int(shown["stats64"]["rx"]["bytes"])

    before = received()
    said(network, "s1", sys.executable, "-c", SENT_TWICE)
    wait_until("frames", lambda: received() >= before + 20 * 1000, 5)


def test_loops_are_cut_before_a_switch_starts(deployed: Deployed) -> None:
    network = deployed(RING)
    assert check_reachability(network).reachable == 12
    masters = [said(network, f"s{n}", "ip", "-br", "link", "show", "master", f"s{n}") for n in range(1, 5)]
    assert sum(text.count("-eth") for text in masters) == 4 + 2 * 3


def test_a_failing_tc_is_an_error_that_names_the_node(deployed: Deployed, lab: Workers) -> None:
    probe = ["unshare", "-n", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]
    if subprocess.run(probe, check=False, capture_output=True).returncode == 0:
        pytest.skip("this kernel has netem, which is what fails here")
    network = deployed(TREE)
    link = link_between(network, "h1", "s2")
    shape = Shape(delay=0.01)
    with pytest.raises(BrokenError, match=r"h1: `tc qdisc add .* netem"):
        network.set_link(link, LinkState(forward=shape, backward=shape))


def test_nodes_are_added_to_a_running_network(deployed: Deployed) -> None:
    small = "topology: {nodes: {s1: {kind: switch}, h1: {kind: host}}, links: [[h1, s1]]}\n"
    large = (
        "topology: {nodes: {s1: {kind: switch}, h1: {kind: host}, h2: {kind: host}, h3: {kind: host}},"
        " links: [[h1, s1], [h2, s1], [h3, s1]]}\n"
    )
    deployed(small)
    network = deployed(large)
    assert network.changes
    assert check_reachability(network).reachable == 6


def test_a_failed_addition_ends_no_other_commands(deployed: Deployed, lab: Workers) -> None:
    small = "topology: {nodes: {s1: {kind: switch}, h1: {kind: host}}, links: [[h1, s1]]}\n"
    large = (
        "topology: {nodes: {s1: {kind: switch}, h1: {kind: host}, h2: {kind: host}}, "
        "links: [[h1, s1], [h2, s1]]}\n"
    )
    network = deployed(small)
    for number in range(2):
        lab.tell(number, "refuses", "h2")
    with ThreadPoolExecutor(1) as pool:
        command = ["sh", "-c", "echo begun; sleep 4; echo done"]
        running = pool.submit(network.access.execute, [network.topology.names.index("h1")], command, 30)
        time.sleep(0.3)
        with pytest.raises(BrokenError, match="no space left for h2"):
            deployed(large)
        assert running.running()
        (result,) = running.result()
    assert (result.code, result.output, result.errors) == (0, b"begun\ndone\n", b"")


def test_no_container_appears_after_the_clean_up_when_a_driver_was_killed_while_it_made_some(
    deployed: Deployed, lab: Workers
) -> None:
    seconds = 4.0
    for number in range(2):
        lab.tell(number, "slow", str(seconds))
    with ThreadPoolExecutor(1) as pool:
        up = pool.submit(deployed, TREE)
        wait_until("LXD", lambda: lab.is_making(0) and lab.is_making(1))
        began = time.monotonic()
        os.kill(process_of(NetworkState(state_root(), "d").read()).pid, signal.SIGKILL)
        with pytest.raises(BrokenError, match="has ended"):
            up.result()
    for _ in range(2):
        assert [lab.containers(number) for number in range(2)] == [set(), set()]
        time.sleep(max(0.0, began + seconds + 1 - time.monotonic()))  # each of them would be there by now


def test_what_a_killed_reservation_has_left_is_taken_over(deployed: Deployed, lab: Workers) -> None:
    lab.run(0, "mkdir /run/emulator-distrinet")
    assert deployed(TREE).health().running


def test_a_killed_driver_is_reported_and_down_removes_all(deployed: Deployed, lab: Workers) -> None:
    network = deployed(TREE)
    os.kill(network.process.pid, signal.SIGKILL)
    wait_for_end(network.process.pid)
    again = DistrinetEngine().attach("d")
    assert not again.health().running
    lab.run(0, "lxc init ubuntu others; lxc start others; ip link add theirs type bridge")
    DistrinetEngine().take_down("d")
    assert lab.containers(0) == {"others"}
    assert lab.devices(0) == {"lo", "eth0", "theirs"}
    lab.run(0, "lxc delete others; ip link del theirs")


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_worker_that_is_away_is_named_and_down_can_be_repeated(deployed: Deployed, lab: Workers) -> None:
    deployed(TREE)
    lab.take_away(1)
    with pytest.raises(BrokenError, match=r"worker w2 .*`emulator down d` again"):
        DistrinetEngine().take_down("d")
    lab.take_away(1, away=False)
    DistrinetEngine().take_down("d")
    assert lab.containers(1) == set()


def test_what_others_have_on_a_worker_is_refused_and_left_alone(lab: Workers, deployed: Deployed) -> None:
    lab.run(1, "lxc init ubuntu s3; lxc start s3")
    with pytest.raises(BrokenError, match="worker w2 has containers called s3, which aren't ours"):
        deployed(TREE)
    assert lab.containers(1) == {"s3"}
    assert lab.containers(0) == set()
    lab.run(1, "lxc delete s3; ip link add admin-br type bridge")
    with pytest.raises(RefusedError, match=r"w2 has devices of a Distrinet that isn't ours \(admin-br"):
        deployed(TREE)
    lab.run(1, "ip link del admin-br; cd /run; mkdir emulator-distrinet")
    lab.run(1, "echo other > /run/emulator-distrinet/network")
    with pytest.raises(RefusedError, match="worker w2 has the network other"):
        deployed(TREE)
    lab.run(1, "rm -r /run/emulator-distrinet")


def test_a_network_of_the_same_name_from_elsewhere_is_left_alone(
    lab: Workers, deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = deployed(TREE)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("EMULATOR_STATE_DIR", str(tmp_path / "elsewhere"))
        with pytest.raises(RefusedError, match="worker w1 has the network d-"):
            deployed(TREE)
        with pytest.raises(BrokenError, match="worker w1 has the network d-"):
            DistrinetEngine().deploy(planned(TREE))
    assert len(lab.containers(0) | lab.containers(1)) == network.topology.node_count
    assert check_reachability(network).reachable == 12


@pytest.mark.parametrize(("sessions", "image", "words"), [
    ("4", "ubuntu", "w1: sshd allows 4 sessions; set `MaxSessions 8`"),
    ("10", "another", "w1 has no LXD image called another"),
])  # fmt: skip
def test_the_workers_are_asked_before_anything_is_made(
    sessions: str, image: str, words: str, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN_SESSIONS", sessions)
    with pytest.raises(RefusedError, match=words):
        deployed(TREE, image=image)


def test_a_worker_that_cannot_be_reached_is_named(deployed: Deployed, lab: Workers) -> None:
    lab.take_away(1)
    with pytest.raises(RefusedError, match=r"worker w2 .*can't be reached by SSH"):
        deployed(TREE)
    lab.take_away(1, away=False)


def test_the_user_report_50_pods_of_a_mininet_file(deployed: Deployed, tmp_path: Path) -> None:
    (tmp_path / "pods.py").write_text(
        "from mininet.topo import Topo\n"
        "class PodTopo(Topo):\n"
        "    def build(self):\n"
        "        ss1, cs1 = self.addSwitch('ss1'), self.addSwitch('cs1')\n"
        "        self.addLink(self.addHost('sh1'), ss1)\n"
        "        self.addLink(self.addHost('ch11'), cs1)\n"
        "        self.addLink(ss1, cs1)\n"
        "topos = {'pods': PodTopo}\n"
    )
    for count in (1, 2):
        network = deployed(f"topology: {{mininet: {tmp_path / 'pods.py'}, topo: pods}}\n", count)
        assert check_reachability(network).reachable == 2
        network.down()
