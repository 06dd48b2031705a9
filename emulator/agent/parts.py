"""Parts of clients' work on this worker (`emulator.parts`), in processes of their own.

Messages to a part are a file in the network's folder: the process that gets them isn't the part's.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name

from emulator.agent.networks import network_named, require_owner, state_of
from emulator.atomic_write import write_atomically
from emulator.carriers.protocol import Answer, RunningCall
from emulator.errors import UsageError
from emulator.locks import is_held, locked
from emulator.tasks import Plain


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _end_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.end")


_END_SECONDS = 60.0
_LOOK = 0.1
_lock = threading.Lock()
"""One message at a time: both would write beside the same file."""


def _path(arguments: Mapping[str, Plain]) -> Path:
    number = arguments["number"]
    if not str(number).isalnum():
        raise UsageError("the number of a part is letters and digits")
    return state_of(arguments["name"]).folder / f"part.{number}"


class _Control:
    """The `PartControl` of a call."""

    def __init__(self, call: RunningCall, path: Path) -> None:
        self._call = call
        self._path = path
        self.tell = call.tell

    @property
    def message(self) -> Plain:
        try:
            return json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    @property
    def is_unwanted(self) -> bool:
        return self._call.is_cancelled

    @property
    def is_lost(self) -> bool:
        return not self._path.exists()


def run(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Run the part `number` with `arguments` on this worker's share of the network `name`."""
    require_owner(arguments["name"], arguments["id"])
    network, path = network_named(arguments["name"]), _path(arguments)
    with locked(_lock_of(path), wait=True):
        write_atomically(path, "null")
        try:
            value, found = resolve_name(arguments["entry"])(
                network, arguments["arguments"], data, _Control(call, path)
            )
            if call.is_cancelled:  # nobody gets the answer: it is left for who asks (`take_end`)
                left = {"value": value, "data": base64.b64encode(found).decode()}
                write_atomically(_end_of(path), json.dumps(left))
        finally:
            for one in (path, _lock_of(path)):
                one.unlink(missing_ok=True)
    return Answer(value, found)


def is_running(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Return whether the part `number` runs: it may outlive the process that started it."""
    del call, data
    return Answer(is_held(_lock_of(_path(arguments))))


def take_end(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Return what the part `number` left whose caller was gone, and forget it; None if it left nothing."""
    del call, data
    left = _end_of(_path(arguments))
    try:
        found = json.loads(left.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Answer(None)
    left.unlink(missing_ok=True)
    return Answer(found["value"], base64.b64decode(found["data"]))


def end_all(name: str) -> None:
    """Have all parts of a network end that run here, and wait until they have restored their changes."""
    until = time.monotonic() + _END_SECONDS
    for lock in state_of(name).folder.glob("part.*.lock"):
        while is_held(lock) and time.monotonic() < until:
            _write(lock.with_suffix(""), {"stop": True})
            time.sleep(_LOOK)


def send(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Send `message` to the part `number`; nothing if it has ended."""
    del call, data
    _write(_path(arguments), arguments["message"])
    return Answer()


def _write(path: Path, message: Plain) -> None:
    with _lock:
        if path.exists():
            write_atomically(path, json.dumps(message))
