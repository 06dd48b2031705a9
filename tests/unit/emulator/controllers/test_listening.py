"""Listening sockets are found by port and address in what the kernel lists."""

from __future__ import annotations

import os
import socket

import pytest

from emulator.controllers.listening import accepts, listens

FAMILIES = {"127.0.0.2": socket.AF_INET, "::ffff:127.0.0.2": socket.AF_INET6}


@pytest.mark.parametrize("bound", FAMILIES)
def test_a_server_accepts_at_the_address_that_it_is_bound_to(bound: str) -> None:
    with socket.socket(FAMILIES[bound]) as server:
        if FAMILIES[bound] == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind((bound, 0))
        port, own = server.getsockname()[1], os.getpid()
        assert not accepts(own, port), "it doesn't listen yet"
        server.listen()
        assert accepts(own, port)
        assert accepts(own, port, "127.0.0.2")
        assert not accepts(own, port, "127.0.0.3")
        assert not accepts(own, port, "2.0.0.127")
        assert not listens(own, port), "it isn't reached at 127.0.0.1"


def test_a_server_at_all_addresses_accepts_at_each() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("0.0.0.0", 0)) as every:  # noqa: S104
        for server in (one, every):
            port = server.getsockname()[1]
            assert listens(os.getpid(), port)
            assert accepts(os.getpid(), port, "127.0.0.5") == (server is every)
