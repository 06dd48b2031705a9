"""The networks of a worker, for `emulator workers status`; it runs on workers."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.carriers.protocol import Answer, RunningCall
from emulator.state import names
from emulator.tasks import Plain

ENTRY = f"{__name__}:networks"


def networks(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Return the names of the networks with a record here."""
    del call, arguments, data
    return Answer(names())
