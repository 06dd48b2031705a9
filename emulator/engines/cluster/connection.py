"""Connections to clusters: one carrier for each scheduler, open until this process ends."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emulator.carriers.opening import open_carrier
from emulator.carriers.protocol import Carrier
from emulator.engines.cluster.calls import Workers

_open: dict[tuple[str, str], Carrier] = {}
_lock = threading.Lock()


def carrier_of(options: Mapping[str, Any]) -> Carrier:
    """Return the carrier to the cluster that the engine's options name; UnableError when it doesn't answer.

    Without any, the environment names it: see `emulator.carriers.opening`.
    """
    scheduler = str(options.get("scheduler") or options.get("scheduler_file") or "")
    certificates = str(options.get("certificates") or "")
    key = (scheduler, certificates)
    with _lock:
        if key not in _open:
            folder = Path(certificates) if certificates else None
            carrier = open_carrier(scheduler or None, folder, insecure=bool(options.get("insecure")))
            if not _open:
                atexit.register(close_all)
            _open[key] = carrier
        return _open[key]


def close_all() -> None:
    """Close all carriers; the next use opens them again."""
    with _lock:
        carriers = list(_open.values())
        _open.clear()
    for carrier in carriers:
        carrier.close()


def workers_of(options: Mapping[str, Any], name: str, workers: Sequence[str], number: str) -> Workers:
    """Return the workers of the network `name` that has this `number`; connects at the first call."""
    return Workers(lambda: carrier_of(options), workers, {"name": name, "id": number})
