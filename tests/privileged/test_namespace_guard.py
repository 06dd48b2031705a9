"""After `namespace_guard`, nested and in threads, a thread has its namespaces, current directory and root."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from emulator.errors import MissingError
from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.guard import namespace_guard
from emulator.linux.namespaces.mounts import ensure_private, unmount_all
from emulator.linux.namespaces.store import NamespaceStore

pytestmark = pytest.mark.privileged


def place() -> tuple[str, ...]:
    """Return where this thread is, in a way that tells chroots and mount namespaces apart."""
    own = Path("/proc/thread-self")
    names = [str((own / name).readlink()) for name in ("ns/net", "ns/mnt", "cwd")]
    return *names, str(Path("/").stat().st_ino), str(Path().stat().st_ino)


@pytest.fixture
def stores(state_dir: Path) -> Iterator[list[NamespaceStore]]:
    """Give two networks' stores, each with the namespace of a node called `n`."""
    state_dir.mkdir()
    pins = state_dir / ".mounts"
    ensure_private(pins)
    made = []
    for name in ("aa", "bb"):
        (state_dir / name).mkdir()
        (pins / name).touch()
        store = NamespaceStore(pins / name, state_dir / name)
        with namespace_guard("net", "mnt"):
            store.create()
            store.make("n")
        made.append(store)
    yield made
    for store in made:
        store.release()
        store.folder.rmdir()
    unmount_all(pins)
    pins.rmdir()
    state_dir.rmdir()


def in_a_thread(action: Callable[[], None]) -> None:
    """Run `action` in a thread of its own: what it does to itself ends with it."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(action).result()


def test_nested_leaves_each_place_as_it_was(
    stores: list[NamespaceStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = place()
    first, second = stores
    with first.entered():
        first.go("n")
        os.chdir("/proc")
        between = place()
        with second.entered():
            second.go("n")
            assert len({before[:2], between[:2], place()[:2]}) == 3
        assert place() == between
        with pytest.raises(FileNotFoundError), second.entered():
            os.chdir("/nowhere")
        assert place() == between
    assert place() == before


def test_threads_keep_places_of_their_own(stores: list[NamespaceStore], tmp_path: Path) -> None:
    homes = [tmp_path / str(number) for number in range(4)]
    together = threading.Barrier(len(homes))
    main = place()

    def come_and_go(number: int) -> None:
        homes[number].mkdir()
        syscalls.unshare(syscalls.CLONE_FS)
        os.chdir(homes[number])
        before = place()
        for turn in range(20):
            together.wait(20)
            with stores[(number + turn) % 2].entered():
                pass
            assert place() == before

    with ThreadPoolExecutor(len(homes)) as pool:
        list(pool.map(come_and_go, range(len(homes))))
    assert place() == main


def test_a_thread_begun_inside_does_not_keep_the_other_there(stores: list[NamespaceStore]) -> None:
    """It shares the current directory and root, and then setns(2) refuses to change mounts."""
    before, done = place(), threading.Event()
    with stores[0].entered():
        thread = threading.Thread(target=done.wait)
        thread.start()
    assert place() == before
    done.set()
    thread.join()


def test_a_changed_root_stays(stores: list[NamespaceStore], tmp_path: Path) -> None:
    def within() -> None:
        syscalls.unshare(syscalls.CLONE_FS)
        os.chdir(tmp_path)
        os.chroot(tmp_path)
        before = Path("/").stat().st_ino, Path().stat().st_ino
        assert before[0] == inode
        with namespace_guard("net", "mnt"):
            syscalls.setns(pinned, syscalls.CLONE_NEWNS)
        assert (Path("/").stat().st_ino, Path().stat().st_ino) == before

    inode = tmp_path.stat().st_ino
    (tmp_path / "proc").mkdir()
    syscalls.mount("/proc", str(tmp_path / "proc"), flags=syscalls.MS_BIND | syscalls.MS_REC)
    pinned = os.open(stores[0].pin, os.O_RDONLY | os.O_CLOEXEC)
    try:
        in_a_thread(within)
    finally:
        os.close(pinned)
        syscalls.umount(str(tmp_path / "proc"), syscalls.MNT_DETACH)


def test_a_folder_that_only_others_may_list_is_come_back_to(
    stores: list[NamespaceStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may be squashed on a network file system: a current directory can be entered, not opened."""
    monkeypatch.chdir(tmp_path)
    opened = os.open

    def refusing(path: str, flags: int, *rest: int) -> int:
        if path in {".", "/"} and not flags & os.O_PATH:
            raise PermissionError(13, "Permission denied", path)
        return opened(path, flags, *rest)

    before = place()
    monkeypatch.setattr(os, "open", refusing)
    with stores[0].entered():
        pass
    assert place() == before


@pytest.mark.parametrize("half", ["not bound yet", "unbound already"])
def test_a_node_that_is_made_or_removed_just_now_is_not_there(
    stores: list[NamespaceStore], half: str
) -> None:
    """Both have an ordinary file for a moment, and steps of stress that run side by side may look then."""
    store = stores[0]
    with store.entered():
        file = store.folder / ("m" if half == "not bound yet" else "n")
        if half == "not bound yet":
            file.touch()
        else:
            syscalls.umount(str(file), syscalls.MNT_DETACH)
        with pytest.raises(MissingError, match="is gone"):
            store.go(file.name)
        file.unlink()
