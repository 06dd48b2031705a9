"""Record the packets of an interface: by tcpdump inside the node, or by a raw socket of our own."""

from __future__ import annotations

import io
import os
import select
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace

from emulator.access import BinaryWriter, CaptureRequest, CaptureResult
from emulator.errors import UnableError, UsageError
from emulator.find_program import find_program
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.pcap import SNAP_LENGTH, Counter, Writer
from emulator.linux.processes.execute import Place, inside

_ETH_P_ALL = 3
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_PACKET_ADD_MEMBERSHIP, _PROMISCUOUS = 1, 1
_MEMBERSHIP = struct.Struct("=iHH8x")
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("=qq") if struct.calcsize("l") == 8 else struct.Struct("=ll")
_BUFFER = 32 << 20
_CHUNK = 1 << 16
_SO_RCVBUFFORCE = 33


Process = subprocess.Popen[bytes]

View = Callable[[bytes], bytes | None]
"""Makes of a frame what a file is to show of it; None leaves it out."""


def tcpdump() -> str | None:
    """Return the path of tcpdump, or None."""
    return find_program("tcpdump")


def check_filter(expression: str | None) -> None:
    """Raise UsageError for an invalid pcap filter, UnableError when no tcpdump can compile it."""
    if not expression:
        return
    program = tcpdump()
    if program is None:
        raise UnableError("--filter needs tcpdump, which isn't here: apt install tcpdump")
    empty = io.BytesIO()
    Writer(empty)  # a file without packets: no interface is needed to compile a filter
    argv = [program, "-d", "-n", "-r", "-", "--", expression]
    done = subprocess.run(argv, input=empty.getvalue(), capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").splitlines()
        why = words[-1].removeprefix("tcpdump: ") if words else f"tcpdump ended with {done.returncode}"
        raise UsageError(f"--filter `{expression}`: {why}; see pcap-filter(7)")


def by_tcpdump(
    program: str, store: NamespaceStore, place: Place, request: CaptureRequest, file: BinaryWriter
) -> CaptureResult:
    """Record with tcpdump, started inside a node; UnableError when it refuses.

    It writes to a descriptor opened here: of the file itself, or of a pipe that is copied into the file.
    """
    argv = tcpdump_command(program, request)
    return run_tcpdump(lambda start: inside(store, place, None, lambda: start(argv)), request, file)


def tcpdump_command(program: str, request: CaptureRequest) -> list[str]:
    """Return the command that writes the packets of `request` to its standard output as pcap."""
    argv = [program, "-Z", "root", "-i", request.interface, "-U", "-n"]
    argv += ["--nano", "-s", str(SNAP_LENGTH), "-w", "-"]
    argv += ["-c", str(request.count)] if request.count else []
    return argv + (["--", request.filter] if request.filter else [])


def run_tcpdump(
    enter: Callable[[Callable[[list[str]], Process]], Process], request: CaptureRequest, file: BinaryWriter
) -> CaptureResult:
    """Run the tcpdump that `enter(start)` starts by `start(argv)` until it ends, or its time, or Ctrl-C."""
    with _descriptor(file) as output:
        process = enter(
            lambda argv: subprocess.Popen(  # noqa: S603 -- our own words, no shell
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE
            )
        )
        try:
            _, errors = process.communicate(timeout=request.seconds)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.terminate()
            _, errors = process.communicate()
    words = errors.decode("utf-8", "replace").splitlines()
    if process.returncode not in (0, -15, -2):
        raise UnableError(f"tcpdump: {words[-1] if words else f'ended with {process.returncode}'}")
    return CaptureResult(_number(words, "captured"), _number(words, "dropped by kernel"))


@contextmanager
def _descriptor(file: BinaryWriter) -> Iterator[int]:
    """Yield a descriptor whose bytes go into `file`: its own, or a pipe's; at the end all have arrived.

    Only plain files give their own: others may change what is written to them. Raises the errors of `file`.
    """
    raw = getattr(file, "raw", file)
    if isinstance(raw, io.FileIO):
        file.flush()
        yield raw.fileno()
        return
    source, target = os.pipe()
    with ThreadPoolExecutor(1) as pool:
        copied = pool.submit(_copy, source, file)
        try:
            yield target
        finally:
            os.close(target)
        copied.result()


def _copy(source: int, file: BinaryWriter) -> None:
    """Write what comes from the pipe `source` into `file`; without a reader, its writer ends."""
    try:
        while data := os.read(source, _CHUNK):
            file.write(data)
            file.flush()
    finally:
        os.close(source)


def _number(lines: list[str], ending: str) -> int | None:
    found = [line.split()[0] for line in lines if line.endswith(ending)]
    return int(found[0]) if found and found[0].isdigit() else None


def by_raw_socket(
    store: NamespaceStore, place: Place, request: CaptureRequest, file: BinaryWriter, view: View | None = None
) -> CaptureResult:
    """Record with a raw socket opened inside a node; with `view`, what it makes of each frame."""
    with inside(store, place, None, lambda: _open(request.interface)) as sock:
        writer = Writer(file)
        try:
            _record(sock, writer, request, view)
        except KeyboardInterrupt:
            pass
        finally:
            writer.flush()
        _, dropped = struct.unpack("=II", sock.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        return CaptureResult(writer.packets, dropped)


def _open(interface: str) -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    sock.bind((interface, _ETH_P_ALL))
    # a bridge passes forwarded packets to its own interface only in promiscuous mode
    everything = _MEMBERSHIP.pack(socket.if_nametoindex(interface), _PROMISCUOUS, 0)
    sock.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, everything)
    return sock


def _record(sock: socket.socket, writer: Writer, request: CaptureRequest, view: View | None) -> None:
    end = None if request.seconds is None else time.monotonic() + request.seconds
    buffer = memoryview(bytearray(SNAP_LENGTH))
    while request.count is None or writer.packets < request.count:
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            return
        if not select.select([sock], [], [], 0)[0]:
            writer.flush()  # no packet is waiting: make the output visible to readers of a pipe
            if not select.select([sock], [], [], left)[0]:
                return
        length, extra, _flags, _source = sock.recvmsg_into(
            [buffer], socket.CMSG_SPACE(_TIMESPEC.size), socket.MSG_TRUNC
        )
        frame: bytes | None = bytes(buffer[: min(length, SNAP_LENGTH)])
        if view is not None and frame is not None:
            whole, frame = len(frame), view(frame)
            length -= whole - len(frame or b"")
        if frame is not None:
            writer.write(_when(extra), frame, length)


def _when(extra: list[tuple[int, int, bytes]]) -> int:
    """Return the time at which the kernel saw the packet, in nanoseconds."""
    for level, kind, data in extra:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            return int(seconds * 10**9 + nanoseconds)
    return time.time_ns()


def by_view(
    store: NamespaceStore, place: Place, request: CaptureRequest, file: BinaryWriter, view: View
) -> CaptureResult:
    """Record what `view` makes of each frame. A filter acts on the result: tcpdump reads it from a pipe."""
    if request.filter is None:
        return by_raw_socket(store, place, request, file, view)
    program = tcpdump()
    if program is None:
        raise UnableError("--filter needs tcpdump, which isn't here: apt install tcpdump")
    source, target = os.pipe()
    limit = ["-c", str(request.count)] if request.count else []
    argv = [program, "-Z", "root", "-r", "-", "-U", "-n", "-w", "-", *limit, "--", request.filter]
    counter = Counter(file)
    with _descriptor(counter) as output, os.fdopen(target, "wb") as pipe:
        process = subprocess.Popen(argv, stdin=source, stdout=output, stderr=subprocess.PIPE)  # noqa: S603
        os.close(source)
        try:
            found = by_raw_socket(store, place, replace(request, count=None, filter=None), pipe, view)
            dropped = found.dropped
        except BrokenPipeError:  # it has as many packets as it was to record
            dropped = None
        finally:
            with suppress(BrokenPipeError):
                pipe.close()
            process.wait()
    return CaptureResult(counter.packets, dropped)


def record(
    store: NamespaceStore, place: Place, request: CaptureRequest, file: BinaryWriter,
    find_tcpdump: Callable[[], str | None] = tcpdump,
) -> CaptureResult:  # fmt: skip
    """Record packets per `request` into `file` until it ends or Ctrl-C; the file is complete either way.

    Raises UnableError for a filter without tcpdump. `check_filter` checks this before anything is written.
    """
    program = find_tcpdump()
    if program is None:
        if request.filter:
            raise UnableError("--filter needs tcpdump, which isn't here: apt install tcpdump")
        return by_raw_socket(store, place, request, file)
    return by_tcpdump(program, store, place, request, file)
