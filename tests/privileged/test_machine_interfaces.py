"""Interfaces of the machine, which is a namespace, given to nodes and given back as they were."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.stand_in_machine import Machine, stand_in

pytestmark = [pytest.mark.privileged]

ON_SWITCH = """\
name: lan
addressing: {ipv4: 192.0.2.0/24}
topology:
  nodes: {s1: {kind: switch, machine_interfaces: eth1}, h1: {}}
  links: [[h1, s1]]
"""
IN_HOST = """\
name: lan
topology:
  nodes: {s1: {kind: switch}, h1: {machine_interfaces: {name: eth1, addresses: 192.0.2.1/24}}, h2: {}}
  links: [[h1, s1], [h2, s1]]
"""
WITH_NAT = """\
name: lan
addressing: {ipv4: 192.0.2.0/24}
topology:
  nodes: {s1: {kind: switch, machine_interfaces: eth1}, h1: {}, out: {kind: nat}}
  links: [[h1, s1], [out, s1]]
"""
NEIGHBOUR = "192.0.2.77"


@pytest.fixture
def machine(tmp_path: Path, state_dir: Path) -> Iterator[Machine]:
    """The machine has a card eth1, on whose wire is a neighbour in a namespace of its own."""
    with stand_in(tmp_path) as (made, other):
        made.held.ip(
            "link add eth1 index 71 address 02:00:00:00:00:71 mtu 1400 type veth "
            f"peer name wire netns {other.pid}",
            "addr add 203.0.113.9/24 dev eth1",
            "addr add 2001:db8::9/64 dev eth1 nodad",
            "link set eth1 up",
            "route add 203.0.113.128/25 via 203.0.113.1 metric 7",
            "route add 203.0.114.0/24 dev eth1 table 99",
            "route add 2001:db8:1::/48 via 2001:db8::1",
        )
        made.output("sysctl", "-qw", "net.ipv4.conf.eth1.rp_filter=2", "net.ipv6.conf.eth1.hop_limit=33")
        other.ip(f"addr add {NEIGHBOUR}/24 dev wire", "link set wire up")
        settled(made)
        yield made


def settled(machine: Machine) -> None:
    """Wait until its addresses are usable and its links have carriers."""
    for _ in range(100):
        told = machine.output("ip", "addr")
        if "tentative" not in told and "NO-CARRIER" not in told:
            return
        time.sleep(0.05)


def told(machine: Machine) -> dict[str, object]:
    settled(machine)
    return {**machine.state(), "sysctls": machine.output("sysctl", "-a", "-r", r"\.eth1\.")}


@pytest.mark.parametrize(("text", "node"), [(ON_SWITCH, "h1"), (IN_HOST, "h1")])
def test_a_node_has_it_and_the_machine_gets_it_back_as_it_was(machine: Machine, text: str, node: str) -> None:
    before = told(machine)
    said = machine.run("up", machine.file(text))
    assert "has the machine's interface eth1 until the network is down" in said
    assert "eth1" not in machine.output("ip", "link")
    machine.run("exec", node, "--", "ping", "-c1", "-W5", NEIGHBOUR)
    machine.run("check", "lan")
    assert "BROKEN" not in machine.run("status", "lan")
    assert re.search(r"\seth1 .* the machine's$", machine.run("inspect", "lan"), re.MULTILINE)
    assert "warning" not in machine.run("down", "lan")
    assert told(machine) == before


def test_what_is_damaged_is_named_and_repaired(machine: Machine) -> None:
    before = told(machine)
    name = machine.file(IN_HOST)
    machine.run("up", name)
    for damage, words in (
        ("ip addr flush dev eth1", "address 192.0.2.1/24 on eth1: expected present, found missing"),
        ("ip link set eth1 down", "interface eth1 of the machine is down"),
    ):
        machine.run("exec", "h1", "--", *damage.split())
        assert words in machine.run("status", "lan", code=1)
        assert words in machine.run("up", name)
        machine.run("exec", "h1", "--", "ping", "-c1", "-W5", NEIGHBOUR)
    machine.run("down", "lan")
    assert told(machine) == before


def test_it_comes_back_with_a_node_that_is_removed_or_leaves_the_file(machine: Machine) -> None:
    before = told(machine)
    name = machine.file(ON_SWITCH)
    machine.run("up", name)
    scenario = "name: s\nsteps: [{action: node-churn, target: s1, rate: 4, duration: 1 s, away: 100 ms}]\n"
    assert "not restored" not in machine.run("stress", machine.file(scenario, "s.yaml"), "--net", "lan")
    machine.run("exec", "h1", "--", "ping", "-c1", "-W5", NEIGHBOUR)
    machine.file(ON_SWITCH.replace(", machine_interfaces: eth1", ""))
    machine.run("up", name)
    assert told(machine)["links"] == before["links"]
    machine.file(ON_SWITCH)
    machine.run("up", name)
    machine.run("exec", "h1", "--", "ping", "-c1", "-W5", NEIGHBOUR)
    machine.run("down", "lan")
    assert told(machine) == before


def _has_card(machine: Machine) -> bool:
    return "eth1:" in Path(f"/proc/{machine.held.pid}/net/dev").read_text(encoding="ascii")


def test_a_killed_command_leaves_what_down_gives_back(machine: Machine, state_dir: Path) -> None:
    """The moments lie where the machine's things are made or given back, however long a command takes."""
    before, rng = told(machine), random.Random(15)
    name, note = machine.file(WITH_NAT), state_dir / "lan" / "outside.json"
    for verb in ("up", "up", "down", "down"):
        if verb == "down":
            machine.run("up", name)
        words = ("up", name) if verb == "up" else ("down", "lan")
        running = subprocess.Popen(
            machine.words(*words), cwd=machine.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while running.poll() is None and not (note.exists() if verb == "up" else _has_card(machine)):
            time.sleep(0.0005)
        time.sleep(rng.uniform(0, 0.03))
        running.send_signal(signal.SIGKILL)
        running.communicate()
        machine.run("down", "--all")
        assert told(machine) == before


def test_down_names_what_it_cannot_give_back(machine: Machine) -> None:
    name = machine.file(IN_HOST)
    machine.run("up", name)
    machine.run("exec", "h1", "--", "ip", "link", "delete", "eth1")
    shown = machine.run("status", "lan", code=1)
    assert "interface eth1 of the machine: expected here, found missing" in shown
    words = "warning: eth1 of h1 can't be given back to the machine"
    assert words in machine.run("down", "lan")
    assert words not in machine.run("down", "--all")


REFUSED = [
    (ON_SWITCH.replace("eth1", "eth7"), "`s1` can't have the machine's interface eth7: there is none", 3),
    (ON_SWITCH.replace("eth1", "eth0"), "the machine's default route leads by it", 3),
    (ON_SWITCH.replace("eth1", "held"), "it is a port of bridge; take it out first", 3),
    (ON_SWITCH.replace("eth1", "bridge"), "the kernel moves it to no other namespace", 3),
    (ON_SWITCH.replace("eth1", "below"), "above is made on it; delete that first", 3),
    (ON_SWITCH.replace("h1: {}", "h1: {machine_interfaces: [eth1]}"), "which `s1` has", 2),
    (ON_SWITCH.replace("kind: switch", "kind: switch, switch: ovs"), "Open vSwitch, which takes none", 2),
    (ON_SWITCH + "engine: mininet\n", "the engine mininet gives nodes no interfaces of the machine", 2),
]


def test_what_cannot_be_is_refused_before_anything_is_made(machine: Machine) -> None:
    machine.held.ip(
        "route add default via 198.51.100.2",
        "link add bridge type bridge",
        "link add held type veth peer name below",
        "link set held master bridge",
        "link add link below name above type macvlan",
    )
    before = machine.state()
    for text, words, code in REFUSED:
        assert words in machine.run("up", machine.file(text), code=code)
    assert machine.state() == before


def test_another_network_that_has_it_is_named(machine: Machine) -> None:
    before = told(machine)
    machine.run("up", machine.file(ON_SWITCH))
    other = machine.file(ON_SWITCH.replace("lan", "two"), "two.yaml")
    assert "network `lan` has it; `emulator down lan` gives it back" in machine.run("up", other, code=3)
    machine.run("down", "--all")
    assert told(machine) == before
