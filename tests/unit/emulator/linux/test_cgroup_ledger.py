"""What is switched on at the top of version 2's hierarchy is switched back, on a tree of plain files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.linux import cgroups
from emulator.linux.cgroup_mounts import Hierarchy
from emulator.linux.ledgers import cgroup_ledger
from emulator.linux.ledgers.cgroup_ledger import NAME, CgroupLedger
from emulator.linux.ledgers.owners import Owner

ONE, TWO = Owner(1, 2, Path("/run/a"), "one"), Owner(1, 2, Path("/run/b"), "one")


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
def gone(monkeypatch: pytest.MonkeyPatch) -> set[Owner]:
    """Return the networks that are gone, to be filled."""
    names: set[Owner] = set()
    monkeypatch.setattr(Owner, "is_gone", lambda owner: owner in names)
    return names


@pytest.fixture
def state(tmp_path: Path, gone: set[Owner]) -> Path:
    del gone
    return tmp_path / "state"


def test_the_last_network_switches_it_back(tree: Tree, state: Path) -> None:
    ledger = CgroupLedger(state)
    ledger.hand_down(ONE, tree.root, "cpu")
    assert tree.settle() == ["+cpu"]
    ledger.hand_down(TWO, tree.root, "cpu")
    assert tree.settle() == ["cpu"]
    ledger.release(ONE, tree.root)
    assert tree.settle() == ["cpu"]
    ledger.release(TWO, tree.root)
    assert tree.settle() == ["-cpu"]
    assert not state.exists()


def test_a_network_that_vanished_keeps_nothing(tree: Tree, state: Path, gone: set[Owner]) -> None:
    CgroupLedger(state).hand_down(ONE, tree.root, "cpu")
    tree.settle()
    gone.add(ONE)
    CgroupLedger(state).release(None, tree.root)
    assert tree.settle() == ["-cpu"]
    assert not state.exists()


def test_it_is_written_down_before_it_is_done(tree: Tree, state: Path) -> None:
    tree.control.unlink()
    tree.control.mkdir()  # can't be written
    with pytest.raises(IsADirectoryError):
        CgroupLedger(state).hand_down(ONE, tree.root, "cpu")
    assert json.loads((state / NAME).read_text()) == {"cpu": [str(ONE)]}


def test_what_others_switched_on_stays(tree: Tree, state: Path) -> None:
    tree.control.write_text("cpu memory")
    ledger = CgroupLedger(state)
    ledger.hand_down(ONE, tree.root, "cpu")
    ledger.release(ONE, tree.root)
    assert tree.control.read_text() == "cpu memory"


@pytest.mark.parametrize(
    "files",
    [{"cpu_max": "50000 100000"}, {"cpu_weight": "200"}, {"cgroup_subtree_control": "cpu pids"}],
    ids=lambda files: next(iter(files)),
)
def test_what_others_came_to_use_stays(tree: Tree, state: Path, files: dict[str, str]) -> None:
    ledger = CgroupLedger(state)
    ledger.hand_down(ONE, tree.root, "cpu")
    tree.settle()
    tree.group("idle", cpu_max="max 100000", cpu_weight="100")
    tree.group("others", **files)
    ledger.release(ONE, tree.root)
    assert tree.settle() == ["cpu"]
    assert not (state / NAME).exists()


def test_idle_groups_of_others_keep_nothing(tree: Tree, state: Path) -> None:
    ledger = CgroupLedger(state)
    ledger.hand_down(ONE, tree.root, "memory")
    tree.settle()
    tree.group("idle", memory_max="max", memory_low="0", cgroup_subtree_control="pids")
    ledger.release(ONE, tree.root)
    assert tree.settle() == ["-memory"]


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"cpu": 3}'])
def test_a_damaged_ledger_stops_nothing(tree: Tree, state: Path, damage: str) -> None:
    state.mkdir()
    (state / NAME).write_text(damage)
    CgroupLedger(state).release(ONE, tree.root)
    assert not (state / NAME).exists()


def test_down_gives_it_back(tree: Tree, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "hierarchies", lambda: {"cpu": Hierarchy("cpu", 2, tree.root)})
    monkeypatch.setattr(cgroup_ledger, "ledger_place", lambda: state)
    CgroupLedger().hand_down(Owner.here(Path("/run/a"), "one"), tree.root, "cpu")
    tree.settle()
    cgroups.remove(Path("/run/a"), "one")
    assert tree.settle() == ["-cpu"]
