"""Whether a network of the machine's ledger is gone: its files, its lock, its mount, its namespaces."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.linux.ledgers.owners import Owner
from emulator.locks import locked
from emulator.state import NetworkState

_NETWORK = """
import sys
from pathlib import Path
from emulator.linux.ledgers.owners import Owner
from emulator.state import NetworkState

state = NetworkState(Path(sys.argv[1], "state"), "net")
with state.locked("up"):
    state.make()
    print(Owner.here(state.root, "net"), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def state(tmp_path: Path) -> NetworkState:
    made = NetworkState(tmp_path / "a b", "net")
    made.make()
    return made


def test_it_reads_what_it_wrote(tmp_path: Path) -> None:
    owner = Owner.here(tmp_path / "a b", "net.x")
    assert Owner.parsed(str(owner)) == owner
    for text in ("", "net", "1 2", "x y /run/a", "1 2 /run/"):
        with pytest.raises(ValueError, match=r".*"):
            Owner.parsed(text)


def test_while_a_command_holds_its_lock_it_is_there(state: NetworkState) -> None:
    owner = Owner.here(state.root, "net")
    with locked(state.lock_path, wait=False):
        assert not owner.is_gone()
    assert owner.is_gone()  # a folder, and nothing in the kernel


def test_without_its_folder_it_is_gone(state: NetworkState) -> None:
    owner = Owner.here(state.root, "net")
    with locked(state.lock_path, wait=False):
        state.remove()
        assert owner.is_gone()


def test_what_cant_be_seen_from_here_is_not_called_gone(tmp_path: Path) -> None:
    mine = Owner.here(tmp_path, "net")
    if mine.pids == 0xEFFFFFFC:
        pytest.skip("all processes are seen from the first PID namespace")
    assert not mine._replace(pids=mine.pids + 1).is_gone()


@pytest.mark.skipif(os.geteuid() != 0, reason="who isn't root can't look at all processes")
def test_a_network_ends_with_the_last_process_of_its_mount_namespace(state: NetworkState) -> None:
    ended = Owner.here(state.root, "net")._replace(mounts=1)  # no namespace has this number
    with locked(state.lock_path, wait=False):
        assert ended.is_gone()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_path_is_looked_up_where_it_was_written_down(tmp_path: Path) -> None:
    """A state directory on a file system that only another mount namespace has."""
    words = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$2" && exec "$0" -c "$1" "$2"',
             sys.executable, _NETWORK, str(tmp_path)]  # fmt: skip
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        owner = Owner.parsed(process.stdout.readline().strip())
        assert not (tmp_path / "state").exists()
        assert not owner.is_gone()
        process.stdin.close()
        process.wait(10)
    assert owner.is_gone()


_IN_USER_NAMESPACE = """
import sys
from emulator.linux.ledgers.owners import Owner
print(Owner.parsed(sys.argv[1]).is_gone())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_who_may_not_look_at_processes_declares_nobody_gone(state: NetworkState) -> None:
    """Root of a user namespace: what is refused (EACCES) isn't what has ended (ENOENT)."""
    owner = str(Owner.here(state.root, "net"))
    words = [sys.executable, "-P", "-c", _IN_USER_NAMESPACE, owner]
    with locked(state.lock_path, wait=False):
        for unshare in ([], ["unshare", "--user", "--map-root-user", "--net", "--mount"]):
            done = subprocess.run([*unshare, *words], check=True, capture_output=True, text=True)
            assert done.stdout == "False\n"
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert done.stdout == "True\n"
