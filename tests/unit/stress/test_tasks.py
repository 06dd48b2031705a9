"""What runs where the nodes are, with nodes whose sockets are of this process."""

from __future__ import annotations

import errno
import os
import re
import socket
import time
from pathlib import Path
from pkgutil import resolve_name

import pytest

import stress
from stress.tasks.frames import FrameSenders

REQUEST = {"node": 3, "interface": "h1-eth0", "frame": "00ff", "times": 2}


class Wire:
    """A socket that counts what is sent, or fails."""

    def __init__(self, nodes: FakeNodes) -> None:
        self._nodes = nodes

    def bind(self, address: tuple[str, int]) -> None:
        self._nodes.bound.append(address[0])
        if self._nodes.code:
            raise OSError(self._nodes.code, os.strerror(self._nodes.code))

    def send(self, frame: bytes) -> None:
        self._nodes.sent.append(frame)

    def close(self) -> None:
        self._nodes.closed += 1


class FakeNodes:
    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.bound: list[str] = []
        self.sent: list[bytes] = []
        self.closed = 0

    def open_socket(self, node: int, family: int, kind: int, protocol: int = 0) -> Wire:
        assert (node, family, kind, protocol) == (3, socket.AF_PACKET, socket.SOCK_RAW, 0)
        return Wire(self)


def test_frames_are_sent_by_one_socket_that_is_closed_when_it_is_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nodes = FakeNodes()
    task = FrameSenders(nodes, {})  # type: ignore[arg-type]
    assert task.ask(REQUEST)
    assert task.ask(REQUEST)
    assert (nodes.bound, nodes.sent, nodes.closed) == (["h1-eth0"], [b"\x00\xff"] * 4, 0)
    later = time.monotonic() + 2
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert task.ask(REQUEST)
    assert (len(nodes.bound), nodes.closed) == (2, 1)
    task.stop()
    task.stop()
    assert nodes.closed == 2
    assert task.failure is None


@pytest.mark.parametrize("code", [errno.ENETDOWN, errno.ENXIO, errno.ENODEV, errno.ENOENT])
def test_a_port_that_is_down_or_gone_is_told_and_is_no_error(code: int) -> None:
    nodes = FakeNodes(code)
    assert FrameSenders(nodes, {}).ask(REQUEST) is False  # type: ignore[arg-type]
    assert nodes.closed == 1


def test_other_failures_are_errors() -> None:
    with pytest.raises(OSError, match="Operation not permitted"):
        FrameSenders(FakeNodes(errno.EPERM), {}).ask(REQUEST)  # type: ignore[arg-type]


def test_every_entry_point_that_stress_names_is_there() -> None:
    folder = Path(stress.__file__).parent
    text = "".join(path.read_text() for path in folder.rglob("*.py"))
    named = set(re.findall(r'"(stress\.tasks\.\w+:\w+)"', text))
    assert len(named) == 8
    for name in named:
        for method in ("ask", "stop", "failure"):
            assert hasattr(resolve_name(name), method)
