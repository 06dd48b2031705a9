"""Sessions of a network whose kernel takes every message: what a change costs, without the kernel's share."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from emulator.linux.netlink import connection
from emulator.linux.netlink.datagrams import messages_in
from emulator.linux.nodes import release, shared_messages
from emulator.linux.nodes import session as session_module
from emulator.linux.nodes.link_messages import LinkMessages
from emulator.linux.nodes.session import NetnsSession
from emulator.linux.nodes.shared_messages import SharedMessages
from emulator.plan import make_plan
from topologies.build import build
from topologies.spec.load import load_text

PLAN = make_plan(build(load_text("name: t\ntopology: {generator: tree, depth: 2, fanout: 4}\n")), "netns")
HOST = int(PLAN.topology.hosts[0])
LINK, LINK_GONE, ADDRESS = 16, 17, 20
"""RTM_NEWLINK, RTM_DELLINK and RTM_NEWADDR of linux/rtnetlink.h."""


class Kernel:
    """Socket whose kernel takes everything; `sent` has the types of the messages of each `send`."""

    sent: list[list[int]]

    def send(self, data: bytes | bytearray) -> int:
        parts = list(messages_in(bytes(data)))
        self.sent.append([part.kind for part in parts])
        self._last = parts[-1].seq
        return len(data)

    def recv(self, _: int) -> bytes:
        return struct.pack("=8xI4xi", self._last, 0)

    def close(self) -> None:
        pass


class Nowhere:
    """Store without namespaces."""

    folder = Path("/nowhere/ns")

    @contextmanager
    def entered(self) -> Iterator[None]:
        yield

    def open(self, _: str) -> int:
        return os.open("/dev/null", os.O_RDONLY)

    def make(self, *_: str) -> None:
        pass

    go = remove = make


class Nothing:
    """Sysctls that nobody writes."""

    def __init__(self, _: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def apply(self, _: int) -> None:
        pass


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    monkeypatch.setattr(connection, "open_route_socket", Kernel)
    monkeypatch.setattr(session_module, "NodeSysctls", Nothing)
    monkeypatch.setattr(release, "kill_each", lambda _: None)
    Kernel.sent = []
    return Kernel.sent


def opened(shared: SharedMessages) -> NetnsSession:
    store: Any = Nowhere()
    return NetnsSession(store, shared, dict)


def test_a_host_goes_by_one_send_and_comes_back_by_one(sent: list[list[int]]) -> None:
    with opened(SharedMessages(lambda: PLAN)) as session:
        session.remove_node(HOST)
        assert sent == [[LINK_GONE]]
        sent.clear()
        session.add_node(HOST)
        assert sent == [[LINK, LINK, LINK, ADDRESS, LINK]]  # lo, the pair, no link-local address, up


def test_a_port_goes_and_comes_back_by_one_message_each(sent: list[list[int]]) -> None:
    with opened(SharedMessages(lambda: PLAN)) as session:
        for up in (False, True):
            session.set_port(HOST, 0, up=up)
    assert [len(kinds) for kinds in sent] == [1, 1]


@pytest.mark.usefixtures("sent")
def test_sessions_share_their_messages_until_other_links_are_up(monkeypatch: pytest.MonkeyPatch) -> None:
    built = []

    class Counted(LinkMessages):
        def __init__(self, part: Any) -> None:
            built.append(part)
            super().__init__(part)

    monkeypatch.setattr(shared_messages, "LinkMessages", Counted)
    plans = [PLAN]
    shared = SharedMessages(lambda: plans[-1])
    with opened(shared) as one, opened(shared) as two:
        assert built == [PLAN.whole]
        up = PLAN.links_up
        up[-1] = False
        plans.append(PLAN.with_links(up))
        for session in (one, two):
            session.set_port(HOST, 0, up=False)
            session.set_port(HOST, 0, up=True)
        assert len(built) == 2
        assert built[1] is plans[1].whole
