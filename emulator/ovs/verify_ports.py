"""Verify that Open vSwitch has created the ports in its database: without them nothing is forwarded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from emulator.errors import BrokenError, UnableError, shortage_in
from emulator.ovs.server import OvsServers
from topologies.counting import some_names

_MOST_NAMES = 8
_MOST_LINES = 3
_NONE: list[Any] = ["set", []]


def require_ports(servers: OvsServers) -> None:
    """Raise BrokenError with Open vSwitch's message unless all interfaces are in their bridges.

    The daemon writes an error if it can't add an interface, but nothing if it can't create the bridge or
    its datapath. The reason is then in its log.
    """
    conditions = (["error", "!=", _NONE], ["ofport", "==", _NONE])
    with servers.database() as database:
        refused, unmade = (database.select("Interface", ["name", "error"], [one]) for one in conditions)
    if refused:
        words = "; ".join(f"{row['name']}: {row['error']}" for row in refused[:_MOST_NAMES])
        raise _failure(f"Open vSwitch refuses {len(refused):,} ports", words)
    if unmade:
        names = some_names(sorted(row["name"] for row in unmade))
        log = servers.folder / "ovs-vswitchd.log"
        said = "; ".join(islice(_complaints(log), _MOST_LINES)) or f"its log is {log}"
        raise _failure(f"Open vSwitch didn't make {len(unmade):,} ports ({names})", said)


def _failure(what: str, said: str) -> BrokenError | UnableError:
    short = shortage_in(said)
    return UnableError(f"{what}: {short}") if short else BrokenError(f"{what}: {said}")


def _complaints(log: Path) -> Iterator[str]:
    """Yield the daemon's warnings and errors in order, each once: `time|number|module|level|words`."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    fields = (line.split("|", 4) for line in lines)
    yield from dict.fromkeys(words[4] for words in fields if len(words) == 5 and words[3] in {"WARN", "ERR"})
