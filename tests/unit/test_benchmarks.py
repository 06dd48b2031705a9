"""What the benchmarks do with samples, and that the floor is compiled and refuses nonsense."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
MODULES = ("run", "table", "machine", "programs")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    """Import the scripts as they import each other, and forget them again."""
    from importlib import import_module

    monkeypatch.syspath_prepend(str(FOLDER))
    yield {name: import_module(name) for name in MODULES}
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("kind", "target", "value", "met"),
    [
        ("ratio", 1.3, 1.25, True),
        ("ratio", 1.2, 1.25, False),
        ("excess", 0.8, 0.5, True),
        ("excess", 0.4, 0.5, False),
        ("speedup", 0.5, 0.8, True),
        ("speedup", 20.0, 0.8, False),
        ("seconds", 2.6, 2.5, True),
        ("seconds", 2.4, 2.5, False),
    ],
)
def test_targets_are_judged_by_medians(
    scripts: dict[str, ModuleType], kind: str, target: float, value: float, met: bool
) -> None:
    row = scripts["table"].Row("w", (2.5, 9.0, 2.4), "floor", (2.0, 1.9, 7.0), kind, target)
    assert row.value == pytest.approx(value)
    assert row.met is met


def test_the_table_has_a_line_per_row_and_says_what_was_missed(scripts: dict[str, ModuleType]) -> None:
    table = scripts["table"]
    rows = [
        table.Row("deploy", (0.5, 0.6, 0.7), "floor", (0.4, 0.5, 0.6), "ratio", 1.3),
        table.Row("help", (0.2,), target=0.15),
    ]
    lines = table.markdown(rows, "a machine").splitlines()
    assert lines[2] == (
        "| deploy | 600 ms (500 ms\N{EN DASH}700 ms) | floor | 500 ms (400 ms\N{EN DASH}600 ms) "
        "| 1.20 \N{MULTIPLICATION SIGN} | \N{LESS-THAN OR EQUAL TO} 1.3 \N{MULTIPLICATION SIGN} | yes |"
    )
    assert lines[3].endswith("| 200 ms | \N{LESS-THAN OR EQUAL TO} 150 ms | **no** |")
    assert len({line.count("|") for line in lines[:4]}) == 1
    assert lines[-1] == "a machine"


def test_sides_take_turns_and_the_first_turn_is_not_counted(scripts: dict[str, ModuleType]) -> None:
    calls: list[str] = []

    def side(name: str) -> dict[str, int]:
        calls.append(name)
        return {"call": len(calls)}

    ours, floor = scripts["run"].in_turns(2, lambda: side("a"), lambda: side("b"))
    assert calls == ["a", "b", "a", "b", "a", "b"]
    assert [s["call"] for s in ours] == [3, 5]
    assert [s["call"] for s in floor] == [4, 6]


def test_different_work_is_an_error(scripts: dict[str, ModuleType]) -> None:
    class Unequal:
        def engine(self, network: object, *, count: bool) -> dict[str, int]:
            del network, count
            return {"namespaces": 3, "links": 9, "addresses": 4}

        def floor(self, network: object, *, count: bool) -> dict[str, int]:
            del network, count
            return {"namespaces": 3, "links": 8, "addresses": 4}

    with pytest.raises(RuntimeError, match=r"different things.*'links': \(9, 8\)"):
        scripts["run"].same_work(Unequal(), None)


def test_the_machine_line_names_kernel_and_processor_but_not_the_host(scripts: dict[str, ModuleType]) -> None:
    import platform

    machine = scripts["machine"]
    about = machine.facts()
    line = machine.line(about)
    assert platform.release() in line
    assert re.search(r"\d+ cores, [\d.]+ GiB, Python 3\.", line)
    assert not {"host", "node", "path"} & set(about)


def test_both_sides_make_the_same_shape(scripts: dict[str, ModuleType]) -> None:
    from topologies.build import build
    from topologies.spec.load import load_text

    programs = scripts["programs"]
    counts = {}
    for network in (programs.TREE, programs.LINEAR, programs.SMALL, programs.ROUTED):
        topology = build(load_text(f"name: {network.name}\n{network.text}"))
        counts[network.name] = topology.kind_counts()
    assert counts == {
        "tree-1024": {"host": 1024, "switch": 33},
        "linear-10016": {"host": 10016, "switch": 313},
        "tree-64": {"host": 64, "switch": 9},
        "routed-40000": {"host": 40_000, "switch": 404},
    }


def test_the_huge_network_is_left_out_where_memory_lacks_and_measured_once_where_it_does_not(
    scripts: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class On:
        def file(self, network: object) -> str:
            return str(network)

        def command(self, *words: str) -> float:
            return {"up": 60.0, "check": 4.0, "down": 150.0}[words[0]]

    run = scripts["run"]
    monkeypatch.setattr(run, "free_gib", lambda: 15.9)
    assert run.Suite(On(), quick=False).huge() == []
    assert "15.9 GiB are free" in capsys.readouterr().err
    free = iter((20.0, 6.9))
    monkeypatch.setattr(run, "free_gib", lambda: next(free))
    rows = run.Suite(On(), quick=False).huge()
    assert [(row.work, row.met) for row in rows] == [
        ("whole command `up` routed-40000 (13.1 GiB)", True),
        ("`check --sample 500` on routed-40000", True),
        ("whole command `down` routed-40000", False),
    ]
    assert scripts["table"].spread(rows[0].ours) == "60.00 s"


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_floor_compiles_without_warnings_and_refuses_nonsense(tmp_path: Path) -> None:
    program = tmp_path / "floor"
    source = str(FOLDER / "floor.c")
    done = subprocess.run(
        ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), source],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    refused = subprocess.run(
        [program, tmp_path, "ring", "3", "4"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert refused.stderr.startswith("usage: floor")


def test_the_ssh_baseline_makes_the_same_links_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import import_module

    from emulator.placement.worker import Worker
    from emulator.plan import make_plan
    from topologies.build import build
    from topologies.spec.load import load_text

    monkeypatch.syspath_prepend(str(FOLDER))
    baseline = import_module("ssh_commands")
    underlay = {"vni": 70_000, "addresses": {"w1": "198.18.0.2", "w2": "198.18.0.3"}}
    topology = build(load_text("name: t\ntopology: {generator: tree, depth: 2, fanout: 3}\n"))
    plan = make_plan(topology, "cluster", [Worker("w1"), Worker("w2")], options={"underlay": underlay})
    commands = baseline.Commands(plan)
    words = [word for worker in (0, 1) for one in commands.of_worker(worker) for word in one.split(" && ")]
    cut = int(plan.cut.sum())
    assert cut
    for kind, count in (("type veth", topology.link_count - cut), ("type vxlan", 2 * cut),
                        ("netns add", topology.node_count), ("type bridge", topology.node_count - 9),
                        ("address add", 9), (" master br0", 2 * topology.link_count - 9)):  # fmt: skip
        assert sum(kind in word for word in words) == count, kind
    vnis = [word.split(" id ")[1].split()[0] for word in words if "type vxlan" in word]
    assert all(vnis.count(vni) == 2 for vni in vnis)
