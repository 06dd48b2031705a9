"""Identity of processes: those of a control group have one port's address.

One stack serves all ports of a compute host. Programs on one control group of version 2, the network's, see
each bind, connect and sendmsg of the groups below it. A group with an identity gets its port's address as
source, and binding another port's address fails (EPERM); the loopback network stays free. So each port can
have a server on the same TCP port. What isn't covered: raw sockets (`ping` needs `-I`), and groups that a
command creates below its own.

The programs are `programs/identity.c`. They end with the group: nothing is pinned. A group's number is the
inode of its folder (kernfs).
"""

from __future__ import annotations

import ctypes
import errno
import ipaddress
import os
import struct
from pathlib import Path
from typing import Self

from emulator.closing import Closing
from emulator.errors import BrokenError, KernelError
from emulator.linux.bpf import syscall
from emulator.linux.bpf.code import read_code
from emulator.linux.bpf.maps import HASH, NO_PREALLOC, Map
from emulator.linux.bpf.program import CGROUP_SOCK_ADDR, Program
from emulator.linux.overlay.programs import FOLDER

MAP = "em_identities"
ATTACH_TYPES = {"bind4": 8, "bind6": 9, "connect4": 10, "connect6": 11, "sendmsg4": 14}
"""Places of the programs: BPF_CGROUP_INET4_BIND and so on (include/uapi/linux/bpf.h)."""
_ALLOW_MULTI = 1 << 1
_ATTACH = struct.Struct("=IIII")
_QUERY = struct.Struct("=IIIIQI4x")
_MOST_PROGRAMS = 64
"""Programs at one place of a group: the kernel's own limit, BPF_CGROUP_MAX_PROGS."""


class Identities(Closing):
    """Addresses of the groups below one group. Close it when done: what is attached stays."""

    def __init__(self, identities: Map) -> None:
        self._map = identities

    @classmethod
    def attach(cls, group: Path, entries: int = 65536) -> Self:
        """Attach the programs to `group`, a folder, for at most so many identities. Raises KernelError."""
        made = Map.create(MAP, HASH, 8, 4, entries, flags=NO_PREALLOC)
        try:
            folder = _opened(group)
        except BaseException:
            made.close()
            raise
        try:
            for name, code in read_code(FOLDER / "identity.json").items():
                place = ATTACH_TYPES[name]
                with Program.load(code, {MAP: made}, CGROUP_SOCK_ADDR, place) as program:
                    fields = _ATTACH.pack(folder, program.fd, place, _ALLOW_MULTI)
                    syscall.bpf(syscall.PROG_ATTACH, fields, "attach BPF program", f"{name} to {group}")
        except BaseException:
            made.close()
            raise
        finally:
            os.close(folder)
        return cls(made)

    @classmethod
    def reopen(cls, group: Path) -> Self:
        """Find the identities again, by the programs of `group`.

        Raises KernelError when the group is gone, BrokenError when it has no such programs.
        """
        for number in _attached(group, ATTACH_TYPES["bind4"]):
            with Program.from_id(number) as program:
                for found in map(Map.from_id, program.map_ids()):
                    if found.name == MAP:
                        return cls(found)
                    found.close()
        raise BrokenError(f"{group} has no identities of light ports")

    def add(self, group: Path, address: ipaddress.IPv4Address) -> None:
        """Give the processes of `group`, a folder below, the address of a port."""
        self._map.update(_number(group), address.packed)

    def remove(self, group: Path) -> bool:
        """Take the identity of a group, whose folder still exists, away; return False if it had none."""
        return self._map.delete(_number(group))

    def address(self, group: Path) -> ipaddress.IPv4Address | None:
        """Return the address of a group; None if it has none."""
        found = self._map.lookup(_number(group))
        return None if found is None else ipaddress.IPv4Address(found)

    def close(self) -> None:
        """Close the descriptor. The programs stay attached until their group ends."""
        self._map.close()


def _number(group: Path) -> bytes:
    try:
        return struct.pack("=Q", os.stat(group).st_ino)
    except OSError as error:
        raise KernelError("find control group", str(group), error.errno or errno.EIO) from error


def _opened(group: Path) -> int:
    try:
        return os.open(group, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise KernelError("open control group", str(group), error.errno or errno.EIO) from error


def _attached(group: Path, place: int) -> list[int]:
    """Return the ids of the programs at one place of a group."""
    numbers = (ctypes.c_uint32 * _MOST_PROGRAMS)()
    folder = _opened(group)
    try:
        fields = _QUERY.pack(folder, place, 0, 0, ctypes.addressof(numbers), len(numbers))
        _, union = syscall.bpf(syscall.PROG_QUERY, fields, "list BPF programs of", str(group))
    finally:
        os.close(folder)
    return list(numbers)[: _QUERY.unpack(union)[5]]
