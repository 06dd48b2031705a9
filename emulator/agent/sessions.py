"""Sessions of clients on this worker: quick changes, in one thread each, restored when the client is gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np

from emulator.agent.leases import LEASES, Kind
from emulator.agent.networks import network_named
from emulator.carriers.protocol import Answer, RunningCall
from emulator.errors import EmulationError, UsageError
from emulator.network import Session
from emulator.tasks import Plain

Made = TypeVar("Made")
_CALL_SECONDS = 60.0


class HeldSession:
    """A session in a thread of its own: only that thread may use it."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="session")
        self._session: Session = self._pool.submit(network_named(name).session().__enter__).result()

    def run(self, action: Callable[[Session], Made]) -> Made:
        """Return what `action(session)` returns, called in the session's thread."""
        return self._pool.submit(action, self._session).result()

    def close(self) -> None:
        """Restore everything."""
        with suppress(EmulationError):
            self._pool.submit(self._session.__exit__, None, None, None).result()
        self._pool.shutdown()


_SESSIONS = Kind(HeldSession)

_CHANGES: Mapping[str, Callable[[Session, list[Any]], None]] = {
    "prepare": lambda s, words: s.prepare([(node, port) for node, port in words]),
    "set_port": lambda s, words: s.set_port(words[0], words[1], up=words[2]),
    "remove_link": lambda s, words: s.remove_link(words[0]),
    "add_link": lambda s, words: s.add_link(words[0]),
    "remove_node": lambda s, words: s.remove_node(words[0]),
    "add_node": lambda s, words: s.add_node(words[0]),
    "move_port": lambda s, words: s.move_port(words[0], words[1]),
    "announce_port": lambda s, words: s.announce_port(words[0], words[1]),
    "set_ports": lambda s, words: s.set_ports(np.array(words[0], dtype=np.int64), up=words[1]),
    "remove_ports": lambda s, words: s.remove_ports(np.array(words[0], dtype=np.int64)),
    "add_ports": lambda s, words: s.add_ports(np.array(words[0], dtype=np.int64)),
    "remove_links": lambda s, words: s.remove_links(np.array(words[0], dtype=np.int64)),
    "add_links": lambda s, words: s.add_links(np.array(words[0], dtype=np.int64)),
    "set_controller": lambda s, words: s.set_controller(words[0], up=words[1]),
}


def start(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Open a session on the network `name`; return its number."""
    del call, data
    return Answer(LEASES.add(HeldSession(arguments["name"])))


def change(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Carry out `changes` ([verb, words]) in order, in the session `number`."""
    del call, data
    changes = arguments["changes"]
    if unknown := [verb for verb, _ in changes if verb not in _CHANGES]:
        raise UsageError(f"sessions have no `{unknown[0]}`")

    def run(session: Session) -> None:
        for verb, words in changes:
            _CHANGES[verb](session, words)

    _SESSIONS.find(arguments).run(run)
    return Answer()
