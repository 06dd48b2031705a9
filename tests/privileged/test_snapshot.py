"""What is given back is whole: the kernel is as it was before, read by programs that aren't ours.

Every action of the stress runner, on every way of forwarding, is a row of its own; so is every verb of
`link` with its undoing, every run and every command that is killed, every change of a file and back.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support.command import CommandLine
from support.kernel_snapshot import Snapshot, difference_within, settled
from support.lanes import is_alone
from support.leaks import Watch

from emulator.access import Echo
from emulator.engines.mininet.engine import MininetEngine
from emulator.engines.netns import NetnsEngine
from emulator.network import LinkState, Network
from emulator.plan import make_plan
from stress.actions.registry import ACTIONS
from stress.runner import run
from stress.scenario.load import load_text
from stress.schedule import planned
from stress.vpc_members import vpc_numbers
from topologies.build import build
from topologies.profiles import Shape
from topologies.spec.load import load_text as load_topology

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))

FABRIC = "topology: {generator: leaf-spine, spines: 2, leaves: 2, hosts_per_leaf: 2}\n"
RING = "topology: {generator: ring, k: 3, hosts_per_switch: 1}\n"
WITH = {
    "static-arp": "addressing: {static_arp: true}\n",
    "shaped": "links:\n  - {match: {}, bandwidth: 100 Mbit, mtu: 1400}\n",
}
_EVERYTHING = "addressing: {ipv6: 'fd00:1::/48', static_arp: true}\n" + WITH["shaped"]
NETWORKS = {
    "bridged": FABRIC,
    "bridged-everything": FABRIC + _EVERYTHING,
    "routed": FABRIC + "forwarding: routed\n",
    "routed-everything": FABRIC + "forwarding: routed\n" + _EVERYTHING,
    "ovs": RING + "switch: ovs\n",
    "ovs-everything": RING + "switch: ovs\n" + _EVERYTHING,
    "ovs-learning": RING + "switch: ovs\nopenflow: {controller: learning}\n",
    "ovs-ecmp": FABRIC + "switch: ovs\nopenflow: {flows: ecmp}\n",
    "vpc": "topology: {generator: vpc, vpcs: 2, ports: 4, hosts: 2}\nforwarding: routed\n",
    "vpc-devices": "topology: {generator: vpc, vpcs: 2, ports: 4, hosts: 2, device: true}\n",
    "mininet": RING + "engine: mininet\n",
    "mininet-routed": FABRIC + "engine: mininet\nforwarding: routed\n" + _EVERYTHING,
    "mininet-ovs": RING + "engine: mininet\nswitch: ovs\n" + WITH["shaped"],
    "mininet-learning": RING + "engine: mininet\nswitch: ovs\nopenflow: {controller: learning}\n",
}
"""The file of each network but its name."""

_PACE = "rate: 50, duration: 300 ms"
_SLOW = "rate: 15, duration: 500 ms"
_SHORT = "rate: 40, duration: 100 ms"
_SIDE = "target: {name: '*1'}"
ROWS: dict[str, dict[str, str]] = {
    "port-flap": {
        "hosts": f"target: host, down: 30 ms, {_PACE}",
        "all": f"target: '*', down: 60 ms, {_PACE}",
    },
    "port-churn": {
        "hosts": f"target: host, away: 50 ms, {_PACE}",
        "switches": f"target: {{between: [switch, switch]}}, away: 150 ms, {_SLOW}",
    },
    "node-churn": {"hosts": f"target: host, away: 50 ms, {_SLOW}"},
    "switch-restart": {"switches": f"target: '*', down: 150 ms, {_SLOW}"},
    "controller-restart": {"all": "rate: 2, down: 100 ms, duration: 300 ms"},
    "link-flap": {
        "silent": f"target: '*', reroute: false, down: 60 ms, {_SLOW}",
        "told": f"target: '*', reroute: true, down: 60 ms, {_SLOW}",
    },
    "link-impair": {"all": f"target: '*', shape: {{bandwidth: 10 Mbit}}, impaired: 60 ms, {_SLOW}"},
    "partition": {
        "silent": f"{_SIDE}, cut: 200 ms, duration: 400 ms",
        "told": f"{_SIDE}, reroute: true, cut: 200 ms, duration: 400 ms",
    },
    "rolling": {
        "restarted": f"{_SIDE}, down: 100 ms, pause: 0 s, duration: 500 ms",
        "cut": f"{_SIDE}, how: cut, down: 100 ms, pause: 0 s, duration: 500 ms",
        "told": f"{_SIDE}, how: reroute, down: 100 ms, pause: 0 s, duration: 500 ms",
    },
    "process": {"hosts": f"target: host, command: ['true'], {_SHORT}"},
    "traffic": {"hosts": "flows: 2, protocol: udp, bandwidth: 1 Mbit, duration: 300 ms"},
    "arp-storm": {"hosts": f"target: host, {_SHORT}"},
    "mac-move": {"hosts": f"target: host, away: 50 ms, {_SLOW}"},
    "migration": {"ports": f"away: 50 ms, {_PACE}"},
    "vpc-churn": {"vpcs": f"away: 50 ms, {_SLOW}"},
    "vpc-growth": {"ports": "target: v1, ports: 1, interval: 50 ms, duration: 300 ms"},
    "ramp": {"networks": "hosts: 2, most: 2, interval: 300 ms, duration: 300 ms"},
}
"""The keys of a step for each action, by what it is done to: each is a row of each network."""
_NEED_CONTROLLERS = {"controller-restart"}
_NEED_LIGHT_PORTS = {"migration", "vpc-churn", "vpc-growth"}


@dataclass
class Case:
    """A network that runs, and what the kernel had of it when it was made."""

    name: str
    network: Network
    state: Path
    before: Snapshot
    spoilt: bool = False

    def assert_whole(self) -> None:
        """Fail unless the kernel is as before and hosts answer; then the network is made anew."""
        self.spoilt = True
        assert not (found := difference_within(self.before, self.state, self.name)), "\n".join(found)
        topology = self.network.topology
        vpc, echoes = vpc_numbers(topology)[topology.hosts], []
        for number in np.unique(vpc):
            hosts = topology.hosts[vpc == number].tolist()
            pairs = zip(hosts, hosts[1:] + hosts[:1], strict=True)
            echoes += [Echo(a, self.network.addresses(b)[0]) for a, b in pairs]
        deadline = time.monotonic() + 5
        while None in (answers := self.network.access.ping(echoes, 1.0)):
            assert time.monotonic() < deadline, answers
        self.spoilt = False


def deploy(name: str, extra: str = "") -> Network:
    """Bring up a network of `NETWORKS`, or change it when it is up."""
    text = f"name: {name}\n{extra or NETWORKS[name]}"
    document = load_topology(text)
    plan = make_plan(build(document), "mininet" if name.startswith("mininet") else "netns")
    return (MininetEngine() if plan.engine == "mininet" else NetnsEngine()).deploy(plan)


def made(name: str, state: Path) -> Case:
    return Case(name, deploy(name), state, settled(state, name))


@pytest.fixture(autouse=True)
def leak_check() -> None:
    """Say that networks outlive a row here: `running` looks at what is left when the last one is done."""


@pytest.fixture(scope="module", params=list(NETWORKS))
def running(request: pytest.FixtureRequest) -> Iterator[list[Case]]:
    """The network of a row; a row that spoils it has the next one make it anew."""
    if request.param.startswith("mininet") and shutil.which("mnexec", path=_PATH) is None:
        pytest.skip("needs Debian's mininet")
    if ("ovs" in request.param or "learning" in request.param) and (
        shutil.which("ovs-vswitchd", path=_PATH) is None
    ):
        pytest.skip("needs Debian's openvswitch-switch")
    home = Path(tempfile.mkdtemp(prefix="emulator-test-", dir="/run"))
    state = home / "state"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMULATOR_STATE_DIR", str(state))
        watch = Watch(state, alone=is_alone(request.node))
        before = watch.look()
        cases = [made(request.param, state)]
        try:
            yield cases
        finally:
            cases[0].network.down()
        found = watch.leaks(before)
    assert not found, "left behind:\n" + "\n".join(found)
    home.rmdir()


@pytest.fixture
def state_dir(running: list[Case]) -> Path:
    """The state directory that all rows of a network share."""
    return running[0].state


@pytest.fixture
def case(running: list[Case]) -> Case:
    """The network of this row, whole."""
    if running[0].spoilt:
        running[0].network.down()
        running[0] = made(running[0].name, running[0].state)
    return running[0]


class Grows:
    """What a ramp brings its networks up with."""

    def grow(self, name: str, hosts: int) -> Network:
        text = f"name: {name}\ntopology: {{generator: single, hosts: {hosts}}}\n"
        return NetnsEngine().deploy(make_plan(build(load_topology(text)), "netns"))


def test_every_action_has_a_row() -> None:
    assert set(ROWS) == set(ACTIONS)


@pytest.mark.parametrize(
    ("action", "keys"),
    [pytest.param(a, keys, id=f"{a}-{to}") for a, rows in ROWS.items() for to, keys in rows.items()],
)
def test_an_action_gives_all_back(case: Case, action: str, keys: str) -> None:
    if action in _NEED_CONTROLLERS and not case.network.controllers:
        pytest.skip("has no controllers")
    if action in _NEED_LIGHT_PORTS and not case.network.topology.light.any():
        pytest.skip("has no light ports")
    scenario = load_text(f"name: row\nsteps:\n  - {{action: {action}, {keys}}}\n")
    case.spoilt = True
    schedule = planned(scenario, case.network.topology, 1, scenario.steps(None))
    record = run(scenario, schedule, case.network, seed=1, growth=Grows())
    assert {outcome.error for outcome in record.outcomes} <= {""}
    assert record.leaks.leaked == []
    case.assert_whole()


def links_of(network: Network, node: str) -> list[int]:
    return sorted({end.link for end in network.topology.incident(network.topology.names.index(node))})


SHAPED = Shape(bandwidth=5e6)
VERBS: dict[str, tuple[str, LinkState]] = {
    "down-host": ("h1", LinkState(up=False)),
    "down-all-of-a-switch": ("*1", LinkState(up=False)),
    "set": ("*1", LinkState(forward=SHAPED)),
    "set-and-down": ("*1", LinkState(up=False, forward=SHAPED, backward=SHAPED)),
}
"""Whose links are changed, and to what."""


@pytest.mark.parametrize("verb", VERBS)
def test_a_link_that_is_as_before_is_so_in_the_kernel(case: Case, verb: str) -> None:
    who, state = VERBS[verb]
    names = case.network.topology.names
    node = who if who != "*1" else next(n for n in names if n.endswith("1") and n != "h1")
    links = links_of(case.network, node)
    case.spoilt = True
    for link in links:
        case.network.set_link(link, state)
    for link in links:
        case.network.set_link(link, LinkState())
    case.assert_whole()


def _more_hosts(text: str) -> str:
    return (
        text.replace("_leaf: 2", "_leaf: 3")
        .replace("_switch: 1", "_switch: 2")
        .replace("ports: 4", "ports: 6")
    )


def _more_switches(text: str) -> str:
    more = text.replace("spines: 2", "spines: 3").replace("k: 3", "k: 4")
    return more.replace(", hosts: 2", ", hosts: 5")


def _shaped(text: str) -> str:
    if "Mbit" in text:
        return text.replace("100 Mbit", "50 Mbit")
    return text + (
        WITH["shaped"] if "vpc" not in text else WITH["shaped"].replace("{}", "{between: [leaf, spine]}")
    )


def _static_arp(text: str) -> str:
    if "static_arp: true" in text:
        return text.replace("static_arp: true", "static_arp: false")
    if "addressing: {" in text:
        return text.replace("addressing: {", "addressing: {static_arp: true, ")
    return text + WITH["static-arp"]


CHANGES = {"hosts": _more_hosts, "switches": _more_switches, "shape": _shaped, "static-arp": _static_arp}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_is_as_before_is_so_in_the_kernel(case: Case, change: str) -> None:
    text = NETWORKS[case.name]
    changed = CHANGES[change](text)
    assert changed != text
    case.spoilt = True
    assert deploy(case.name, changed).changes
    assert deploy(case.name).changes
    case.assert_whole()


_SHARES = (0.35, 0.6, 0.85)
"""How far a command is when it is killed."""


def _is_asked(number: int, name: str, share: float) -> bool:
    """Return whether a network has a row for a share: all where most can go wrong, else one."""
    return name.endswith("learning") or share == _SHARES[number % len(_SHARES)]


SHAKE = """\
name: shake
steps:
  - parallel:
    - {action: port-flap, target: host, rate: 50, down: 500 ms, duration: 60 s}
    - {action: port-churn, target: '*', rate: 5, away: 300 ms, duration: 60 s}
    - {action: switch-restart, rate: 3, down: 300 ms, duration: 60 s}
    - {action: node-churn, target: host, rate: 3, away: 300 ms, duration: 60 s}
    - {action: link-impair, target: '*', rate: 3, shape: {bandwidth: 1 Mbit}, impaired: 0.3 s, duration: 60 s}
"""


def begun(*words: str) -> subprocess.Popen[bytes]:
    """Start a command as a user would, to be killed."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "emulator", *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def killed(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    assert process.stderr is not None
    process.stderr.close()
    process.wait()


def test_a_killed_run_is_recovered(case: Case, cli: CommandLine) -> None:
    (cli.folder / "shake.yaml").write_text(SHAKE)
    case.spoilt = True
    shaking = begun("stress", str(cli.folder / "shake.yaml"), "--net", case.name)
    journal = case.state / case.name / "stress.json"
    deadline = time.monotonic() + 20
    while not journal.exists() and time.monotonic() < deadline:
        assert shaking.poll() is None
        time.sleep(0.01)
    time.sleep(0.7)
    killed(shaking)
    cli("stress", "--recover", "--net", case.name, code=0)
    case.assert_whole()


@pytest.mark.parametrize(
    ("running", "share"),
    [(name, share) for k, name in enumerate(NETWORKS) for share in _SHARES if _is_asked(k, name, share)],
    indirect=["running"],
)
def test_a_killed_link_is_undone(case: Case, cli: CommandLine, share: float) -> None:
    a, b = (case.network.topology.names[n] for n in case.network.topology.ends[-1].tolist())
    case.spoilt = True
    began = time.monotonic()
    cli("link", a, b, "down", "--net", case.name, code=0)
    took = time.monotonic() - began
    cli("link", a, b, "up", "--net", case.name, code=0)
    cutting = begun("link", a, b, "down", "--net", case.name)
    time.sleep(took * share)
    killed(cutting)
    cli("link", a, b, "up", "--net", case.name, code=0)
    case.assert_whole()


KILLED_AT = """\
import os, signal, sys
from emulator.controllers.supervisor import ControllerProcesses
ControllerProcesses.start = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from emulator.cli.main import run
run(sys.argv[1:])
"""
"""The command line, killed at the moment when the controllers are stopped to forget what they learned."""


@pytest.mark.parametrize("running", ["ovs-learning", "mininet-learning"], indirect=True)
def test_a_command_killed_while_controllers_start_again_leaves_it_to_the_next(
    case: Case, cli: CommandLine
) -> None:
    case.spoilt = True
    words = ("link", "s1", "s2", "down", "--net", case.name)
    cutting = subprocess.run(
        [sys.executable, "-P", "-c", KILLED_AT, *words], check=False, capture_output=True
    )
    assert cutting.returncode == -signal.SIGKILL
    assert "controller c0 (learning) has ended" in cli("status", case.name, code=1).stdout
    cli("link", "s1", "s2", "up", "--net", case.name, code=0)
    case.assert_whole()


@pytest.mark.parametrize("running", ["ovs-learning", "mininet-learning"], indirect=True)
def test_a_link_is_not_changed_where_the_controller_is_dead(case: Case, cli: CommandLine) -> None:
    case.spoilt = True
    pid = json.loads((case.state / case.name / "controllers" / "c0.pid").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    for word in (("down",), ("set", "--bandwidth", "1Mbit")):
        said = cli("link", "s1", "s2", *word, "--net", case.name, code=1)
        assert "controller c0 (learning) has ended; `emulator up FILE` starts it again" in said.stderr
    assert case.network.link_changes == {}
