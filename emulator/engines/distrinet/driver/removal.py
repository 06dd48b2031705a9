"""Remove everything that a network has on its workers, by our own scripts.

Distrinet's own `stop` runs commands per node and per link, one after the other, and leaves things behind.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from serving.server import Progress

from .results import TransportError
from .transport import Transport
from .worker_scripts import remove

_SECONDS = 600.0


def remove_all(progress: Progress, transport: Transport, settings: dict[str, Any]) -> list[str]:
    """Remove everything from all workers at once; return words on what is left."""
    transport.end()  # what a failed step still does here; the workers' part is waited for by the script
    workers = settings["workers"]
    script = remove(settings["network"])

    def one(worker: dict[str, str]) -> str:
        try:
            result = transport.run(worker["address"], script, seconds=_SECONDS)
        except TransportError as error:
            return f"worker {error}"
        if result.code:
            return f"worker {worker['name']}: {result.errors}"
        left = result.text.strip()
        return f"worker {worker['name']} still has {left}" if left else ""

    out = []
    with ThreadPoolExecutor(len(workers) or 1) as pool:
        for done, words in enumerate(pool.map(one, workers), 1):
            out += [words] if words else []
            progress("workers", done, len(workers))
    transport.complaints.taken()
    return out
