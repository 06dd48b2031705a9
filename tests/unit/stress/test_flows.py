"""The flows of `traffic`: what their child process tells at the end."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from emulator.errors import BrokenError
from stress.tasks import flow_sender
from stress.tasks.own_flows import OwnFlows


class Here:
    """The one node is this machine."""

    names = ("h1",)

    def open_socket(self, node: int, family: int, kind: int) -> socket.socket:
        del node
        return socket.socket(family, kind)

    def identity(self, node: int) -> str:
        del node
        return ""


class LongFlow:
    """A flow of ten minutes that is over."""

    sends, tcp, connected, error = False, False, False, ""

    def found(self) -> dict[str, Any]:
        return {"received_bytes": 1, "series": [1_234_567] * 600}


def group_at(control: socket.socket) -> OwnFlows:
    group = OwnFlows.__new__(OwnFlows)
    group._control = control
    return group


def test_many_flows_tell_all_that_they_found() -> None:
    """1,000 flows of ten minutes are 5 MB: more than one packet of a Unix socket holds."""
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = flow_sender.Program(theirs)
    program.flows = [LongFlow() for _ in range(1000)]  # type: ignore[misc]
    with control:

        def run() -> None:
            with theirs:
                program.run()

        thread = threading.Thread(target=run)
        thread.start()
        found = group_at(control).ask(None)
        thread.join()
    assert len(found) == 1000
    assert all(len(flow["series"]) == 600 for flow in found)


def test_senders_that_end_in_mid_answer_are_an_error() -> None:
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with control:
        theirs.sendall(b'{"flows": [{"recei')
        theirs.shutdown(socket.SHUT_WR)
        with theirs, pytest.raises(BrokenError, match="did not answer"):
            group_at(control).ask(None)


def test_a_sender_that_begins_before_its_receiver_connects_once_it_is_there() -> None:
    """The halves of a flow begin on two workers; the sender is refused several times before."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    nodes: Any = Here()
    senders, receivers = OwnFlows(nodes, {}), OwnFlows(nodes, {})
    flow = {
        "number": 0, "source": 0, "target": 0, "protocol": "tcp", "address": "127.0.0.1", "port": port,
        "bandwidth": 1e6, "size": 1000,
    }  # fmt: skip
    try:
        senders.ask({**flow, "do": "send"})
        time.sleep(0.3)
        receivers.ask({**flow, "do": "listen"})
        time.sleep(0.5)
        (sent,) = senders.ask(None)
        (received,) = receivers.ask(None)
    finally:
        senders.stop()
        receivers.stop()
    assert (sent["error"], received["error"]) == ("", "")
    assert 0 < received["received_bytes"] <= sent["sent_bytes"]
