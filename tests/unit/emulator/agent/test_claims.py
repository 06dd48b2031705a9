"""Claims of names on a worker: of clients at once, exactly one has the name."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

from emulator.agent.claims import claim, release
from emulator.carriers.protocol import RunningCall
from emulator.errors import UsageError
from emulator.state import state_root

CALL = cast("RunningCall", None)


def claims(number: str) -> bool:
    try:
        claim(CALL, {"name": "far", "id": number}, b"")
    except UsageError:
        return False
    return True


def test_of_many_clients_at_once_one_has_the_name(state_dir: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for turn in range(20):
            numbers = [f"{turn}x{client}" for client in range(8)]
            won = [number for number, has in zip(numbers, pool.map(claims, numbers), strict=True) if has]
            assert len(won) == 1
            assert claims(won[0])  # a call may come twice
            release("far", "other")
            assert not claims("other")
            release("far", won[0])
    assert list(state_root().iterdir()) == []


def test_a_claim_is_void_after_a_minute(state_dir: Path) -> None:
    assert claims("killed")
    (path,) = state_root().iterdir()
    os.utime(path, (time.time() - 61, time.time() - 61))
    assert claims("next")
    assert not claims("killed")
