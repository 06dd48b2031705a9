"""The ledger of VNIs: one network each, by underlay and UDP port, freed with its network."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.linux.ledgers.owners import Owner
from emulator.linux.ledgers.vni_ledger import VniLedger, VniSpan

HERE, ELSEWHERE = 4026531840, 4026531841


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VniLedger:
    gone = set[str]()
    monkeypatch.setattr(Owner, "is_gone", lambda self: self.name in gone)
    found = VniLedger(tmp_path / "ledgers")
    found.gone = gone  # type: ignore[attr-defined]
    return found


def owner(name: str) -> Owner:
    return Owner(1, 2, Path("/run/e"), name)


def test_overlapping_vnis_are_refused_with_the_name_of_their_network(ledger: VniLedger) -> None:
    assert ledger.require(owner("a"), HERE, [VniSpan(4789, 100, 10)]) == []
    (words,) = ledger.require(owner("b"), HERE, [VniSpan(4789, 109, 5)])
    assert words == "network `a` has VNIs 100 to 109 on UDP port 4789"
    assert [name for name, _ in ledger.taken(HERE)] == ["a"]
    assert ledger.require(owner("b"), HERE, [VniSpan(4789, 110, 5)]) == []
    assert ledger.require(owner("c"), HERE, [VniSpan(4790, 100, 10)]) == []
    assert ledger.require(owner("d"), ELSEWHERE, [VniSpan(4789, 100, 10)]) == []
    assert ledger.taken(ELSEWHERE) == [("d", VniSpan(4789, 100, 10))]


def test_what_a_network_has_no_longer_is_free(ledger: VniLedger, tmp_path: Path) -> None:
    spans = [VniSpan(4789, 1, 3)]
    assert ledger.require(owner("a"), HERE, [*spans, VniSpan(4789, 50, 3)]) == []
    assert ledger.require(owner("a"), HERE, [VniSpan(4789, 50, 4)]) == []  # what it had is replaced
    assert ledger.require(owner("b"), HERE, spans) == []
    ledger.gone.add("a")  # type: ignore[attr-defined]
    assert ledger.require(owner("c"), HERE, [VniSpan(4789, 50, 4)]) == []
    ledger.release(owner("b"))
    ledger.release(owner("c"))
    assert not (tmp_path / "ledgers").exists()


def test_a_damaged_ledger_has_no_entries(ledger: VniLedger, tmp_path: Path) -> None:
    (tmp_path / "ledgers").mkdir()
    (tmp_path / "ledgers" / "vnis.json").write_text('{"x": 1}')
    assert ledger.taken(HERE) == []
    assert ledger.require(owner("a"), HERE, [VniSpan(4789, 1, 1)]) == []
    assert ledger.taken(HERE) == [("a", VniSpan(4789, 1, 1))]
