"""The ledger of global sysctls: the right value at every step, whoever is killed, the old one at the end."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from emulator.linux.ledgers import sysctl_ledger
from emulator.linux.ledgers.ledger_file import LedgerFile
from emulator.linux.ledgers.owners import Owner
from emulator.linux.ledgers.sysctl_ledger import SysctlLedger

NAME = "net.ipv4.neigh.default.gc_thresh3"
OTHER = "kernel.pty.max"
OWNER = "4026531836 4026531840 /run/a/net"


class KilledError(BaseException):
    """What `kill -9` is: nothing after it is done."""


class Machine:
    """Sysctls in memory, the networks that are there, and a process that may be killed."""

    def __init__(self, **values: int) -> None:
        self.values: dict[str, int] = values
        self.locked: set[str] = set()
        self.there: set[Owner] = set()
        self.lives = -1

    def step(self) -> None:
        """Do one thing that can't be undone by itself; die when it was the last."""
        if self.lives == 0:
            raise KilledError
        self.lives -= 1

    def read(self, name: str) -> int | None:
        return self.values.get(name)

    def write(self, name: str, value: int) -> bool:
        if name in self.locked:
            return False
        self.step()
        self.values[name] = value
        self.step()
        return True


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(**{NAME: 1024, OTHER: 4096})
    monkeypatch.setattr(sysctl_ledger, "read_global", made.read)
    monkeypatch.setattr(sysctl_ledger, "write_global", made.write)
    monkeypatch.setattr(Owner, "is_gone", lambda owner: owner not in made.there)
    save = LedgerFile.save

    def saved(file: LedgerFile[dict[str, object]], entries: dict[str, object]) -> None:
        made.step()
        save(file, entries)
        made.step()

    monkeypatch.setattr(LedgerFile, "save", saved)
    return made


def owner(root: str, name: str = "net") -> Owner:
    return Owner(1, 2, Path(root), name)


@pytest.mark.parametrize(
    "text",
    [
        "", "{x", "[1]", "null", f'{{"{NAME}": 3}}', f'{{"{NAME}": {{"needs": 1}}}}',
        f'{{"{NAME}": {{"needs": {{"dc": 5}}, "set": [5], "original": 3}}}}',
        f'{{"{NAME}": {{"needs": {{"{OWNER}": "x"}}, "set": [5], "original": 3}}}}',
    ],
)  # fmt: skip
def test_a_damaged_ledger_stops_nobody(text: str, tmp_path: Path, machine: Machine) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "sysctls.json").write_text(text)
    ledger = SysctlLedger(tmp_path / "place")
    ledger.release(owner("/run/a"))
    assert list(tmp_path.iterdir()) == []
    assert machine.values == {NAME: 1024, OTHER: 4096}


def test_the_same_name_in_two_state_directories(tmp_path: Path, machine: Machine) -> None:
    a, b = owner("/run/a"), owner("/run/b")
    machine.there = {a, b}
    ledger = SysctlLedger(tmp_path)
    ledger.require(a, {NAME: 5000})
    ledger.require(b, {NAME: 3000})
    assert machine.values[NAME] == 8000
    ledger.release(a)
    assert machine.values[NAME] == 3000
    ledger.release(b)
    assert machine.values[NAME] == 1024


def test_what_each_has_enough_of_alone_is_raised_for_both(tmp_path: Path, machine: Machine) -> None:
    owners = [owner("/run/a"), owner("/run/b"), owner("/run/c")]
    machine.there = set(owners)
    ledger = SysctlLedger(tmp_path / "place")
    for who, value in zip(owners, (1024, 1024, 1500), strict=True):
        ledger.require(who, {NAME: 500})
        assert machine.values[NAME] == value
    for who in owners:
        ledger.release(who)
    assert machine.values[NAME] == 1024
    assert not (tmp_path / "place").exists()


def test_no_sum_is_more_than_the_kernel_can_hold(tmp_path: Path, machine: Machine) -> None:
    a, b = owner("/run/a"), owner("/run/b")
    machine.there = {a, b}
    ledger = SysctlLedger(tmp_path)
    ledger.require(a, {NAME: 1 << 31})
    ledger.require(b, {NAME: 1 << 31})
    assert machine.values[NAME] == (1 << 31) - 1


def test_a_network_that_vanished_holds_nothing(tmp_path: Path, machine: Machine) -> None:
    a, b = owner("/run/a"), owner("/run/b")
    machine.there = {a, b}
    SysctlLedger(tmp_path).require(a, {NAME: 5000, OTHER: 9000})
    machine.there = {b}
    SysctlLedger(tmp_path).require(b, {NAME: 3000})
    assert machine.values == {NAME: 3000, OTHER: 4096}
    machine.there = set()
    SysctlLedger(tmp_path).sweep()
    assert machine.values == {NAME: 1024, OTHER: 4096}


def test_what_somebody_else_sets_stays_unless_it_is_too_little(tmp_path: Path, machine: Machine) -> None:
    a, b = owner("/run/a"), owner("/run/b")
    machine.there = {a, b}
    ledger = SysctlLedger(tmp_path)
    ledger.require(a, {NAME: 5000})
    machine.values[NAME] = 7777
    ledger.require(b, {NAME: 2000})
    ledger.release(a)
    assert machine.values[NAME] == 7777
    machine.values[NAME] = 100
    ledger.require(b, {NAME: 6000})
    assert machine.values[NAME] == 6000
    machine.values[NAME] = 7777
    ledger.release(b)
    assert machine.values[NAME] == 7777


def test_what_may_not_be_set_is_said_and_not_kept(tmp_path: Path, machine: Machine) -> None:
    a = owner("/run/a")
    machine.there = {a}
    machine.locked = {NAME}
    del machine.values[OTHER]
    (words,) = SysctlLedger(tmp_path / "place").require(a, {NAME: 5000, OTHER: 9000, "fs.x": 1})
    assert f"{NAME}=5000" in words
    assert f"{OTHER}=9000" in words
    assert not (tmp_path / "place").exists()


def test_without_the_file_an_entry_that_cant_be_put_back_from_here_stays(
    tmp_path: Path, machine: Machine
) -> None:
    a = owner("/run/a")
    machine.there = {a}
    SysctlLedger(tmp_path).require(a, {NAME: 5000})
    del machine.values[NAME]  # seen from a container
    SysctlLedger(tmp_path).release(a)
    machine.values[NAME] = 5000
    SysctlLedger(tmp_path).sweep()
    assert machine.values[NAME] == 1024


@pytest.mark.parametrize("seed", range(60))
def test_the_value_is_right_at_every_step_whoever_is_killed(
    seed: int, tmp_path: Path, machine: Machine
) -> None:
    """Networks of three state directories come, change, go, vanish, and are killed after any step at all."""
    random = Random(seed)
    place = tmp_path / "place"
    owners = [owner(f"/run/{letter}", name) for letter in "abc" for name in ("x", "y")]
    needs: dict[Owner, dict[str, int]] = {}

    def expected(name: str, original: int) -> int:
        return max(original, sum(need.get(name, 0) for need in needs.values()))

    for _ in range(30):
        who = random.choice(owners)
        need = {name: random.choice([500, 2000, 3000, 5000, 8000]) for name in (NAME, OTHER)}
        machine.lives = random.choice([-1, -1, random.randrange(12)])
        action = random.choice(["up", "up", "down", "vanish"])
        try:
            if action == "up":
                machine.there.add(who)
                SysctlLedger(place).require(who, need)
                needs[who] = need
            elif action == "down":
                SysctlLedger(place).release(who)
                machine.there.discard(who)
                needs.pop(who, None)
            else:
                machine.there.discard(who)
                needs.pop(who, None)
                SysctlLedger(place).sweep()
        except KilledError:
            machine.lives = -1
            if action == "up":  # what `down` does to what a killed `up` left
                SysctlLedger(place).release(who)
                machine.there.discard(who)
                needs.pop(who, None)
            else:
                SysctlLedger(place).release(who) if action == "down" else SysctlLedger(place).sweep()
                machine.there.discard(who)
                needs.pop(who, None)
        machine.lives = -1
        assert machine.values == {NAME: expected(NAME, 1024), OTHER: expected(OTHER, 4096)}
    for who in owners:
        SysctlLedger(place).release(who)
    assert machine.values == {NAME: 1024, OTHER: 4096}
    assert not place.exists()
