"""Plans: counts, refusals, the summary, and what `emulator plan` prints and exits with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from emulator.cli.main import run
from emulator.cli.plan_text import aligned, plan_lines
from emulator.engines import limits as machine_limits
from emulator.engines.registry import engine_named
from emulator.errors import RefusedError, UsageError
from emulator.placement.place import cut_links
from emulator.placement.worker import Worker, numbered
from emulator.plan import make_plan
from emulator.summary import sample, summary
from topologies.build import build
from topologies.counting import size_text
from topologies.spec.load import load_text
from topologies.topology import Topology

GIB = 2**30

FAT_TREE = "name: ft\ntopology: {generator: fat-tree, k: 4}\n"


def topology_of(text: str = FAT_TREE) -> Topology:
    return build(load_text(text))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ft.yaml"
    path.write_text(FAT_TREE)
    return path


@pytest.fixture
def small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_limits, "available_memory", lambda: 2**20)
    monkeypatch.setattr(machine_limits, "running_bytes", lambda _name: 0)


def test_counts_add_up() -> None:
    topology = topology_of()
    plan = make_plan(topology, "netns", 3)
    counts = plan.counts
    assert counts.nodes.sum() == topology.node_count
    assert counts.kinds.sum(axis=0).tolist() == [16, 20, 0]
    assert (counts.kinds.sum(axis=1) == counts.nodes).all()
    assert counts.ports.sum() == 2 * topology.link_count
    assert counts.links.sum() + np.count_nonzero(plan.cut) == topology.link_count
    assert counts.tunnels.sum() == 2 * np.count_nonzero(plan.cut)
    assert (counts.ports == 2 * counts.links + counts.tunnels).all()


def test_counts_of_each_worker_are_those_of_a_slow_count() -> None:
    topology = topology_of("name: t\ntopology: {generator: leaf-spine, leaves: 5, hosts_per_leaf: 3}\n")
    plan = make_plan(topology, "netns", 3)
    for worker in range(3):
        tunnels = local = 0
        for a, b in topology.ends.tolist():
            here = [int(plan.placement[end]) == worker for end in (a, b)]
            local += all(here)
            tunnels += any(here) and not all(here)
        assert plan.counts.links[worker] == local
        assert plan.counts.tunnels[worker] == tunnels


def test_a_plan_without_workers_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="at least one worker"):
        make_plan(topology_of(), "netns", [])


def test_a_worker_that_is_too_small_is_named_with_both_numbers() -> None:
    plan = make_plan(topology_of(), "netns", [Worker("a", 2**20), Worker("b", 2 * GIB)])
    assert not plan.refusals()  # b takes it all
    plan = make_plan(topology_of(), "netns", numbered(2, 2**20))
    together, first, second = plan.refusals()
    need = int(plan.counts.memory.sum())
    enough = f"use {-(-need >> 20)} workers or more"
    assert together == f"all together it needs {size_text(need)}, the 2 workers have 2.0 MiB: {enough}"
    assert first == f"w1 needs {size_text(int(plan.counts.memory[0]))}, it has 1.0 MiB"
    assert second.startswith("w2 needs ")


def test_a_worker_of_too_few_nodes_is_named() -> None:
    plan = make_plan(topology_of(), "netns", [Worker("only", nodes=30)])
    assert plan.refusals() == ["only would get 36 nodes, it takes 30"]


def test_many_refusals_are_cut_short() -> None:
    plan = make_plan(topology_of(), "netns", numbered(12, 2**10))
    assert len(plan.refusals()) == 12
    assert plan.refusals()[-1] == "and so for 2 more workers"


def test_tunnels_count_in_what_a_worker_holds() -> None:
    topology = topology_of()
    alone = make_plan(topology, "netns").counts.memory.sum()
    spread = make_plan(topology, "netns", 4, method="spread")
    cut = np.count_nonzero(cut_links(topology, spread.placement))
    assert spread.counts.memory.sum() == alone + cut * 2 * (60 - 52) * 1024


def test_the_summary_has_what_the_command_line_promises() -> None:
    said = summary(make_plan(topology_of(), "netns", 2))
    assert said["network"] == "ft"
    assert said["nodes"] == {"host": 16, "switch": 20}
    assert said["links"] == 48
    assert said["fidelity"] == {"full": 36}
    assert said["forwarding"] == {"kind": "bridged", "blocked": 13}
    assert [worker["name"] for worker in said["workers"]] == ["w1", "w2"]
    assert set(said["workers"][0]) >= {"name", "nodes", "ports", "tunnels", "memory_bytes"}
    assert sum(worker["memory_bytes"] for worker in said["workers"]) == said["forecast"]["memory_bytes"]
    assert said["placement"]["cut_share"] == round(said["placement"]["cut_links"] / 48, 6)
    json.dumps(said)


def test_a_routed_file_says_so() -> None:
    said = summary(make_plan(topology_of(FAT_TREE + "forwarding: routed\n"), "netns"))
    assert said["forwarding"] == {"kind": "routed", "blocked": 0}


def test_the_sample_shows_names_addresses_macs_and_blocked_links() -> None:
    shown = sample(make_plan(topology_of(), "netns"), 1)
    by_name = {node["name"]: node for node in shown["nodes"]}
    assert list(by_name) == ["c1", "a1", "e1", "h1"]
    (port,) = by_name["h1"]["ports"]
    assert port == {
        "name": "h1-eth0", "mac": "02:00:00:15:00:00", "role": "addressed", "peer": "e1-eth1",
        "tunnel": False,
    }  # fmt: skip
    assert by_name["h1"]["addresses"] == [{"port": "h1-eth0", "address": "10.0.0.1/8"}]
    assert by_name["e1"]["bridge"]["name"] == "e1"
    assert shown["blocked"]


def test_netns_refuses_what_the_memory_of_this_machine_cannot_hold(small_machine: None) -> None:
    plan = make_plan(topology_of(), "netns")
    with pytest.raises(RefusedError) as caught:
        engine_named("netns").accept(plan)
    need = size_text(int(plan.counts.memory.sum()))
    assert caught.value.reasons[0].startswith(f"needs {need}, this machine has 1.0 MiB available: ")


def test_what_runs_already_is_not_needed_again(small_machine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(topology_of(), "netns")
    monkeypatch.setattr(machine_limits, "running_bytes", lambda _name: int(plan.counts.memory.sum()))
    engine_named("netns").accept(plan)


def test_kernel_limits_are_refused_with_the_command_that_raises_them(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"fs.mount-max": 40, "user.max_net_namespaces": 30}
    monkeypatch.setattr(machine_limits, "limit", limits.get)
    monkeypatch.setattr(machine_limits, "mount_count", lambda: 10)
    assert machine_limits.too_large(make_plan(topology_of(), "netns")) == [
        "needs 62 mounts in a mount namespace, the kernel allows 40; `sysctl -w fs.mount-max=64`",
        "needs 36 network namespaces, the kernel allows 30; `sysctl -w user.max_net_namespaces=64`",
    ]


def test_dry_run_refuses_nothing(small_machine: None) -> None:
    engine_named("dry-run").accept(make_plan(topology_of(), "dry-run"))


def test_sizes_read_well() -> None:
    assert [size_text(n) for n in (0, 1023, 1024, 31 * GIB, 1536 * 2**20)] == [
        "0 B", "1023 B", "1.0 KiB", "31 GiB", "1.5 GiB",
    ]  # fmt: skip


def test_tables_are_aligned() -> None:
    assert aligned([["w", "nodes"], ["w10", "7"]]) == ["w    nodes", "w10      7"]


def test_long_tables_leave_the_middle_out() -> None:
    said = summary(make_plan(topology_of(), "netns", 20))
    said["seconds"] = {"total": 0.0}
    lines = list(plan_lines(said))
    assert "…  8 more (--json has all)" in lines
    assert sum(line.startswith("w") and line[1].isdigit() for line in lines) == 12


def test_the_command_prints_a_table_for_people(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", str(file), "--workers", "4", "--engine", "dry-run"]) == 0
    out = capsys.readouterr().out
    assert "ft: 16 hosts, 20 switches, 48 links" in out
    assert "36 full" in out
    assert "hierarchy, 4 workers, 12 links cut (25.0%)" in out


def test_the_command_prints_one_json_object(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", str(file), "--engine", "dry-run", "--json", "--show"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["workers"][0]["nodes"] == 36
    assert set(said["seconds"]) == {"load", "plan", "other", "total"}
    assert said["sample"]["nodes"]


def test_a_plan_that_this_machine_cannot_hold_is_printed_and_exits_3(
    file: Path, small_machine: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", str(file), "--json"]) == 3
    captured = capsys.readouterr()
    assert json.loads(captured.out)["refusals"][0].startswith("needs ")
    assert "refused: needs " in captured.err


def test_with_other_workers_this_machine_does_not_matter(file: Path, small_machine: None) -> None:
    assert run(["plan", str(file), "--workers", "2"]) == 0
    assert run(["plan", str(file), "--memory", "1 GiB"]) == 0
    assert run(["plan", str(file), "--workers", "2", "--memory", "2 MiB"]) == 3


@pytest.mark.parametrize(
    "arguments", [["--workers", "0"], ["--memory", "lots"], ["--placement", "magic"], ["--engine", "nets"]]
)
def test_wrong_arguments_exit_2(file: Path, arguments: list[str]) -> None:
    assert run(["plan", str(file), *arguments]) == 2


def test_a_hierarchy_that_is_not_there_is_an_error() -> None:
    text = "name: t\ntopology: {nodes: {a: {kind: switch}, b: {kind: switch}}, links: [[a, b]]}\n"
    with pytest.raises(UsageError, match="no hierarchy"):
        make_plan(topology_of(text), "netns", 2, method="hierarchy")


def test_export_writes_to_standard_output_and_to_a_file(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for to, sign in (("graphml", "<graphml"), ("json", "{"), ("dot", "graph"), ("mininet", "Topo")):
        assert run(["export", str(file), "--to", to]) == 0
        text = capsys.readouterr().out
        assert sign in text
        path = tmp_path / f"out.{to}"
        assert run(["export", str(file), "--to", to, "-o", str(path)]) == 0
        assert path.read_text() == text


@pytest.mark.parametrize("suffix", [".svg", ".html", ".dot", ".json"])
def test_graph_writes_what_the_suffix_says(file: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    assert run(["graph", str(file), "-o", str(path)]) == 0
    sign = {".svg": "<svg", ".html": "<!doctype html", ".dot": "graph", ".json": "{"}[suffix]
    assert sign in path.read_text().lower()
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


def test_graph_needs_a_suffix_that_it_knows(file: Path, tmp_path: Path) -> None:
    assert run(["graph", str(file), "-o", str(tmp_path / "out.gif")]) == 2
    assert run(["graph", str(file), "-o", str(tmp_path / "out")]) == 2


def test_what_cannot_be_written_is_a_clear_error(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", str(file), "-o", "/nowhere/at/all.svg"]) == 2
    assert "can't write /nowhere/at/all.svg" in capsys.readouterr().err


def test_a_file_that_is_replaced_keeps_its_mode(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.svg"
    path.write_text("old")
    path.chmod(0o640)
    assert run(["graph", str(file), "-o", str(path)]) == 0
    assert path.stat().st_mode & 0o777 == 0o640


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    assert "$schema" in json.loads(capsys.readouterr().out)


_DEAF = """\
name: n
{more}topology:
  nodes: {{{hosts}, s1: {{kind: switch}}, s2: {{kind: switch}}}}
  links: [{links}]
"""


def deaf(count: int, more: str = "") -> str:
    """Return a file of `count` hosts that are linked to both of two switches."""
    hosts = ", ".join(f"h{n}: {{kind: host}}" for n in range(1, count + 1))
    links = ", ".join(f"[h{n}, s1], [h{n}, s2]" for n in range(1, count + 1))
    return _DEAF.format(more=more, hosts=hosts, links=f"{links}, [s1, s2]")


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 host (h1) has several links but is heard on the first only"),
        (2, "2 hosts (h1, h2) have several links but are heard on the first only"),
        (5, "5 hosts (h1, h2, h3, …) have several links"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_hosts_that_are_heard_on_one_of_their_links_are_named(count: int, words: str, workers: int) -> None:
    plan = make_plan(topology_of(deaf(count)), "netns", workers)
    assert plan.warnings[0].startswith(words)


@pytest.mark.parametrize(
    "text",
    [
        FAT_TREE,
        deaf(2, "forwarding: routed\n"),
        "name: n\ntopology: {generator: bcube, n: 2, k: 1}\n",  # its servers bridge
    ],
    ids=["fat-tree", "routed", "bcube"],
)
def test_no_host_is_named_without_need(text: str) -> None:
    assert make_plan(topology_of(text), "netns").warnings == ()


def test_up_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "n.yaml").write_text(deaf(1))
    assert run(["up", str(tmp_path / "n.yaml"), "--engine", "dry-run", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "warning: 1 host (h1) has several links" in err
    assert json.loads(out)["notes"][0].startswith("1 host (h1)")
