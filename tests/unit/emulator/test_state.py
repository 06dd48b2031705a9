"""Run records and locks."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from emulator.errors import BrokenError, UnableError, UsageError
from emulator.locks import BusyError, locked
from emulator.network import LinkState
from emulator.state import NetworkState, Record, link_states, names, state_root
from topologies.profiles import Shape


def state_in(tmp_path: Path, name: str = "dc") -> NetworkState:
    state = NetworkState(tmp_path / "state", name)
    state.make()
    return state


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    state = state_in(tmp_path)
    record = Record("dc", "netns", file="dc.yaml")
    record.set_link(3, LinkState(up=False, forward=Shape(bandwidth=1e6)))
    state.write(record)
    assert state.read() == record
    assert link_states(state.read()) == {3: LinkState(up=False, forward=Shape(bandwidth=1e6))}


def test_a_link_that_is_as_the_file_says_is_not_kept() -> None:
    record = Record("dc", "netns")
    record.set_link(3, LinkState(up=False))
    record.set_link(3, LinkState())
    assert record.links == {}


def test_the_folders_are_for_root_only(tmp_path: Path) -> None:
    state = state_in(tmp_path)
    assert state.root.stat().st_mode & 0o777 == 0o700
    assert state.folder.stat().st_mode & 0o777 == 0o700


def test_an_unknown_network_is_said_with_those_that_are_up(tmp_path: Path) -> None:
    state_in(tmp_path, "east")
    with pytest.raises(UsageError, match=r"no network `dc` is up; these are: east"):
        NetworkState(tmp_path / "state", "dc").read()
    assert names(tmp_path / "state") == ["east"]


def test_an_unknown_network_is_said_with_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^no network `dc` is up; `emulator up FILE` starts one$"):
        NetworkState(tmp_path / "state", "dc").read()


@pytest.mark.parametrize(
    "text",
    [
        "{half", "[]", "null", "3", "{}", '{"name": "dc", "engine": "netns", "x": 1}',
        '{"name": "dc", "engine": "netns", "links": {"z": 3}}',
        '{"name": "dc", "engine": "netns", "links": []}',
        '{"name": "dc", "engine": "netns", "workers": [{"memory": 3}]}',
        '{"name": "dc", "engine": "netns", "workers": ["w1"]}',
    ],
)  # fmt: skip
def test_a_damaged_record_says_how_to_get_rid_of_it(text: str, tmp_path: Path) -> None:
    state = state_in(tmp_path)
    state.record_path.write_text(text)
    with pytest.raises(BrokenError, match="emulator down dc"):
        state.read()


def test_a_full_disk_is_said_and_the_old_record_stays(tmp_path: Path) -> None:
    state = state_in(tmp_path)
    state.write(Record("dc", "netns", phase="up"))
    (state.folder / "record.json.part").mkdir()
    with pytest.raises(UnableError, match="can't write to the state directory"):
        state.write(Record("dc", "netns", phase="removing"))
    assert state.read().phase == "up"


def test_two_commands_never_change_one_network_at_once(tmp_path: Path) -> None:
    state = state_in(tmp_path)
    with (
        state.locked("up"),
        pytest.raises(BrokenError, match="another command is changing"),
        state.locked("up"),
    ):
        pass


def test_the_state_directory_goes_with_its_last_network(tmp_path: Path) -> None:
    state = state_in(tmp_path)
    with state.locked("down"):
        state.remove()
    assert not state.root.exists()


def test_a_lock_file_of_a_killed_command_is_swept(tmp_path: Path) -> None:
    state = state_in(tmp_path)
    (state.root / ".gone.lock").touch()
    with state.locked("down"):
        state.remove()
    assert not state.root.exists()


def test_whoever_waits_for_a_lock_isnt_fooled_by_its_removal(tmp_path: Path) -> None:
    path = tmp_path / "l"
    order: list[str] = []
    entered, waiting = threading.Event(), threading.Event()

    def first() -> None:
        with locked(path, wait=True):
            entered.set()
            waiting.wait(5)
            order.append("first")
            path.unlink()

    thread = threading.Thread(target=first)
    thread.start()
    entered.wait(5)
    waiting.set()
    with locked(path, wait=True):
        order.append("second")
        assert path.exists()
    thread.join()
    assert order == ["first", "second"]


def test_a_held_lock_is_busy(tmp_path: Path) -> None:
    with locked(tmp_path / "l", wait=True), pytest.raises(BusyError), locked(tmp_path / "l", wait=False):
        pass


def test_folders_that_are_not_networks_are_neither_listed_nor_removed(tmp_path: Path) -> None:
    foreign = tmp_path / "photos" / "2024"
    foreign.mkdir(parents=True)
    state = NetworkState(tmp_path, "photos")
    assert names(tmp_path) == []
    with pytest.raises(UnableError, match="isn't the folder of a network; move it"):
        state.make()
    with state.locked("down"):
        state.remove()
    assert foreign.is_dir()
    assert [entry.name for entry in tmp_path.iterdir()] == ["photos"]


def test_half_a_network_is_listed_and_goes(tmp_path: Path) -> None:
    (tmp_path / ".dc.part" / "ns").mkdir(parents=True)
    state = NetworkState(tmp_path, "dc")
    assert names(tmp_path) == ["dc"]
    with pytest.raises(BrokenError, match="emulator down dc"):
        state.read()
    state.remove()
    assert names(tmp_path) == []


def test_the_state_directory_is_named_as_the_kernel_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    for text in ("link/state", "real/../link/state", str(tmp_path / "link" / "state")):
        monkeypatch.setenv("EMULATOR_STATE_DIR", text)
        assert state_root() == (tmp_path / "real" / "state").resolve()


@pytest.mark.parametrize(
    "way", ["file", "file/x", "n" * 300, "absent/" + "n" * 300, "a/" * 2500, "loop", "loop/x"]
)
def test_a_path_that_can_be_no_folder_is_refused(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / way))
    with pytest.raises(UnableError, match="can't write to the state directory"):
        state_root()
    assert {path.name for path in tmp_path.iterdir()} == {"file", "loop"}


def test_a_lock_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".dc.lock").symlink_to("nowhere/else")
    with pytest.raises(UnableError), NetworkState(tmp_path, "dc").locked("down"):
        pass


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"PK\x03\x04 cut off"])
def test_a_damaged_graph_says_how_to_get_rid_of_it(content: bytes | None, tmp_path: Path) -> None:
    state = state_in(tmp_path)
    if content is not None:
        state.topology_path.write_bytes(content)
    with pytest.raises(BrokenError, match="emulator down dc"):
        state.load()
