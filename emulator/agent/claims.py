"""Claims of names: of two clients that create networks of one name at once, one wins.

Each of them would get its share first on some workers, and both would be refused on others. So a client
claims the name on one worker, the same for all clients, before it creates anything. A claim ends with the
share or with `down`, and is void soon after its client was killed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from emulator.agent.networks import require_owner
from emulator.carriers.protocol import Answer, RunningCall
from emulator.errors import UsageError
from emulator.state import state_root
from emulator.tasks import Plain

_VALID_SECONDS = 60.0


def claim(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Claim the name `name` for the network with the number `id`; UsageError if another client has it."""
    del call, data
    name, number = str(arguments["name"]), str(arguments["id"])
    require_owner(name, number)
    path = _path(name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mine = path.with_name(f"{path.name}.{number}")
    mine.write_text(number, encoding="ascii")
    try:
        if _is_void(path):
            path.unlink(missing_ok=True)
        os.link(mine, path)
    except FileExistsError:
        if _holder(path) != number:
            raise UsageError(
                f"another client of this cluster makes a network `{name}` at the moment; "
                f"choose another name, or `emulator down {name}` there first"
            ) from None
    finally:
        mine.unlink()
    return Answer()


def release(name: str, number: str) -> None:
    """End the claim of the network with this number, if there is one."""
    if _holder(_path(name)) == number:
        _path(name).unlink(missing_ok=True)


def _path(name: str) -> Path:
    return state_root() / f".{name}.claim"


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def _is_void(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _VALID_SECONDS
    except FileNotFoundError:
        return False
