"""What is switched on at the top of version 2's hierarchy is switched back, on a tree of plain files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.linux import cgroups
from emulator.linux.cgroup_ledger import NAME, CgroupLedger
from emulator.linux.cgroups import Hierarchy


class Tree:
    """A hierarchy of plain files: reading a control gives what was last switched on and not off."""

    def __init__(self, root: Path, on: str = "") -> None:
        self.root = root
        self.root.mkdir()
        self.control = root / "cgroup.subtree_control"
        self.control.write_text(on)

    def settle(self) -> list[str]:
        """Do to the file what the kernel does: `+cpu` adds a word, `-cpu` takes it away."""
        words = self.control.read_text().split()
        self.control.write_text(" ".join(w.lstrip("+") for w in words if not w.startswith("-")))
        return words

    def group(self, name: str, **files: str) -> None:
        """Make a group of somebody's."""
        (self.root / name).mkdir()
        for key, text in files.items():
            (self.root / name / key.replace("_", ".", 1)).write_text(text)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "cgroup")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_the_last_network_switches_it_back(tree: Tree, state: Path) -> None:
    ledger = CgroupLedger(state)
    ledger.hand_down("one", tree.root, "cpu")
    assert tree.settle() == ["+cpu"]
    ledger.hand_down("two", tree.root, "cpu")
    assert tree.settle() == ["cpu"]
    assert ledger.networks() == {"one", "two"}
    ledger.release("one", tree.root)
    assert tree.settle() == ["cpu"]
    ledger.release("two", tree.root)
    assert tree.settle() == ["-cpu"]
    assert list(state.iterdir()) == []


def test_it_is_written_down_before_it_is_done(tree: Tree, state: Path) -> None:
    tree.control.unlink()
    tree.control.mkdir()  # can't be written
    with pytest.raises(IsADirectoryError):
        CgroupLedger(state).hand_down("one", tree.root, "cpu")
    assert json.loads((state / NAME).read_text()) == {"cpu": ["one"]}


def test_what_others_switched_on_stays(tree: Tree, state: Path) -> None:
    tree.control.write_text("cpu memory")
    ledger = CgroupLedger(state)
    ledger.hand_down("one", tree.root, "cpu")
    ledger.release("one", tree.root)
    assert tree.control.read_text() == "cpu memory"


@pytest.mark.parametrize(
    "files",
    [{"cpu_max": "50000 100000"}, {"cpu_weight": "200"}, {"cgroup_subtree_control": "cpu pids"}],
    ids=lambda files: next(iter(files)),
)
def test_what_others_came_to_use_stays(tree: Tree, state: Path, files: dict[str, str]) -> None:
    ledger = CgroupLedger(state)
    ledger.hand_down("one", tree.root, "cpu")
    tree.settle()
    tree.group("idle", cpu_max="max 100000", cpu_weight="100")
    tree.group("others", **files)
    ledger.release("one", tree.root)
    assert tree.settle() == ["cpu"]
    assert not (state / NAME).exists()


def test_idle_groups_of_others_keep_nothing(tree: Tree, state: Path) -> None:
    ledger = CgroupLedger(state)
    ledger.hand_down("one", tree.root, "memory")
    tree.settle()
    tree.group("idle", memory_max="max", memory_low="0", cgroup_subtree_control="pids")
    ledger.release("one", tree.root)
    assert tree.settle() == ["-memory"]


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"cpu": 3}'])
def test_a_damaged_ledger_stops_nothing(tree: Tree, state: Path, damage: str) -> None:
    state.mkdir()
    (state / NAME).write_text(damage)
    CgroupLedger(state).release("one", tree.root)
    assert CgroupLedger(state).networks() == set()


def test_down_gives_it_back(tree: Tree, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "hierarchies", lambda: {"cpu": Hierarchy("cpu", 2, tree.root)})
    CgroupLedger(state).hand_down("one", tree.root, "cpu")
    tree.settle()
    cgroups.remove(state, "one")
    assert tree.settle() == ["-cpu"]
