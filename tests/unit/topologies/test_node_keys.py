"""`run:`, `environment:` and `sysctl:` of nodes: merged by name, kept by the record, refused by engines."""

from __future__ import annotations

import io

import pytest

from emulator.engine_options import engine_plan
from topologies import store
from topologies.build import build
from topologies.engines import ENGINES, NODE_KEYS
from topologies.errors import InputError
from topologies.formats.attributes import node_of
from topologies.services import Ready, Service
from topologies.spec.load import load_text
from topologies.topology import Topology

FILE = """
name: keys
topology: {generator: single, hosts: 2}
nodes:
  - match: {kind: host}
    run:
      tune: {command: ["true"], once: true}
      web: {command: python3 -m http.server 80, ready: {port: 80, within: 500 ms}, user: root}
    environment: {B: 2, A: one}
    sysctl: {net.ipv4.ip_forward: 1}
  - match: {name: h2}
    run: {tune: null, web: iperf -s, log: [tail, -f, "a b"]}
    environment: {A: null, C: 0.5}
"""


def topology() -> Topology:
    return build(load_text(FILE))


def test_rules_are_merged_by_name_and_null_takes_away() -> None:
    one, two = (topology().node_profile_of(node).setup for node in (1, 2))
    web = Service(
        "web", ("python3", "-m", "http.server", "80"), ready=Ready(port=80, within=0.5), user="root"
    )
    assert one.run == (Service("tune", ("true",), once=True), web)
    assert two.run == (Service("web", ("iperf", "-s")), Service("log", ("tail", "-f", "a b")))
    assert one.environment == (("A", "one"), ("B", "2"))
    assert two.environment == (("B", "2"), ("C", "0.5"))
    assert two.sysctl == (("net.ipv4.ip_forward", "1"),)


def test_equal_settings_are_stored_once() -> None:
    made = build(load_text(FILE.replace("hosts: 2", "hosts: 3000")))
    assert len(made.node_profiles) <= 4


def test_the_record_keeps_them() -> None:
    file = io.BytesIO()
    store.write(topology(), file)
    file.seek(0)
    assert store.read(file).node_profiles == topology().node_profiles


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_carries_out_a_key_or_refuses_it_at_its_place(engine: str) -> None:
    document = load_text(FILE)
    if ENGINES[engine].node_keys == NODE_KEYS:
        engine_plan(document, build(document), engine)
        return
    with pytest.raises(InputError) as caught:
        engine_plan(document, build(document), engine)
    for key in ("run", "environment", "sysctl"):
        assert f"the engine {engine} can't carry out `{key}`" in str(caught.value)
    assert str(caught.value).startswith("<text>:6:5: nodes[0].run: "), "where the first such node has it"


def test_a_graph_file_starts_no_commands() -> None:
    assert not node_of({"run": "{web: evil}", "environment": "x"}).profile.setup.keys


LIGHT = """
name: light
vpcs: {blue: 10.1.0.0/16}
topology:
  nodes: {s: {kind: switch}, c: {}, p: {fidelity: light}, q: {fidelity: light}, m: {vpc: blue}}
  links: [[c, s], [p, c], [q, c], [m, c]]
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_hosts_of_vpcs_are_refused_with_their_place_by_engines_without_any(engine: str) -> None:
    document = load_text(LIGHT)
    if "ports" in ENGINES[engine].abilities:
        return
    with pytest.raises(InputError) as caught:
        engine_plan(document, build(document), engine)
    problems = {problem.key: problem for problem in caught.value.problems}
    assert list(problems) == ["topology.nodes.p.fidelity", "topology.nodes.m.vpc"]
    assert all(f"the engine {engine} " in problem.message for problem in problems.values())
    assert {problem.line for problem in problems.values()} == {5}
