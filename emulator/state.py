"""What runs on this machine, written down before it is made.

The state directory (mode 0700) holds one folder per network: `record.json` (what, which engine,
which phase), `topology.npz` (the graph that runs), `hosts` (names for /etc/hosts), and what the
engine adds. It is on a tmpfs by default, so that a reboot, which ends the networks, ends the
records as well. `EMULATOR_STATE_DIR` moves it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from emulator.errors import BrokenError, EmulationError, UnableError, UsageError
from emulator.locks import BusyError, locked
from emulator.network import LinkState
from topologies import store as topology_store
from topologies.profiles import Shape
from topologies.topology import Topology

DEFAULT = "/run/topology-emulator"
FORMAT = 1
MOUNTS = ".mounts"
"""The folder of mounts that engines keep, one per network, in the state directory."""

_MARK = ".topology-emulator"
"""The file that says that a folder is a network's: `EMULATOR_STATE_DIR` may hold other folders too."""

_HALF = re.compile(r"^\.(.+)\.part$")
"""The name of a network's folder while it is being made or removed."""


def state_root() -> Path:
    """Return the state directory (it may not exist yet), as the kernel names it in the mount table."""
    return Path(os.environ.get("EMULATOR_STATE_DIR") or DEFAULT).resolve()


@dataclass
class Record:
    """One network's run record. `phase` is deploying, up or removing; `links` are live changes."""

    name: str
    engine: str
    phase: str = "deploying"
    created: float = field(default_factory=time.time)
    file: str = ""
    links: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def set_link(self, link: int, state: LinkState) -> None:
        """Note the live state of a link; a state that changes nothing is not kept."""
        if state == LinkState():
            self.links.pop(str(link), None)
        else:
            self.links[str(link)] = asdict(state)


def link_states(record: Record) -> dict[int, LinkState]:
    """Return the live changes that `record` holds, by link index."""
    return {
        int(link): LinkState(
            up=data["up"],
            forward=Shape(**data["forward"]) if data["forward"] else None,
            backward=Shape(**data["backward"]) if data["backward"] else None,
        )
        for link, data in record.links.items()
    }


class NetworkState:
    """The folder of one network."""

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.name = name
        self.folder = root / name

    @property
    def record_path(self) -> Path:
        """Where the run record stands."""
        return self.folder / "record.json"

    @property
    def topology_path(self) -> Path:
        """Where the graph that runs is saved."""
        return self.folder / "topology.npz"

    @property
    def hosts_path(self) -> Path:
        """Where the /etc/hosts of the network's nodes stands."""
        return self.folder / "hosts"

    @property
    def pin_path(self) -> Path:
        """Where the engine may keep the network's one mount."""
        return self.root / MOUNTS / self.name

    @property
    def exists(self) -> bool:
        """Whether anything of the network is there, if only half of it."""
        return _is_network(self.folder) or self._half.exists() or self.pin_path.exists()

    @property
    def _half(self) -> Path:
        return self.root / f".{self.name}.part"

    def make(self) -> None:
        """Make the folders, mode 0700; the network's own appears with its mark in it.

        Raises UnableError, also when something that isn't ours has the folder's name.
        """
        if _is_network(self.folder):
            return
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.rmtree(self._half, ignore_errors=True)
            self._half.mkdir(mode=0o700)
            (self._half / _MARK).touch()
        except OSError as error:
            raise _unwritable(self.root, error) from error
        try:
            self._half.rename(self.folder)
        except OSError as error:
            shutil.rmtree(self._half, ignore_errors=True)
            raise UnableError(
                f"{self.folder} is in the way: it isn't a network's; "
                f"move it, or set EMULATOR_STATE_DIR to a folder of your own"
            ) from error

    def write(self, record: Record) -> None:
        """Write the record so that a crash leaves the old one or the new one, never half of one."""
        part = self.folder / "record.json.part"
        try:
            with part.open("w", encoding="utf-8") as file:
                json.dump(asdict(record), file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.record_path)
        except OSError as error:
            raise BrokenError(f"can't write the run record {self.record_path}: {error.strerror}") from error

    def read(self) -> Record:
        """Return the record; UsageError when there is no such network."""
        try:
            data = json.loads(self.record_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            if self.exists:
                raise BrokenError(
                    f"`{self.name}` has no run record; `emulator down {self.name}` removes what is left"
                ) from None
            raise UsageError(unknown_network(self.name, names(self.root))) from None
        except (OSError, ValueError) as error:
            raise self._damaged(error) from error
        if isinstance(data, dict) and data.get("format", FORMAT) != FORMAT:
            raise BrokenError(
                f"{self.record_path} was written by another version; take it down with that one"
            )
        try:
            record = Record(**data)
            link_states(record)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise self._damaged("it isn't a record") from error
        return record

    def _damaged(self, why: object) -> BrokenError:
        return BrokenError(
            f"the run record {self.record_path} can't be read ({why}); "
            f"`emulator down {self.name}` removes what it stands for"
        )

    def save(self, topology: Topology, hosts: str) -> None:
        """Write the graph that runs and the /etc/hosts of its nodes; BrokenError when the disk can't."""
        try:
            topology_store.save(topology, self.topology_path)
            self.hosts_path.write_text(hosts, encoding="utf-8")
        except OSError as error:
            raise BrokenError(f"can't write to {self.folder}: {error.strerror}") from error

    def load(self) -> Topology:
        """Return the graph that runs; BrokenError when it can't be read."""
        try:
            return topology_store.load(self.topology_path)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise BrokenError(
                f"{self.topology_path} can't be read ({error}); "
                f"`emulator down {self.name}` removes what it stands for"
            ) from error

    def require_engine(self, engine: str) -> None:
        """Raise UsageError when the network is up on another engine."""
        try:
            record = self.read()
        except EmulationError:
            return
        if record.engine != engine:
            raise UsageError(
                f"`{self.name}` is up on the engine {record.engine}; `emulator down {self.name}` first"
            )

    def remove(self) -> None:
        """Remove the folder, if it is ours. Killed half-way, what is left is known to be half."""
        shutil.rmtree(self._half, ignore_errors=True)
        if _is_network(self.folder):
            self.folder.rename(self._half)
            shutil.rmtree(self._half, ignore_errors=True)

    @contextmanager
    def locked(self, action: str) -> Iterator[None]:
        """Hold the network's lock: two commands never change one network at the same time."""
        path = self.root / f".{self.name}.lock"
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(path, wait=False))
            except OSError as error:
                raise _unwritable(self.root, error) from error
            except BusyError:
                raise BrokenError(
                    f"another command is changing network `{self.name}`; wait for it, then {action} again"
                ) from None
            try:
                yield
            finally:
                if not self.exists:
                    path.unlink(missing_ok=True)
                stack.close()
                self._sweep()

    def shared_lock(self) -> AbstractContextManager[None]:
        """Hold the lock of what all networks share: the state directory's own mount."""
        return locked(self.root / ".lock", wait=True)

    def _sweep(self) -> None:
        """When no network is left remove lock files of killed commands, and the directory if it is empty."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            entries = {entry.name for entry in self.root.iterdir()}
            if not names(self.root) and not entries & {MOUNTS, "sysctls.json", "cgroups.json"}:
                with self.shared_lock():
                    for name in entries - {".lock"}:
                        if name.startswith(".") and name.endswith(".lock"):
                            _remove_if_free(self.root / name)
                    with contextlib.suppress(OSError):
                        (self.root / ".lock").unlink()
                        self.root.rmdir()


def names(root: Path | None = None) -> list[str]:
    """Return the names of the networks of which there is anything, if only half of it, sorted."""
    root = root or state_root()
    found = set()
    for entry in root.iterdir() if root.is_dir() else ():
        half = _HALF.match(entry.name)
        if half and entry.is_dir():
            found.add(half[1])
        elif entry.name == MOUNTS:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                found |= {pin.name for pin in entry.iterdir()}
        elif _is_network(entry):
            found.add(entry.name)
    return sorted(found)


def _is_network(folder: Path) -> bool:
    """Return whether `folder` is one that we made, and not something else in the state directory."""
    if folder.is_symlink():
        return False
    return (folder / _MARK).exists() or (folder / "record.json").exists()


def unknown_network(name: str, known: list[str]) -> str:
    """Return the words for a network that isn't there."""
    if not known:
        return f"no network `{name}` runs here; nothing is up (`emulator up FILE` brings one up)"
    return f"no network `{name}` runs here; up: {', '.join(known)}"


def _unwritable(root: Path, error: OSError) -> UnableError:
    return UnableError(
        f"can't write to the state directory {root}: {error.strerror}; "
        f"run as root, or set EMULATOR_STATE_DIR to a folder of your own"
    )


def _remove_if_free(lock: Path) -> None:
    """Remove a lock file unless somebody holds it."""
    with contextlib.suppress(BusyError), locked(lock, wait=False):
        lock.unlink(missing_ok=True)
