"""Client of the driver: JSON lines over its socket, with a time limit for every answer."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from emulator.engines.driven.launch import DriverPaths, DriverProcess
from emulator.errors import BrokenError
from emulator.linux.processes.unix_sockets import connected
from emulator.network import Progress, silent

STEP_SECONDS = 60.0
"""Time limit for one part of a step (a node, a link, a command)."""
_GRACE = 15.0
_CHUNK = 1 << 16
_LOOK = 0.5
"""Seconds between checks that the driver's requirements still run."""

Step = tuple[str, dict[str, Any]]
"""A step's name and its arguments."""


class Driver:
    """Client of the driver of the network `name`. Each request uses a connection of its own.

    `title` is the driven program's name for people. `watch()` raises BrokenError when something has ended
    that the driver waits for. `lost` names for people what doesn't work without the driver.
    """

    def __init__(
        self, name: str, title: str, paths: DriverPaths, process: DriverProcess,
        watch: Callable[[], None] = lambda: None, *, lost: str = "commands in nodes still work, the rest",
    ) -> None:  # fmt: skip
        self._name = name
        self._title = title
        self._paths = paths
        self._process = process
        self._watch = watch
        self._lost = lost

    @property
    def alive(self) -> bool:
        """True while the driver runs."""
        return self._process.alive

    def ask(
        self, *steps: Step, progress: Progress = silent, seconds: float = STEP_SECONDS, watched: bool = True
    ) -> list[Any]:
        """Execute `steps` in the driver; return the result of each.

        `seconds` is the limit for each part of a step. Raises BrokenError with the program's message. It is
        also raised when the driver has ended or doesn't answer; the message then includes the fix. With
        `watched`, it is raised when something that the driver needs has ended.
        """
        if not steps:
            return []
        request = json.dumps({"do": steps, "seconds": seconds}).encode() + b"\n"
        try:
            with connected(self._paths.socket, seconds + _GRACE) as connection:
                connection.sendall(request)
                answers = self._answers(connection, seconds + _GRACE, self._watch if watched else None)
                while "progress" in (answer := next(answers)):
                    progress(*answer["progress"])
        except TimeoutError:
            raise self._broken("doesn't answer") from None
        except (OSError, ValueError):
            raise self._broken("has ended") from None
        if "error" in answer:
            raise BrokenError(f"{self._title}: {answer['error']}")
        found: list[Any] = answer["ok"]
        return found

    def _answers(
        self, connection: socket.socket, patience: float, watch: Callable[[], None] | None
    ) -> Iterator[Mapping[str, Any]]:
        """Yield answers; TimeoutError when one takes longer than `patience` s, ConnectionError at the end."""
        text = b""
        while True:
            deadline = time.monotonic() + patience
            while b"\n" not in text:
                if not select.select([connection], [], [], _LOOK)[0]:
                    if watch:
                        watch()
                    if time.monotonic() > deadline:
                        raise TimeoutError
                elif more := connection.recv(_CHUNK):
                    text += more
                else:
                    raise ConnectionError
            line, _, text = text.partition(b"\n")
            yield json.loads(line)

    def _broken(self, how: str) -> BrokenError:
        return BrokenError(self.dead(how))

    def dead(self, how: str = "has ended") -> str:
        """Return the message for a driver that is unusable, with the fix."""
        name = self._name
        return (
            f"the {self._title} of `{name}` {how} (its log: {self._paths.log}); "
            f"{self._lost} needs `emulator down {name}` and `emulator up FILE`"
        )
