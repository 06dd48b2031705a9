"""The message that creates a tunnel's end, read by pyroute2, and its answer read back."""

from __future__ import annotations

import socket

import pytest
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from emulator.linux.netlink.tunnel_messages import tunnel, tunnel_of
from emulator.tunnels import TunnelEnd, packed


@pytest.mark.parametrize("addresses", [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")])
def test_pyroute2_reads_what_was_meant(addresses: tuple[str, str]) -> None:
    local, remote = map(packed, addresses)
    wire = TunnelEnd(0x123456, 4790, local, remote, "eth0")
    mac = bytes.fromhex("020000010002")
    message = tunnel(b"s1-eth2", (1 << 27) + 14, mac, 7, wire, master=2, lower=3, mtu=1450, up=True)
    read = ifinfmsg(message)
    read.decode()
    assert (read["index"], read["flags"] & 1) == ((1 << 27) + 14, 1)
    for name, value in (
        ("IFLA_IFNAME", "s1-eth2"), ("IFLA_ADDRESS", mac.hex(":")), ("IFLA_MTU", 1450),
        ("IFLA_NET_NS_FD", 7), ("IFLA_MASTER", 2),
    ):  # fmt: skip
        assert read.get_attr(name) == value
    info = read.get_attr("IFLA_LINKINFO")
    assert info.get_attr("IFLA_INFO_KIND") == "vxlan"
    data = info.get_attr("IFLA_INFO_DATA")
    six = "6" if ":" in local.hex(":") and len(local) == 16 else ""
    assert data.get_attr("IFLA_VXLAN_ID") == 0x123456
    assert data.get_attr(f"IFLA_VXLAN_LOCAL{six}") == addresses[0]
    assert data.get_attr(f"IFLA_VXLAN_GROUP{six}") == addresses[1]
    assert data.get_attr("IFLA_VXLAN_LEARNING") == 0
    assert data.get_attr("IFLA_VXLAN_PORT") == 4790
    assert data.get_attr("IFLA_VXLAN_LINK") == 3


def test_settings_of_devices_are_read() -> None:
    def attribute(kind: int, value: bytes) -> bytes:
        return (4 + len(value)).to_bytes(2, "little") + kind.to_bytes(2, "little") + value.ljust(4, b"\0")

    port = attribute(15, (4789).to_bytes(2, "big"))
    flannel = attribute(1, (1).to_bytes(4, "little")) + attribute(7, b"\1") + port
    assert tunnel_of(flannel) == (1, 4789, b"", b"", True, 0)
    external = attribute(1, bytes(4)) + attribute(25, b"\1") + port
    assert tunnel_of(external).vni == -1
    ours = attribute(1, (7).to_bytes(4, "little")) + attribute(2, socket.inet_aton("10.0.0.2"))
    ours += attribute(4, socket.inet_aton("10.0.0.1")) + attribute(7, b"\0") + port
    assert tunnel_of(ours)[:4] == (7, 4789, socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2"))
