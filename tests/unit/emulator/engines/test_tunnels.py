"""The check of tunnels right after `up`: neither ways of equal cost nor a slow machine mislead it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from emulator.access import Echo
from emulator.commands import CommandResult
from emulator.engine_options import engine_plan
from emulator.engines.remote import tunnel_frames as frames_module
from emulator.engines.remote import tunnels as tunnels_module
from emulator.engines.remote.tunnel_frames import tunnel_frames
from emulator.engines.remote.tunnels import require_tunnels, tunnel_echoes
from emulator.errors import BrokenError
from emulator.plan import Plan
from topologies.build import build
from topologies.identifiers import mac
from topologies.spec.load import load_text

HEAD = f"name: far\nengine: {{name: distrinet, python: {sys.executable}, home: /, workers: [w1, w2]}}\n"
LEAVES = "topology: {generator: leaf-spine, leaves: 4, spines: 2, hosts_per_leaf: 1}\n"
ECMP = HEAD + "switch: ovs\nopenflow: {flows: ecmp}\n" + LEAVES
TREE = HEAD + "switch: ovs\nopenflow: {flows: ecmp}\ntopology: {generator: tree, depth: 2, fanout: 2}\n"


def plan_of(text: str) -> Plan:
    found = load_text(text)
    return engine_plan(found, build(found), "distrinet")


@dataclass
class Machine:
    """Access to a network that isn't there, and a clock. `broken` are interfaces that receive nothing.

    Asking takes `overhead` seconds. Answers take `slow` seconds more. Each interface receives `noise` packets
    of its worker's kernel, one at a time.
    """

    broken: set[str] = field(default_factory=set)
    slow: float = 0.0
    overhead: float = 0.0
    noise: int = 0
    lost: bool = False
    now: float = 0.0
    pings: int = 0
    received: dict[str, int] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    due: list[tuple[float, str, int]] = field(default_factory=list)
    ways: dict[tuple[int, str], str] = field(default_factory=dict)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        return self.now

    def ping(self, echoes: Sequence[Echo], timeout: float) -> list[float | None]:
        self.pings += 1
        answers = not self.lost and timeout >= self.slow
        self.now += self.overhead + (0.0 if answers else timeout)
        return [0.001 if answers else None for _ in echoes]

    def run(self, commands: Sequence[tuple[int, Sequence[str]]], _seconds: float) -> list[CommandResult]:
        self.now += self.overhead
        return [CommandResult(f"n{node}", 0, self._said(node, argv), b"") for node, argv in commands]

    def _said(self, node: int, argv: Sequence[str]) -> bytes:
        if argv[0] == "ovs-ofctl":
            actions = argv[-1].partition("actions=")[2].split(",")
            interface = self.ways[node, actions[0]]
            frame = bytes.fromhex(argv[-1].partition("packet=")[2].partition(",")[0])
            self.due.append((self.now + self.slow, interface, len(actions) * len(frame)))
            return b""
        interface = argv[-1]
        self.asked[interface] = self.asked.get(interface, 0) + 1
        there = self.received.get(interface, 0)
        self.received[interface] = there + (90 if self.asked[interface] <= self.noise else 0)
        for entry in [e for e in self.due if e[1] == interface and e[0] <= self.now]:
            self.due.remove(entry)
            self.received[interface] += 0 if interface in self.broken else entry[2]
        return json.dumps([{"stats64": {"rx": {"bytes": self.received[interface]}}}]).encode()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()
    for module in (tunnels_module, frames_module):
        monkeypatch.setattr(module, "time", found)
    return found


def required(plan: Plan, machine: Machine) -> None:
    for both in tunnel_frames(plan).values():
        for way in both:
            machine.ways[way.source, f"output:{way.port}"] = way.interface
    access: Any = machine
    require_tunnels(plan, access, "mend it")


def test_tunnels_that_pings_may_avoid_get_frames_and_the_others_pings() -> None:
    plan = plan_of(ECMP)
    cut = [link for link, is_cut in enumerate(plan.cut) if is_cut]
    frames = tunnel_frames(plan)
    assert cut
    assert sorted(frames) == cut
    assert tunnel_echoes(plan, frames) == {}
    for link, (one, other) in frames.items():
        assert {one.source, one.target} == set(plan.topology.ends[link].tolist())
        assert (one.source, one.target) == (other.target, other.source)
    tree = plan_of(TREE)
    assert tunnel_frames(tree) == {}
    assert len(tunnel_echoes(tree)) == tree.cut.sum() > 0


def test_frames_are_ethernet_and_go_to_a_host() -> None:
    plan = plan_of(ECMP)
    (way, _) = next(iter(tunnel_frames(plan).values()))
    hosts = {mac(plan.topology, host, 0).hex() for host in plan.topology.hosts.tolist()}
    assert way.packet[:12] in hosts
    assert len(bytes.fromhex(way.packet)) == 500
    assert way.packet[24:28] == "88b5"
    small = plan_of(ECMP + "links:\n  - {match: {}, mtu: 300}\n")
    (way, _) = next(iter(tunnel_frames(small).values()))
    assert len(bytes.fromhex(way.packet)) == 300


def test_a_tunnel_that_carries_nothing_is_named_although_every_ping_is_answered(machine: Machine) -> None:
    plan = plan_of(ECMP)
    machine.noise = 12
    required(plan, machine)
    machine.asked.clear()
    link, (way, _) = next(iter(tunnel_frames(plan).items()))
    machine.broken = {way.interface}
    a, b = (plan.topology.names[node] for node in plan.topology.ends[link].tolist())
    with pytest.raises(BrokenError, match=rf"^1 tunnel \({a} -- {b} \(w., w.\)\) carry nothing; mend it$"):
        required(plan, machine)


def test_answers_that_take_seconds_are_waited_for(machine: Machine) -> None:
    machine.slow = 7.0
    required(plan_of(TREE), machine)
    required(plan_of(ECMP), machine)


@pytest.mark.parametrize("text", [TREE, ECMP])
def test_a_machine_that_is_slow_to_ask_gets_more_time_to_answer(text: str, machine: Machine) -> None:
    machine.slow = 30.0
    with pytest.raises(BrokenError, match="carry nothing"):
        required(plan_of(text), machine)
    machine.overhead = 10.0
    required(plan_of(text), machine)


def test_a_quick_machine_with_broken_tunnels_says_so_soon(machine: Machine) -> None:
    machine.lost = True
    with pytest.raises(BrokenError, match="carry nothing"):
        required(plan_of(TREE), machine)
    assert machine.now < 20
    assert machine.pings == 4
