"""The workers that a scheduler knows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from emulator.carriers.protocol import WorkerState

FACTS = "emulator"
"""Key of what our workers tell the scheduler when they sign on."""


@dataclass(frozen=True)
class KnownWorker:
    """A worker and its address in Dask."""

    address: str
    state: WorkerState


async def known_workers(client: Any, seconds: float) -> Mapping[str, KnownWorker]:
    """Return the workers by name."""
    identity = await client.scheduler.identity()
    now = (await client.run_on_scheduler(time.time)) if identity["workers"] else 0.0
    found: dict[str, KnownWorker] = {}
    for address, worker in identity["workers"].items():
        facts = worker.get(FACTS) or await _asked(client, address, seconds / 4)
        name = str(worker["name"])
        state = WorkerState(
            name, address, release=facts["release"], heard=max(0.0, now - worker["last_seen"]),
            certificate_end=facts["certificate_end"], memory=facts.get("memory", 0),
        )  # fmt: skip
        found[name] = KnownWorker(address, state)
    return dict(sorted(found.items()))


async def _asked(client: Any, address: str, seconds: float) -> dict[str, Any]:
    """Return the facts of a worker that others started, such as a queue of jobs.

    Its release comes first, by a function of Python: one of ours may not exist there.
    """
    import asyncio

    from emulator.carriers.dask import worker_facts
    from emulator.version import __version__

    async def ask(function: Any, *arguments: Any) -> Any:
        work = client.run(function, *arguments, workers=[address], on_error="return")
        return (await asyncio.wait_for(work, seconds))[address]

    unknown = {"release": "", "certificate_end": None}
    try:
        release = await ask(resolve_name, "emulator:__version__")
        if release != __version__:
            return {**unknown, "release": release if isinstance(release, str) else ""}
        facts = await ask(worker_facts.facts)
    except (OSError, TimeoutError):
        return unknown
    return facts if isinstance(facts, dict) else {**unknown, "release": release}
