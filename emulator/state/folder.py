"""Folder of one network: its record, graph, placement and lock."""

from __future__ import annotations

import contextlib
import json
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emulator.atomic_write import write_atomically
from emulator.errors import BrokenError, EmulationError, UnableError, UsageError
from emulator.locks import BusyError, locked
from emulator.plan import Plan
from emulator.state.directory import (
    MARK,
    MOUNTS,
    half_of,
    is_network,
    names,
    sweep,
    unknown_network,
    unwritable,
)
from emulator.state.record import FORMAT, Record, link_states, workers_of
from topologies import store as topology_store
from topologies.topology import Topology

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)
"""What numpy raises for a damaged file."""


class NetworkState:
    """Folder of one network."""

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.name = name
        self.folder = root / name
        self._half = half_of(root, name)

    @property
    def record_path(self) -> Path:
        """Path of the run record."""
        return self.folder / "record.json"

    @property
    def topology_path(self) -> Path:
        """Path of the running graph."""
        return self.folder / "topology.npz"

    @property
    def placement_path(self) -> Path:
        """Path of the worker of each node; it exists with several workers only."""
        return self.folder / "placement.npy"

    @property
    def hosts_path(self) -> Path:
        """Path of the /etc/hosts of the network's nodes."""
        return self.folder / "hosts"

    @property
    def pin_path(self) -> Path:
        """Path of the network's one mount, for the engine."""
        return self.root / MOUNTS / self.name

    @property
    def lock_path(self) -> Path:
        """Path of the lock that a command holds while it changes the network."""
        return self.root / f".{self.name}.lock"

    @property
    def exists(self) -> bool:
        """True when anything of the network exists, complete or not."""
        return is_network(self.folder) or self._half.exists() or self.pin_path.exists()

    def make(self) -> None:
        """Create the folders with mode 0700. The network's own appears with its mark in it.

        Raises UnableError, also if something else has the folder's name.
        """
        if is_network(self.folder):
            return
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.rmtree(self._half, ignore_errors=True)
            self._half.mkdir(mode=0o700)
            (self._half / MARK).touch()
        except OSError as error:
            raise unwritable(self.root, error) from error
        try:
            self._half.rename(self.folder)
        except OSError as error:
            shutil.rmtree(self._half, ignore_errors=True)
            raise UnableError(
                f"{self.folder} isn't the folder of a network; "
                f"move it, or set EMULATOR_STATE_DIR to a folder of your own"
            ) from error

    def write(self, record: Record) -> None:
        """Write the record atomically: a crash leaves the old one or the new one."""
        try:
            write_atomically(self.record_path, json.dumps(asdict(record)))
        except OSError as error:
            raise unwritable(self.root, error) from error

    def read(self) -> Record:
        """Return the record; UsageError if there is no such network."""
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
                f"{self.record_path} was written by another version; take the network down with that version"
            )
        try:
            record = Record(**data)
            link_states(record)
            workers_of(record)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise self._damaged("it isn't a record") from error
        return record

    def _damaged(self, why: object) -> BrokenError:
        return BrokenError(
            f"the run record {self.record_path} can't be read ({why}); "
            f"`emulator down {self.name}` removes the network"
        )

    def save(self, plan: Plan, hosts: str | None) -> None:
        """Write the graph of `plan`, the worker of each node, and the nodes' /etc/hosts (None: none).

        The workers themselves are in the record. UnableError if the disk can't.
        """
        try:
            topology_store.save(plan.topology, self.topology_path)
            if len(plan.workers) > 1:
                np.save(self.placement_path, plan.placement, allow_pickle=False)
            else:
                self.placement_path.unlink(missing_ok=True)
            if hosts is not None:
                self.hosts_path.write_text(hosts, encoding="utf-8")
        except OSError as error:
            raise unwritable(self.root, error) from error

    def load(self) -> Topology:
        """Return the running graph; BrokenError if it can't be read."""
        try:
            return topology_store.load(self.topology_path)
        except _UNREADABLE as error:
            if not self.exists:
                raise UsageError(unknown_network(self.name, names(self.root))) from error
            raise self._unreadable(self.topology_path, error) from error

    def load_plan(self, record: Record, topology: Topology) -> Plan:
        """Return the plan that was deployed, with all links up and without warnings.

        `topology` is what `load` returns. BrokenError if the placement can't be read.
        """
        workers = workers_of(record)
        placement = self._load_placement(topology.node_count, len(workers))
        return Plan(
            topology, record.engine, placement, workers,
            method=record.method, options=record.plan_options, share=record.share,
        )  # fmt: skip

    def _load_placement(self, nodes: int, workers: int) -> npt.NDArray[np.int32]:
        """Return the worker of each node."""
        if workers == 1:
            return np.zeros(nodes, dtype=np.int32)
        try:
            placement = np.load(self.placement_path, allow_pickle=False)
            if placement.shape != (nodes,) or not np.isin(placement, np.arange(workers)).all():
                raise ValueError(f"it isn't a placement of {nodes:,} nodes on {workers:,} workers")
        except _UNREADABLE as error:
            raise self._unreadable(self.placement_path, error) from error
        return np.asarray(placement, dtype=np.int32)

    def _unreadable(self, path: Path, error: Exception) -> BrokenError:
        return BrokenError(f"{path} can't be read ({error}); `emulator down {self.name}` removes the network")

    def require_engine(self, engine: str) -> None:
        """Raise UsageError if the network is up on another engine."""
        try:
            record = self.read()
        except EmulationError:
            return
        if record.engine != engine:
            raise UsageError(
                f"`{self.name}` is up on the engine {record.engine}; `emulator down {self.name}` first"
            )

    def remove(self) -> None:
        """Remove the folder if it is the emulator's; a remainder after a kill is known as incomplete."""
        shutil.rmtree(self._half, ignore_errors=True)
        if is_network(self.folder):
            self.folder.rename(self._half)
            shutil.rmtree(self._half, ignore_errors=True)

    @contextmanager
    def locked(self, action: str) -> Iterator[None]:
        """Hold the network's lock: two commands never change one network at the same time."""
        path = self.lock_path
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(path, wait=False))
            except OSError as error:
                raise unwritable(self.root, error) from error
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
                sweep(self.root)
