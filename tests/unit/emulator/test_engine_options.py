"""Options of an engine: the file's, the environment's, and the plan that they make."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.engine_options import engine_options, engine_plan, variable
from emulator.errors import UsageError
from emulator.placement.worker import Worker
from topologies.build import build
from topologies.engines import ENGINES
from topologies.profiles import LinkProfile
from topologies.spec.load import Document, load, load_text

TREE = "topology: {generator: tree, depth: 2, fanout: 2}\n"
MAXINET = "name: a\nengine: {name: maxinet, python: bin/python, home: ../copy, workers: [w1, w2]}\n" + TREE


def document(text: str = MAXINET) -> Document:
    return load_text(text)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "lab" / "net.yaml"
    path.parent.mkdir()
    path.write_text(MAXINET)
    found = engine_options(load(path), "maxinet")
    assert found["python"] == str(tmp_path / "lab" / "bin" / "python")
    assert found["home"] == str(tmp_path / "copy")


def test_a_python_without_a_slash_is_a_program() -> None:
    found = engine_options(document(MAXINET.replace("bin/python", "python3.12")), "maxinet")
    assert found["python"] == "python3.12"


def test_options_of_the_file_are_those_of_its_own_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine_options(document(), "netns") == {}
    assert engine_options(document(), "distrinet") == {}
    monkeypatch.setenv("EMULATOR_DISTRINET_HOME", "/opt/distrinet")
    assert engine_options(document(), "distrinet") == {"home": "/opt/distrinet"}


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_MAXINET_HOME", "/opt/other")
    monkeypatch.setenv("EMULATOR_MAXINET_WORKERS", "v1, v2=10.0.0.2")
    found = engine_options(document(), "maxinet")
    assert found["home"] == "/opt/other"
    assert found["workers"] == [{"name": "v1"}, {"name": "v2", "address": "10.0.0.2"}]
    assert [worker.name for worker in engine_plan(document(), build(document()), "maxinet").workers] == [
        "v1",
        "v2",
    ]


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_MAXINET_FRONTEND", "no address")
    with pytest.raises(UsageError, match=r"EMULATOR_MAXINET_FRONTEND: `no address` is no host name"):
        engine_options(document(), "maxinet")


def test_every_option_has_a_variable_of_its_own() -> None:
    names = [variable(engine, option) for engine, row in ENGINES.items() for option in row.options]
    assert len(set(names)) == len(names)
    assert all(name.isupper() for name in names)


def test_workers_and_their_memory_are_the_plans() -> None:
    text = MAXINET.replace("[w1, w2]", "[{name: w1, memory: 1 GiB}, {name: w2, memory: 3 GiB, nodes: 5}]")
    plan = engine_plan(document(text), build(document(text)), "maxinet")
    assert plan.workers == (Worker("w1", 1 << 30), Worker("w2", 3 << 30, 5))
    assert plan.options["home"].endswith("copy")


def test_equal_workers_get_equal_shares() -> None:
    text = MAXINET.replace(TREE, "topology: {generator: linear, k: 10, hosts_per_switch: 4}\n")
    plan = engine_plan(document(text), build(document(text)), "maxinet")
    assert plan.counts.nodes.tolist() == [25, 25], "the driver's memory is on no worker"


def test_the_mtu_is_lowered_only_where_links_join_two_workers() -> None:
    spread = engine_plan(document(), build(document()), "maxinet")
    assert {profile.mtu for profile in spread.topology.link_profiles} == {1450}
    together = MAXINET.replace("[w1, w2]", "[w1]")
    alone = engine_plan(document(together), build(document(together)), "maxinet")
    assert alone.topology.link_profiles == (LinkProfile(),)
    assert alone.warnings == ()


def test_an_mtu_in_the_file_stays() -> None:
    text = MAXINET + "links: [{match: {between: [host, switch]}, mtu: 1000}]\n"
    plan = engine_plan(document(text), build(document(text)), "maxinet")
    assert {profile.mtu for profile in plan.topology.link_profiles} == {1000, 1450}


CLUSTER = """\
name: c
engine: {name: cluster, scheduler: "tls://head:8786", underlay: eth1, certificates: keys}
topology: {generator: tree, depth: 2, fanout: 3}
"""


def test_one_way_to_name_the_cluster_replaces_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    options = engine_options(document(CLUSTER), "cluster")
    assert options["scheduler"] == "tls://head:8786"
    assert options["underlay"] == {"device": "eth1"}
    assert options["certificates"].endswith("/keys")
    monkeypatch.setenv("EMULATOR_CLUSTER_SCHEDULER_FILE", "/run/cluster.json")
    monkeypatch.setenv("EMULATOR_CLUSTER_UNDERLAY", "10.0.0.0/24")
    options = engine_options(document(CLUSTER), "cluster")
    assert "scheduler" not in options
    assert options["scheduler_file"] == "/run/cluster.json"
    assert options["underlay"] == {"address": "10.0.0.0/24"}
    options = engine_options(document(CLUSTER), "cluster", {"scheduler": "tls://other:8786"})
    assert options["scheduler"] == "tls://other:8786"
    assert "scheduler_file" not in options


def test_an_option_of_the_command_line_is_named_in_its_error() -> None:
    with pytest.raises(UsageError, match=r"--scheduler: .*`head` is no scheduler's address"):
        engine_options(document(CLUSTER), "cluster", {"scheduler": "head"})


def test_pinned_nodes_take_their_hosts_along_and_later_rules_win() -> None:
    text = CLUSTER + (
        "placement:\n"
        "  - {match: {kind: switch}, worker: a}\n"
        "  - {match: {name: s4}, worker: b}\n"
        "  - {match: {name: h9}, worker: a}\n"
    )
    made = document(text)
    plan = engine_plan(made, build(made), "cluster", [Worker("a"), Worker("b")])
    where = dict(zip(plan.topology.names, plan.placement.tolist(), strict=True))
    assert [where[name] for name in ("s1", "s2", "h1", "s4", "h7", "h8", "h9")] == [0, 0, 0, 1, 1, 1, 0]
    assert plan.method.endswith("pinned")
    with pytest.raises(UsageError, match="the file places nodes on `b`, which isn't a worker"):
        engine_plan(made, build(made), "cluster", [Worker("a"), Worker("c")])
    one = engine_plan(made, build(made), "netns")
    assert not one.placement.any()
