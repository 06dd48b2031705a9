"""Facts about the workers, for refusals: what each one has, and who uses it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .results import TransportError
from .transport import Transport
from .worker_facts import facts, facts_script

_SECONDS = 40.0


def look(transport: Transport, settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return facts on each worker by its name, or {"error": words} where it can't be reached."""
    script = facts_script(settings["image"])

    def one(worker: dict[str, str]) -> dict[str, Any]:
        try:
            result = transport.run(worker["address"], script, seconds=_SECONDS)
        except TransportError as error:
            return {"error": str(error)}
        return facts(result.text)

    workers = settings["workers"]
    with ThreadPoolExecutor(len(workers) or 1) as pool:
        return dict(zip([worker["name"] for worker in workers], pool.map(one, workers), strict=True))
