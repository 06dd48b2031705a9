"""Find listening processes in a network namespace without connecting: a controller would count that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from socket import inet_aton

from emulator.linux.processes.running import net_namespace

_LISTEN = "0A"
_LOOPBACK = 0x7F000001


def listens(pid: int, port: int) -> bool:
    """Return whether a process in the namespace of `pid` accepts TCP connections to 127.0.0.1:`port`."""
    return bool(_sockets(str(pid), port))


def accepts(pid: int, port: int, address: str = "") -> bool:
    """Return whether a process in the namespace of `pid` accepts TCP connections to `port` at any address.

    With `address` (IPv4), it must be a socket of that address or of all.
    """

    def at_address(words: list[int]) -> bool:
        return not address or not any(words) or words == [int.from_bytes(inet_aton(address))]

    return bool(_sockets(str(pid), port, at_address))


def listens_here(port: int) -> bool:
    """Return whether a process in this thread's namespace does."""
    return bool(_sockets("thread-self", port))


def holder(port: int) -> str:
    """Return a name for the process that listens in this thread's namespace; "" if there is none."""
    links = {f"socket:[{inode}]" for inode in _sockets("thread-self", port)}
    if not links:
        return ""
    here = Path("/proc/thread-self/ns/net").stat().st_ino
    for entry in Path("/proc").iterdir():
        inside = entry.name.isdigit() and net_namespace(int(entry.name)) == here
        if inside and links.intersection(_open(entry)):
            with suppress(OSError):
                return f"process {entry.name} ({(entry / 'comm').read_text(encoding='utf-8').strip()})"
    return "another process"


def _open(process: Path) -> Iterator[str]:
    with suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                yield str(descriptor.readlink())


def _sockets(process: str, port: int, at_address: Callable[[list[int]], bool] | None = None) -> set[str]:
    """Return the inodes of listening sockets in the namespace of `process`, a name in /proc.

    `at_address` selects them by their address, as 32-bit words in the machine's byte order; without it they
    cover the loopback.
    """
    chosen = at_address or _covers_loopback
    out: set[str] = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError), Path(f"/proc/{process}/net/{table}").open(encoding="ascii") as file:
            next(file)
            rows = (line.split() for line in file)
            out.update(fields[9] for fields in rows if _listens(fields, port) and chosen(_words(fields[1])))
    return out


def _listens(fields: list[str], port: int) -> bool:
    """Parse a line (proc_pid_net(5)): local address is field 1, state field 3, the socket's inode 9."""
    return fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port


def _words(field: str) -> list[int]:
    """Return a local address as 32-bit words in the machine's byte order; one word for IPv4 in IPv6."""
    address = field.rpartition(":")[0]
    words = [int.from_bytes(bytes.fromhex(address[i : i + 8]), "little") for i in range(0, len(address), 8)]
    return words[3:] if len(words) == 4 and words[:2] == [0, 0] and words[2] == 0xFFFF else words


def _covers_loopback(words: list[int]) -> bool:
    """Return whether a listening address is 127.0.0.1 or any."""
    return not any(words) or words == [_LOOPBACK]
