"""Read the state of switches over OpenFlow: settings of ports, and whether there are flows.

No database holds this. Each switch is queried through its management socket, many at a time and without
a process. Greeting and requests go in one write, since the switch's version is known. Layouts: OpenFlow
Switch Specification 1.0.0 (section 5) to 1.5.1 (section 7).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct

from emulator.linux.processes.unix_sockets import connected
from emulator.ovs.bridges import Bridge
from topologies.openflow import PROTOCOLS

_AT_ONCE = 256
"""Switches queried at a time: the daemon serves all of them in one round, and rounds are slow."""
_PATIENCE = 10.0
_HEADER = Struct("!BBHI")
_HELLO, _ERROR = 0, 1
_TABLES, _PORTS = 3, 13
_ANY_PORT = 0xFFFFFFFF
_MORE = 1
"""The flag of an answer that another part follows."""
_TABLE10, _TABLE13 = Struct("!B3x32x4x4xI16x"), Struct("!B3xI16x")
"""Of a table's statistics: its number and how many flows it has."""
_WIRE = {name: number for number, name in enumerate(PROTOCOLS, 1)}
_V10, _V13, _V14, _V15 = 1, 4, 5, 6

CONFIG = {
    1 << 2: ("no-receive", "receive"),
    1 << 4: ("no-flood", "flood"),
    1 << 5: ("no-forward", "forward"),
    1 << 6: ("no-packet-in", "packet-in"),
}
"""Bits of a port's configuration: the words by which `ovs-ofctl mod-port` sets and clears each."""


@dataclass
class SwitchAnswer:
    """A switch's answer: {port: set bits of CONFIG}, and whether its first table has flows.

    `flows` is None if that wasn't requested. `problem` says why there is no answer.
    """

    configs: dict[str, int] = field(default_factory=dict)
    flows: bool | None = None
    problem: str = ""


def version_of(bridge: Bridge) -> str:
    """Return the version for querying a bridge: 1.0 if it speaks that, since only 1.0 reports `no-flood`."""
    return min(bridge.protocols, key=_WIRE.__getitem__, default="OpenFlow13")


def asks_controller(bridge: Bridge) -> bool:
    """Return whether a bridge without flows asks its controller: the default before version 1.3."""
    return max(map(_WIRE.__getitem__, bridge.protocols), default=_V13) < _V13


def ask(folder: Path, bridges: Iterable[Bridge], counted: Container[str] = ()) -> dict[str, SwitchAnswer]:
    """Query `bridges`, whose management sockets are in `folder`; return the answers by name.

    Those named in `counted` are also asked whether they have flows.
    """
    waiting = [(bridge, {_PORTS, _TABLES} if bridge.name in counted else {_PORTS}) for bridge in bridges]
    out: dict[str, SwitchAnswer] = {}
    for at in range(0, len(waiting), _AT_ONCE):
        out.update(_answers(folder, waiting[at : at + _AT_ONCE]))
    return out


def _answers(folder: Path, bridges: Sequence[tuple[Bridge, set[int]]]) -> Iterator[tuple[str, SwitchAnswer]]:
    """Send all requests, then read all answers: each switch works while the others are read."""
    with ExitStack() as stack:
        sockets: list[socket.socket | str] = []
        for bridge, kinds in bridges:
            try:
                made = connected(folder / f"{bridge.name}.mgmt", _PATIENCE)
                stack.callback(made.close)
                made.sendall(_requests(_WIRE[version_of(bridge)], kinds))
                sockets.append(made)
            except OSError as error:
                sockets.append(error.strerror or str(error))
        for (bridge, kinds), found in zip(bridges, sockets, strict=True):
            if isinstance(found, str):
                yield bridge.name, SwitchAnswer(problem=found)
            else:
                yield bridge.name, _answer_of(found, kinds)


def _requests(version: int, kinds: Iterable[int]) -> bytes:
    out = _HEADER.pack(version, _HELLO, _HEADER.size, 0)
    for kind in sorted(kinds):
        body = Struct("!I4x").pack(_ANY_PORT) if kind == _PORTS and version >= _V15 else b""
        head = Struct("!HH").pack(kind, 0) + (b"" if version == _V10 else bytes(4))
        size = _HEADER.size + len(head) + len(body)
        out += _HEADER.pack(version, 16 if version == _V10 else 18, size, kind) + head + body
    return out


def _answer_of(sock: socket.socket, kinds: set[int]) -> SwitchAnswer:
    """Read the answers to the requests of `kinds`."""
    out, left = SwitchAnswer(), set(kinds)
    try:
        with sock.makefile("rb") as stream:
            while left:
                version, kind, size, number = _HEADER.unpack(_exactly(stream.read, _HEADER.size))
                body = _exactly(stream.read, size - _HEADER.size)
                if kind == _ERROR:
                    return SwitchAnswer(problem=f"error {body[:4].hex()}")
                if number in left and kind in {17, 19}:
                    _read_statistics(out, version, number, body[4 if version == _V10 else 8 :])
                    if not body[3] & _MORE:
                        left.discard(number)
    except OSError as error:
        return SwitchAnswer(problem=error.strerror or str(error) or "no answer")
    return out


def _read_statistics(out: SwitchAnswer, version: int, kind: int, body: bytes) -> None:
    if kind == _PORTS:
        for name, bits in _ports(version, body):
            out.configs[name] = bits & sum(CONFIG)
    else:
        layout = _TABLE10 if version == _V10 else _TABLE13
        whole = body[: len(body) - len(body) % layout.size]
        here = any(table == 0 and flows for table, flows in layout.iter_unpack(whole))
        out.flows = bool(out.flows) or here


def _ports(version: int, body: bytes) -> Iterator[tuple[str, int]]:
    """Yield (name, configuration) of each port of a description."""
    at = 0
    name_at = 8 if version == _V10 else 16
    while at < len(body):
        size = 48 if version == _V10 else 64
        if version >= _V14:
            size = int.from_bytes(body[at + 4 : at + 6], "big")
        if size < name_at + 20 or at + size > len(body):
            raise OSError("a port's description is too short")
        name = body[at + name_at : at + name_at + 16].rstrip(b"\0").decode(errors="replace")
        yield name, int.from_bytes(body[at + name_at + 16 : at + name_at + 20], "big")
        at += size


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    found = read(size)
    if len(found) < size:
        raise OSError("the switch closed the connection")
    return found
