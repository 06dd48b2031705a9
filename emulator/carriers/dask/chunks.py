"""Data of calls in chunks: large messages would stop the scheduler's and the worker's event loops."""

from __future__ import annotations

import threading
import time

from emulator.errors import BrokenError

CHUNK = 1 << 20
"""Bytes of a chunk."""

_FORGET_SECONDS = 120.0
"""A transfer that nobody goes on with is forgotten: its client is gone."""


def chunk_count(size: int) -> int:
    """Return the number of chunks for `size` bytes."""
    return -(-size // CHUNK)


class Transfers:
    """Chunks that have arrived for later calls, and those of answers that wait to be fetched."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._chunks: dict[str, dict[int, bytes]] = {}
        self._touched: dict[str, float] = {}

    def put(self, key: str, number: int, chunk: bytes) -> None:
        """Keep one chunk."""
        with self._guard:
            self._sweep(key)
            self._chunks.setdefault(key, {})[number] = chunk

    def take(self, key: str, count: int) -> bytes:
        """Return the joined chunks and forget them; BrokenError if one is missing."""
        with self._guard:
            self._sweep(key)
            found = self._chunks.pop(key, {})
            self._touched.pop(key, None)
        if len(found) != count:
            raise BrokenError(
                f"{count - len(found)} of {count} parts of a call's data are missing; try again"
            )
        return b"".join(found[number] for number in range(count))

    def offer(self, key: str, data: bytes) -> int:
        """Keep `data` for `get`; return the number of chunks."""
        count = chunk_count(len(data))
        with self._guard:
            self._sweep(key)
            self._chunks[key] = {n: data[n * CHUNK : (n + 1) * CHUNK] for n in range(count)}
        return count

    def get(self, key: str, number: int) -> bytes:
        """Return one chunk and forget it; BrokenError if it isn't there."""
        with self._guard:
            self._sweep(key)
            chunk = self._chunks.get(key, {}).pop(number, None)
            if not self._chunks.get(key):
                self._forget(key)
        if chunk is None:
            raise BrokenError("a part of an answer's data is gone; try again")
        return chunk

    def drop(self, key: str) -> None:
        """Forget a transfer."""
        with self._guard:
            self._forget(key)

    def _sweep(self, key: str) -> None:
        now = time.monotonic()
        for other in [k for k, at in self._touched.items() if now - at > _FORGET_SECONDS]:
            self._forget(other)
        self._touched[key] = now

    def _forget(self, key: str) -> None:
        self._chunks.pop(key, None)
        self._touched.pop(key, None)


TRANSFERS = Transfers()
"""Those of this worker's process."""
