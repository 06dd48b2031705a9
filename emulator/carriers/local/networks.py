"""Networks that have nodes on local workers: this machine's records of them, and the shares on workers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from emulator.carriers.addresses import SCHEDULER_VARIABLE
from emulator.carriers.certificates import CERTIFICATES_VARIABLE
from emulator.carriers.local.record import LocalPaths, LocalRecord
from emulator.carriers.local.underlay import inside
from emulator.errors import BrokenError, EmulationError
from emulator.state import NetworkState, names


def recorded(paths: LocalPaths, record: LocalRecord) -> list[NetworkState]:
    """Return the networks of this state directory whose workers are all local ones."""
    hosts = {name: record.host(number) for number, name in enumerate(record.workers, 1)}
    root = paths.root.parent
    return [state for name in names(root) if _is_on(state := NetworkState(root, name), hosts)]


def _is_on(state: NetworkState, hosts: dict[str, str]) -> bool:
    """Return whether the underlay of a network consists of `hosts`, addresses by name."""
    try:
        underlay = state.read().plan_options.get("underlay", {})
        addresses = dict(underlay.get("addresses", {}))
    except (EmulationError, AttributeError, TypeError, ValueError):
        return False
    return bool(addresses) and addresses.items() <= hosts.items()


def take_down_recorded(state: NetworkState) -> None:
    """Remove a network as its engine does, as far as it can; what is left goes with the workers."""
    own = {k: v for k, v in os.environ.items() if k not in {SCHEDULER_VARIABLE, CERTIFICATES_VARIABLE}}
    _down(state.name, {**own, "EMULATOR_STATE_DIR": str(state.root)})


def take_down_share(paths: LocalPaths, worker: str, *, there: bool) -> None:
    """Remove all networks of a worker, in its namespace if that is `there`; BrokenError."""
    with _inside_if(paths, worker, there=there):
        done = _down("--all", os.environ | {"EMULATOR_STATE_DIR": str(paths.state(worker))})
    if done.returncode:
        raise BrokenError(f"the networks of {worker} can't be removed: {done.stderr.strip()}")


def _down(word: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own words, no shell
        [sys.executable, "-P", "-m", "emulator", "down", word], cwd="/", env=environment, check=False,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
    )  # fmt: skip


@contextmanager
def _inside_if(paths: LocalPaths, worker: str, *, there: bool) -> Iterator[None]:
    try:
        with inside(paths, worker) if there else nullcontext():
            yield
    except EmulationError as error:
        raise BrokenError(f"worker {worker}: {error}") from error
