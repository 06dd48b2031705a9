"""Who listens in a process's network namespace, without connecting: a controller would count that."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_LISTEN = "0A"
_LOOPBACK = 0x7F000001


def listens(pid: int, port: int) -> bool:
    """Return whether somebody in the namespace of `pid` takes TCP connections to 127.0.0.1:`port`."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError), Path(f"/proc/{pid}/net/{table}").open(encoding="ascii") as file:
            next(file)
            if any(_answers(line.split(), port) for line in file):
                return True
    return False


def _answers(fields: list[str], port: int) -> bool:
    """Look at one line (proc_pid_net(5)): local address is field 1, state field 3."""
    address, _, number = fields[1].rpartition(":")
    return fields[3] == _LISTEN and int(number, 16) == port and _covers_loopback(address)


def _covers_loopback(address: str) -> bool:
    """Return whether a listening address is 127.0.0.1 or any: words of 32 bits in the machine's order."""
    words = [int.from_bytes(bytes.fromhex(address[i : i + 8]), "little") for i in range(0, len(address), 8)]
    if len(words) == 4 and words[:2] == [0, 0] and words[2] == 0xFFFF:  # IPv4 in IPv6
        words = words[3:]
    return not any(words) or words == [_LOOPBACK]
