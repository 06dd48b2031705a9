"""Commands of a light port: in a control group of their own, with the port's address as their identity."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from emulator.errors import BrokenError, KernelError, UnableError
from emulator.linux.cgroup_mounts import cgroup2_root
from emulator.linux.cgroups import ENTER, group_name, node_group
from emulator.linux.overlay.identity import Identities
from emulator.locks import locked

_SOURCE_OPTION = re.compile(r"-[46AaBbCDdfhLnOqRrUvV]*I")
"""`-I ADDRESS` of ping(8), also behind other short options in one word."""
_PLAIN_WORDS = re.compile(r"[\w./:@%+,-]+( +[\w./:@%+,-]+)*", re.ASCII)
"""A line of a shell that is one command of plain words: no syntax, no quotes, no variables."""


@contextmanager
def port_entry(state_root: Path, network: str, port: str, address: bytes) -> Iterator[tuple[list[str], int]]:
    """Return the prefix that runs a command as the light port, and the descriptor that it must inherit.

    `address` is in network byte order. Raises UnableError without control groups of version 2 or BPF
    programs on them.
    """
    root = cgroup2_root()
    if root is None:
        raise UnableError(
            f"can't run a command as the light port `{port}`: control groups of version 2 aren't mounted; "
            "`mount -t cgroup2 none /sys/fs/cgroup/unified`"
        )
    top = root / group_name(state_root, network)
    group = node_group(top, port)
    try:
        group.mkdir(parents=True, exist_ok=True)
        with locked(state_root / f".{network}.identities.lock", wait=True), _identities(top) as known:
            known.add(group, ipaddress.IPv4Address(address))
        descriptor = os.open(group / "cgroup.procs", os.O_PATH | os.O_CLOEXEC)
    except (KernelError, OSError) as error:
        raise UnableError(f"can't run a command as the light port `{port}`: {error}") from error
    try:
        yield ["/bin/sh", "-c", ENTER, "sh", f"/proc/self/fd/{descriptor}", "--"], descriptor
    finally:
        os.close(descriptor)


def _identities(top: Path) -> Identities:
    """Return the identities of a network; its programs are attached for its first command."""
    try:
        return Identities.reopen(top)
    except BrokenError:
        return Identities.attach(top)


def with_source(argv: Sequence[str], address: bytes) -> list[str]:
    """Return `argv`; a ping gets the port's address as its source, since raw sockets have no identity.

    `sh -c "ping …"` is a ping, too; what a script does besides is its own affair.
    """
    words = _without_shell(argv)
    if not is_ping(words) or any(_SOURCE_OPTION.match(word) for word in words[1:]):
        return list(argv)
    return [words[0], "-I", str(ipaddress.IPv4Address(address)), *words[1:]]


def is_ping(argv: Sequence[str]) -> bool:
    """Return whether a command is ping(8), perhaps by a shell that does nothing else."""
    words = _without_shell(argv)
    return bool(words) and Path(words[0]).name == "ping"


def _without_shell(argv: Sequence[str]) -> list[str]:
    """Return the words that `sh -c LINE` runs if LINE is one plain command, else `argv`."""
    if len(argv) == 3 and Path(argv[0]).name == "sh" and argv[1] == "-c" and _PLAIN_WORDS.fullmatch(argv[2]):
        return argv[2].split()
    return list(argv)
