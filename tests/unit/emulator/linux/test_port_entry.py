"""A ping of a light port has the port's address as its source, however it is written."""

from __future__ import annotations

import pytest

from emulator.linux.overlay.port_entry import is_ping, with_source

ADDRESS = bytes((10, 0, 0, 7))
PINGED = ["-I", "10.0.0.7", "-c1", "web"]


@pytest.mark.parametrize(
    ("argv", "becomes"),
    [
        (["ping", "-c1", "web"], ["ping", *PINGED]),
        (["/usr/bin/ping", "-c1", "web"], ["/usr/bin/ping", *PINGED]),
        (["sh", "-c", "ping -c1  web"], ["ping", *PINGED]),
        (["/bin/sh", "-c", "/usr/bin/ping -c1 web"], ["/usr/bin/ping", *PINGED]),
        (["sh", "-c", "ping -I 10.0.0.9 web"], None),
        (["ping", "-nI", "10.0.0.9", "web"], None),
        (["sh", "-c", "ping -c1 web | cat"], None),
        (["sh", "-c", "ping -c1 $HOST"], None),
        (["sh", "-c", "exec ping -c1 web"], None),
        (["sh", "-c", "ping -c1 'web'"], None),
        (["sh", "-c", "ping -c1 web\n"], None),
        (["sh", "-e", "ping -c1 web"], None),
        (["sh", "-c", "ping -c1 web", "x"], None),
        (["pingall"], None),
        (["sh"], None),
        ([], None),
    ],
)  # fmt: skip
def test_a_ping_gets_the_source_of_the_port(argv: list[str], becomes: list[str] | None) -> None:
    assert with_source(argv, ADDRESS) == (becomes or argv)
    assert is_ping(argv) or becomes is None
