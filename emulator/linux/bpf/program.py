"""BPF programs: loaded, found again by id, and run on a packet without a network.

Formats: include/uapi/linux/bpf.h (`union bpf_attr`, `struct bpf_prog_info`, `struct __sk_buff`), test runs:
Documentation/bpf/bpf_prog_run.rst and net/bpf/test_run.c.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from emulator.closing import Closing
from emulator.errors import KernelError
from emulator.linux.bpf import syscall
from emulator.linux.bpf.code import SIZE, Code
from emulator.linux.bpf.maps import Map

SCHED_CLS, CGROUP_SOCK_ADDR = 3, 18
"""Types of programs: a filter of traffic control; bind, connect and sendmsg of a control group."""
_LOG = 1 << 20
_LOAD = struct.Struct("=IIQQIIQII16sII")
_TEST = struct.Struct("=IIIIQQIIIIQQ")
_INFO = struct.Struct("=II8sIIQQQIIQ16s")
_CONTEXT = 192
"""Size of `struct __sk_buff`, and below the offsets of the fields that a test run takes or changes."""
_FIELDS = {"mark": 8, "priority": 32, "ingress_ifindex": 36, "ifindex": 40, "gso_segs": 164, "gso_size": 176}
_PACKET = 1 << 16


@dataclass(frozen=True)
class TestRun:
    """Result of a run: the program's return value, the packet and its mark afterwards, and the time.

    `nanoseconds` is the mean of all repetitions.
    """

    __test__ = False  # no test, whatever pytest concludes from the name

    verdict: int
    packet: bytes
    mark: int
    nanoseconds: int


class Program(Closing):
    """A loaded BPF program that this process holds open by `fd`."""

    def __init__(self, descriptor: int, name: str = "") -> None:
        self.fd = descriptor
        info = _INFO.unpack(syscall.object_info(descriptor, _INFO.size, f"BPF program {name}".rstrip()))
        self.kind, self.id, self._maps = info[0], info[1], info[9]
        self.name = name or info[11].rstrip(b"\0").decode("ascii", "replace")

    @classmethod
    def load(cls, code: Code, maps: Mapping[str, Map], kind: int = SCHED_CLS, attach: int = 0) -> Self:
        """Load `code`, with the maps that it names; `attach` is the attach type that some kinds expect.

        Raises KernelError; what the verifier says is part of it.
        """
        try:
            return cls._load(code, maps, kind, attach, log=None)
        except KernelError as error:
            if error.errno not in {errno.EACCES, errno.EINVAL}:
                raise
        return cls._load(code, maps, kind, attach, log=ctypes.create_string_buffer(_LOG))

    @classmethod
    def _load(
        cls, code: Code, maps: Mapping[str, Map], kind: int, attach: int,
        log: ctypes.Array[ctypes.c_char] | None,
    ) -> Self:  # fmt: skip
        """Load once. The log costs time and memory, so it is asked for only after a refusal."""
        linked = code.linked(maps)
        text = ctypes.create_string_buffer(linked, len(linked))
        licence = ctypes.create_string_buffer(code.licence.encode("ascii"))
        level, size, address = (0, 0, 0) if log is None else (1, len(log), ctypes.addressof(log))
        fields = _LOAD.pack(
            kind, len(linked) // SIZE, ctypes.addressof(text), ctypes.addressof(licence), level, size,
            address, 0, 0, code.name.encode("ascii")[:15], 0, attach,
        )  # fmt: skip
        made, _ = syscall.bpf(syscall.PROG_LOAD, fields, "load BPF program", code.name, log)
        return cls(made, code.name)

    @classmethod
    def from_id(cls, number: int) -> Self:
        """Open the program with this id. Raises KernelError (ENOENT) when it is gone."""
        return cls(
            syscall.descriptor_by_id(
                syscall.PROG_GET_FD_BY_ID, number, "open BPF program", f"with id {number}"
            )
        )

    def close(self) -> None:
        """Close the descriptor. What is attached stays."""
        if self.fd >= 0:
            syscall.close_quietly(self.fd)
            self.fd = -1

    def bind(self, one: Map) -> None:
        """Have the program keep a map that it doesn't use, so that it is found by the program's id.

        Binding a map that it uses changes nothing.
        """
        fields = struct.pack("=III", self.fd, one.fd, 0)
        syscall.bpf(syscall.PROG_BIND_MAP, fields, "bind BPF map", f"{one.name} to {self.name}")

    def map_ids(self) -> list[int]:
        """Return the ids of the maps that the program uses."""
        numbers = (ctypes.c_uint32 * max(self._maps, 1))()
        info = bytearray(_INFO.size)
        struct.pack_into("=IQ", info, _INFO.size - 28, self._maps, ctypes.addressof(numbers))
        syscall.fill_info(
            self.fd, ctypes.create_string_buffer(bytes(info), len(info)), f"BPF program {self.name}"
        )
        return list(numbers)[: self._maps]

    def test_run(self, packet: bytes, repeat: int = 1, **context: int) -> TestRun:
        """Run the program on `packet`, an Ethernet frame, and return what it did.

        `context` has fields of `struct __sk_buff`: mark, priority, ifindex (of a device in this network
        namespace; 1, the loopback, if not given), ingress_ifindex, gso_segs, gso_size. A redirection isn't
        carried out: only its verdict is returned.
        """
        given, out = ctypes.create_string_buffer(packet, len(packet)), ctypes.create_string_buffer(_PACKET)
        before = bytearray(_CONTEXT)
        for name, value in context.items():
            struct.pack_into("=I", before, _FIELDS[name], value)
        context_in = ctypes.create_string_buffer(bytes(before), _CONTEXT)
        context_out = ctypes.create_string_buffer(_CONTEXT)
        fields = _TEST.pack(
            self.fd, 0, len(packet), len(out), ctypes.addressof(given), ctypes.addressof(out), repeat, 0,
            _CONTEXT, _CONTEXT, ctypes.addressof(context_in), ctypes.addressof(context_out),
        )  # fmt: skip
        _, union = syscall.bpf(syscall.PROG_TEST_RUN, fields, "test BPF program", self.name)
        result = _TEST.unpack(union)
        mark = struct.unpack_from("=I", context_out.raw, _FIELDS["mark"])[0]
        return TestRun(result[1], out.raw[: result[3]], mark, result[7])
