"""Start, look at and remove the local workers of a state directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from emulator.carriers.certificates import Certificates
from emulator.carriers.local.marks import MARK, end_marked
from emulator.carriers.local.networks import recorded, take_down_recorded, take_down_share
from emulator.carriers.local.record import MOST_WORKERS, LocalPaths, LocalRecord, read_record
from emulator.carriers.local.underlay import create, exists, free_number, is_taken, remove
from emulator.carriers.make_certificates import make_certificates
from emulator.errors import BrokenError, KernelError, UnableError, UsageError
from emulator.linux.machine.resources import available_memory
from emulator.linux.namespaces.mounts import require_lasting
from emulator.locks import BusyError, locked
from emulator.process_tags import command_of, with_variable
from emulator.state import NetworkState
from emulator.state.directory import names, sweep, unwritable

if TYPE_CHECKING:
    from collections.abc import Iterator

Say = Callable[[str], None]

_SHARE = 0.9
"""Part of this machine's available memory that its workers may use together."""
_READY_SECONDS = 60.0
_READY_EACH = 2.0
_PATIENCE = 15.0
_DAYS = 3650.0
_SUPERVISOR = "emulator.carriers.local.supervisor"


def start(count: int, silence: float, say: Say) -> LocalRecord:
    """Start `count` local workers and return their record, once all answer.

    If they are there already, what has ended of them is started again. UsageError if others are there,
    UnableError if this machine can't have them; then nothing is left.
    """
    if not 1 <= count <= MOST_WORKERS:
        raise UsageError(f"{count} local workers: from 1 to {MOST_WORKERS} are possible")
    paths = LocalPaths.here()
    require_lasting()
    with _locked(paths):
        record = read_record(paths)
        if record is not None and record.is_complete and exists(paths):
            if record.count != count:
                raise UsageError(
                    f"{record.count} local workers are up; `emulator workers local --down` removes them"
                )
            if not supervisor_runs(paths):
                say("their supervisor had ended; scheduler and workers start again, networks stay")
                end_marked(paths.root, _PATIENCE)
                _supervise(paths)
        else:
            if record is not None or paths.root.exists():
                _remove(paths, say)
            try:
                record = _create(paths, count, silence)
                _supervise(paths)
            except BaseException:
                _remove(paths, say)
                raise
        try:
            _await(paths, record)
        except BaseException:
            say(f"logs: {paths.root}/*.log; `emulator workers local --down` removes what is left")
            raise
    return record


def stop(say: Say) -> bool:
    """Remove the local workers with their networks, whatever state they are in; False if there were none."""
    paths = LocalPaths.here()
    require_lasting()
    was_there = paths.root.exists()
    if was_there:
        with _locked(paths):
            _remove(paths, say)
    sweep(paths.root.parent)  # also the lock of a start that was killed at once
    return was_there


def supervisor_runs(paths: LocalPaths) -> bool:
    """Return whether the supervisor of these workers runs."""
    return any(_SUPERVISOR in command_of(process) for process in with_variable(MARK, str(paths.root)))


@contextmanager
def _locked(paths: LocalPaths) -> Iterator[None]:
    try:
        with locked(paths.lock, wait=False):
            yield
    except BusyError:
        raise BrokenError(
            "another command starts or removes the local workers; wait for it, then try again"
        ) from None
    except PermissionError as error:
        raise unwritable(paths.root.parent, error) from error
    finally:
        if not paths.root.exists():
            with suppress(OSError):
                paths.lock.unlink()


def _create(paths: LocalPaths, count: int, silence: float) -> LocalRecord:
    """Create certificates and namespaces; the record comes first."""
    memory = int((available_memory() or 0) * _SHARE / count)
    for _ in range(3):
        record = LocalRecord(free_number(), count, memory, silence)
        record.write(paths)
        try:
            create(paths, record)
            break
        except KernelError as error:
            remove(paths)
            if not is_taken(error):
                raise
    else:
        raise BrokenError("other commands take the same subnets at the same time; try again")
    shutil.rmtree(paths.certificates, ignore_errors=True)
    make_certificates(paths.certificates, _DAYS)
    record = replace(record, is_complete=True)
    record.write(paths)
    return record


def _supervise(paths: LocalPaths) -> None:
    """Start the supervisor; it outlives this command."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    log = os.open(paths.log("supervisor"), flags, 0o600)
    try:
        process = subprocess.Popen(  # noqa: S603 -- our own words, no shell
            [sys.executable, "-P", "-m", _SUPERVISOR], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            cwd="/", start_new_session=True,
            env=os.environ | {MARK: str(paths.root), "EMULATOR_STATE_DIR": str(paths.root.parent)},
        )  # fmt: skip
    except OSError as error:
        raise UnableError(f"can't start the supervisor of local workers: {error.strerror}") from error
    finally:
        os.close(log)
    process.returncode = 0  # it outlives us: no ResourceWarning that it still runs


def _await(paths: LocalPaths, record: LocalRecord) -> None:
    """Wait until all workers answer; BrokenError with the last reason if they don't."""
    from emulator.carriers.dask.client import connect

    deadline = time.monotonic() + _READY_SECONDS + record.count * _READY_EACH
    while True:
        own = Certificates(paths.certificates, "client")
        try:
            with connect(record.scheduler, own, insecure=False, seconds=5.0) as carrier:
                while lacking := [name for name in record.workers if name not in carrier.workers()]:
                    if time.monotonic() > deadline:
                        raise BrokenError(f"workers don't come up: {', '.join(lacking)}")
                    time.sleep(0.1)
                return
        except UnableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _remove(paths: LocalPaths, say: Say) -> None:
    """Remove everything: networks, processes, namespaces, the folder last."""
    there = exists(paths)
    networks = _recorded(paths)
    for state in networks:
        say(f"{state.name} goes down with its workers")
        if there:
            take_down_recorded(state)
    end_marked(paths.root, _PATIENCE)
    for folder in sorted(path for path in paths.root.glob("w*") if path.is_dir()):
        if known := names(folder):
            say(f"{folder.name}: what is left of {', '.join(known)} is removed")
            take_down_share(paths, folder.name, there=there)
    remove(paths)
    for state in networks:
        if state.exists:
            with state.locked("down"):
                state.remove()  # nothing of it is anywhere any more
    shutil.rmtree(paths.root, ignore_errors=True)
    if paths.root.exists():
        raise BrokenError(f"can't remove {paths.root}; is something mounted below it?")


def _recorded(paths: LocalPaths) -> list[NetworkState]:
    """Return the networks on the local workers; none if their record is damaged."""
    try:
        record = read_record(paths)
    except BrokenError:
        return []
    return recorded(paths, record) if record is not None else []
