"""Client of the Open vSwitch database: JSON over a UNIX socket (RFC 7047), no process per query.

A transaction of any length is one message; a command line has a length limit. The answer takes a
millisecond; starting `ovs-vsctl` takes twenty.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from emulator.errors import BrokenError
from emulator.linux.processes.unix_sockets import connected

Operation = dict[str, Any]
"""One operation of a transaction, as RFC 7047, section 5.2, writes it."""

_NAME = "Open_vSwitch"
_CHUNK = 1 << 20
_LOOK = 0.5
"""Seconds between looks whether the switch daemon still runs."""


class Database:
    """Connection to the database server that listens on the socket `path`. A context manager."""

    def __init__(self, path: Path, timeout: float = 60.0) -> None:
        self._decoder = json.JSONDecoder()
        self._text = ""
        self._number = 0
        try:
            self._socket = connected(path, timeout)
        except OSError as error:
            raise BrokenError(
                f"the database of Open vSwitch at {path} doesn't answer: {error.strerror}"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def transact(self, operations: Sequence[Operation]) -> list[Mapping[str, Any]]:
        """Execute `operations`, all or none; return each result. BrokenError with the server's message."""
        self._number += 1
        request = {"method": "transact", "params": [_NAME, *operations], "id": self._number}
        try:
            self._socket.sendall(json.dumps(request, separators=(",", ":")).encode())
            answer = self._answer()
        except OSError as error:
            raise BrokenError(f"the database of Open vSwitch ended: {error.strerror or error}") from error
        if answer.get("error"):
            raise BrokenError(f"the database of Open vSwitch refuses: {answer['error']}")
        results: list[Mapping[str, Any]] = answer["result"]
        for number, result in enumerate(results):
            if result and result.get("error"):
                what = operations[number] if number < len(operations) else "the transaction"
                raise BrokenError(
                    f"Open vSwitch refuses {what}: {result['error']} {result.get('details', '')}".rstrip()
                )
        return results

    def select(self, table: str, columns: Sequence[str], where: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return `columns` of the rows of `table` that fulfil all conditions of `where`."""
        asked = {"op": "select", "table": table, "where": list(where), "columns": list(columns)}
        rows: list[dict[str, Any]] = self.transact([asked])[0]["rows"]
        return rows

    def tables(self, wanted: Mapping[str, Sequence[str]]) -> list[list[dict[str, Any]]]:
        """Return columns of all rows of several tables in one snapshot: rows refer to each other."""
        asked = [
            {"op": "select", "table": table, "where": [], "columns": list(columns)}
            for table, columns in wanted.items()
        ]
        return [result["rows"] for result in self.transact(asked)]

    def configured(self, timeout: float, goes_on: Callable[[], bool] = lambda: True) -> bool:
        """Make the switch daemon apply the database; return whether it did within `timeout` s.

        Works like `ovs-vsctl`: this raises `next_cfg`, and the daemon sets `cur_cfg` to it when done. Twice a
        second, `goes_on()` says whether it still runs.
        """
        raised = {
            "op": "mutate",
            "table": _NAME,
            "where": [],
            "mutations": [["next_cfg", "+=", 1]],
        }
        asked = {"op": "select", "table": _NAME, "where": [], "columns": ["next_cfg"]}
        number = self.transact([raised, asked])[1]["rows"][0]["next_cfg"]
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0 and goes_on():
            if self._waited(number, min(left, _LOOK)):
                return True
        return False

    def _waited(self, number: int, seconds: float) -> bool:
        """Return whether `cur_cfg` is `number` or more within `seconds`."""
        waits = {
            "op": "wait",
            "timeout": math.ceil(seconds * 1000),
            "table": _NAME,
            "where": [["cur_cfg", "<", number]],
            "columns": ["cur_cfg"],
            "until": "==",
            "rows": [],
        }
        try:
            self.transact([waits])
        except BrokenError as error:
            if "timed out" in str(error):
                return False
            raise
        return True

    def _answer(self) -> dict[str, Any]:
        """Return the answer to the last request; answers requests of the server meanwhile."""
        while True:
            text = self._text.lstrip()
            try:
                message, end = self._decoder.raw_decode(text) if text else (None, 0)
            except ValueError:
                message, end = None, 0
            if message is None:
                more = self._socket.recv(_CHUNK)
                if not more:
                    raise BrokenError("the database of Open vSwitch ended")
                self._text = text + more.decode()
                continue
            self._text = text[end:]
            if message.get("method") == "echo":
                reply = {"id": message["id"], "result": message["params"], "error": None}
                self._socket.sendall(json.dumps(reply).encode())
            elif message.get("id") == self._number:
                found: dict[str, Any] = message
                return found


def members(value: Any) -> list[Any]:
    """Return the members of a set of the database: `["set", […]]`, or a single member as it is."""
    if isinstance(value, list) and len(value) == 2 and value[0] == "set":
        return list(value[1])
    return [value]
