"""Steps and probes that an engine can't carry out are refused when the scenario is loaded."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from emulator.engines.registry import engine_named
from stress.actions.registry import ACTIONS, action_named
from stress.preflight import preflight
from stress.scenario.load import load_text
from stress.schedule import planned
from topologies.build import build
from topologies.engines import ABILITIES, ENGINES
from topologies.errors import InputError
from topologies.spec.load import load_text as load_topology
from topologies.topology import Topology

TOPOLOGY = build(load_topology("name: t\ntopology: {generator: tree, depth: 2, fanout: 2}\n"))


@dataclass
class Placed:
    """A graph whose nodes have an address."""

    topology: Topology

    def addresses(self, node: int) -> list[str]:
        return [f"10.0.0.{node + 1}"]


def refused(step: str, engine: str, probes: str = "", topology: Topology = TOPOLOGY) -> list[str]:
    document = load_text(f"name: x\nduration: 20 s\nsteps: [{step}]\n{probes}", "f")
    schedule = planned(document, topology, 1, document.steps())
    try:
        preflight(document, schedule, Placed(topology), 1, engine)
    except InputError as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{action: node-churn, rate: 1}", "remove nodes from a running network"),
        ("{action: switch-restart, rate: 1}", "remove nodes from a running network"),
        ("{action: port-churn, rate: 1}", "remove links from a running network"),
        ("{action: rolling, how: restart, target: switch}", "remove nodes"),
        ("{action: arp-storm, rate: 1}", "open sockets in nodes"),
        ("{action: mac-move, rate: 1}", "open sockets in nodes"),
        ("{action: traffic}", "open sockets in nodes"),
        ("{action: ramp}", "bring up a second network"),
    ],
)
def test_what_maxinet_lacks(step: str, words: str) -> None:
    (line,) = refused(step, "maxinet")
    assert line.startswith("f:3:")
    assert f"the engine maxinet can't {words}" in line
    assert refused(step, "netns") == []


@pytest.mark.parametrize(
    "step",
    [
        "{action: port-flap, rate: 1}",
        "{action: link-flap, rate: 1}",
        "{action: partition, halves: true}",
    ],
)
def test_ports_can_be_brought_down_on_every_engine(step: str) -> None:
    for engine in ENGINES:
        assert not [line for line in refused(step, engine) if "can't" in line]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{action: migration, rate: 1}", "move light ports"),
        ("{action: vpc-churn, rate: 1}", "have light ports"),
    ],
)
def test_light_ports_need_an_engine_that_has_them(step: str, words: str) -> None:
    light = build(load_topology("name: t\ntopology: {generator: vpc, vpcs: 2, ports: 8, hosts: 2}\n"))
    for engine in ("mininet", "distrinet", "maxinet"):
        (line,) = refused(step, engine, topology=light)
        assert f"the engine {engine} can't {words}" in line
    for engine in ("netns", "dry-run"):
        assert refused(step, engine, topology=light) == []


def test_tcp_probes_need_sockets() -> None:
    probes = "probes: [{probe: tcp, pairs: 1}, {probe: ping, pairs: 1}]\n"
    (line,) = refused("{action: port-flap, rate: 1}", "distrinet", probes)
    assert "write `probe: ping`" in line


def test_abilities_are_those_of_the_table() -> None:
    for name in ACTIONS:
        assert set(ABILITIES) >= action_named(name).ABILITIES
    for row in ENGINES.values():
        assert row.abilities <= set(ABILITIES)
    assert {name for name in ENGINES if engine_named(name).name != name} == set()
