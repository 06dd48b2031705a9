"""Find listening processes in a network namespace without connecting: a controller would count that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from emulator.linux.processes.running import net_namespace

_LISTEN = "0A"
_LOOPBACK = 0x7F000001


def listens(pid: int, port: int) -> bool:
    """Return whether a process in the namespace of `pid` accepts TCP connections to 127.0.0.1:`port`."""
    return bool(_sockets(str(pid), port))


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


def _sockets(process: str, port: int) -> set[str]:
    """Return the inodes of listening sockets in the namespace of `process`, a name in /proc."""
    out: set[str] = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError), Path(f"/proc/{process}/net/{table}").open(encoding="ascii") as file:
            next(file)
            out.update(fields[9] for line in file if _answers(fields := line.split(), port))
    return out


def _answers(fields: list[str], port: int) -> bool:
    """Parse a line (proc_pid_net(5)): local address is field 1, state field 3, the socket's inode 9."""
    address, _, number = fields[1].rpartition(":")
    return fields[3] == _LISTEN and int(number, 16) == port and _covers_loopback(address)


def _covers_loopback(address: str) -> bool:
    """Return whether a listening address is 127.0.0.1 or any: 32-bit words in the machine's byte order."""
    words = [int.from_bytes(bytes.fromhex(address[i : i + 8]), "little") for i in range(0, len(address), 8)]
    if len(words) == 4 and words[:2] == [0, 0] and words[2] == 0xFFFF:  # IPv4 in IPv6
        words = words[3:]
    return not any(words) or words == [_LOOPBACK]
