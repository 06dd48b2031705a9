"""Whose networks a worker has."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.agent.networks import OWNER, is_ours, require_owner
from emulator.errors import UsageError
from emulator.state import NetworkState, Record, state_root


@pytest.mark.parametrize(
    ("engine", "owner", "words"),
    [
        ("netns", {}, "somebody on that machine"),
        ("netns", {"id": "2"}, "another client of this cluster"),
        ("cluster", {}, "start it with another EMULATOR_STATE_DIR"),
    ],
)
def test_a_network_of_others_is_told_by_who_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, owner: dict[str, str], words: str
) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    require_owner("lab", "1")  # there is none
    state = NetworkState(state_root(), "lab")
    state.make()
    state.write(Record("lab", engine, "up", plan_options={OWNER: owner}))
    assert not is_ours("lab", "1")
    with pytest.raises(UsageError, match=words):
        require_owner("lab", "1")


def test_a_network_of_the_same_number_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    state = NetworkState(state_root(), "lab")
    state.make()
    state.write(Record("lab", "netns", "up", plan_options={OWNER: {"id": "1"}}))
    require_owner("lab", "1")
    assert is_ours("lab", "1")
