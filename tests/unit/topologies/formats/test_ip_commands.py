"""Commands that set addresses and routes, in imported files."""

from __future__ import annotations

import pytest

from topologies.formats.ip_commands import SetsAddress, SetsRoute, parsed


@pytest.mark.parametrize(
    "command",
    [
        "ip addr add 10.0.0.1/24 dev eth1", "ip a a 10.0.0.1/24 dev eth1",
        "ip address add dev eth1 10.0.0.1/24",
        "ip -4 ad add 10.0.0.1/24 brd + dev eth1", " sudo  ip addr replace 10.0.0.1/24 dev 'eth1' ",
        "ip a rep 10.0.0.1/24 dev eth1",
    ],
)  # fmt: skip
def test_addresses(command: str) -> None:
    assert parsed(command) == SetsAddress("10.0.0.1/24", "eth1")


@pytest.mark.parametrize(
    ("command", "route"),
    [
        ("ip route add default via 10.0.0.1", ("default", "10.0.0.1")),
        ("ip r a default via 10.0.0.1 dev h1-eth0", ("default", "10.0.0.1")),
        ("ip -6 route replace fd00::/16 via fd01::1", ("fd00::/16", "fd01::1")),
        ("ip ro add 10.9.0.0/16 dev eth1 via 10.0.0.1", ("10.9.0.0/16", "10.0.0.1")),
        ("route add default gw 10.0.0.1", ("default", "10.0.0.1")),
        ("route add -net default gw 10.0.0.1 h1-eth0", ("default", "10.0.0.1")),
        ("route add default gw 10.0.0.1 dev h1-eth0", ("default", "10.0.0.1")),
    ],
)
def test_routes(command: str, route: tuple[str, str]) -> None:
    assert parsed(command) == SetsRoute(*route)


@pytest.mark.parametrize(
    "command",
    [
        "", "ip", "ip addr", "ip addr add", "ip addr add 10.0.0.1/24", "ip addr del 10.0.0.1/24 dev eth1",
        "ip addr add 10.0.0.1/24 dev", "ip addr add x/24 dev eth1", "ip link add x type dummy",
        "ip addr add 10.0.0.1/24 dev eth1 label x", "ip addr add 10.0.0.1/24 dev eth1; reboot",
        "ip route add default dev eth1", "ip route add default via nowhere",
        "ip route add 10.0.0.9 via 10.0.0.1", "ip r a default via 10.0.0.1 dev x;reboot",
        "ip a a $A dev eth1",
        "ip route add default via 10.0.0.1 metric 5", "ip r", "ip 'unended", "ip rule add from all table 5",
        "route add", "route del default gw 10.0.0.1", "echo ip addr add 10.0.0.1/24 dev eth1",
        "ip re a 10.0.0.1/24 dev eth1", "ip addr r 10.0.0.1/24 dev eth1",
    ],
)  # fmt: skip
def test_anything_else_is_left_out(command: str) -> None:
    assert parsed(command) is None
