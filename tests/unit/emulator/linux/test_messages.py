"""Messages against bytes written out by hand from the kernel's headers."""

from __future__ import annotations

import struct

from emulator.linux.netlink import bridge_messages, messages
from emulator.linux.netlink.connection import attributes
from emulator.linux.netlink.datagrams import HEADER


def parsed(message: bytes, fixed: int) -> tuple[int, int, bytes, dict[int, bytes]]:
    length, kind, flags, _seq, _port = HEADER.unpack_from(message)
    assert length == len(message)
    return kind, flags, message[16 : 16 + fixed], dict(attributes(message, 16 + fixed))


def veth() -> bytes:
    return messages.veth(
        b"s1-eth1", 11, b"\x02\0\0\x01\0\x01", 7, 2, up=True,
        peer_name=b"h1-eth0", peer_index=10, peer_mac=b"\x02\0\0\x02\0\0", mtu=9000,
    )  # fmt: skip


def test_veth_main_end_goes_to_its_namespace_and_bridge() -> None:
    kind, flags, header, found = parsed(veth(), 16)
    assert (kind, flags) == (16, 0x601)
    assert struct.unpack("=BxHiII", header) == (0, 0, 11, 1, 1)
    assert found[3].rstrip(b"\0") == b"s1-eth1"
    assert found[1] == b"\x02\0\0\x01\0\x01"
    assert struct.unpack("=I", found[4]) == (9000,)
    assert struct.unpack("=I", found[28]) == (7,)
    assert struct.unpack("=I", found[10]) == (2,)


def test_veth_peer_is_nested_three_deep_and_not_up() -> None:
    info = dict(attributes(parsed(veth(), 16)[3][18]))
    assert info[1] == b"veth"
    (peer,) = [value for kind, value in attributes(info[2]) if kind == 1]
    assert struct.unpack_from("=BxHiII", peer) == (0, 0, 10, 0, 0)
    found = dict(attributes(peer, 16))
    assert found[3].rstrip(b"\0") == b"h1-eth0"
    assert found[1] == b"\x02\0\0\x02\0\0"
    assert struct.unpack("=I", found[4]) == (9000,)


def test_a_name_of_fifteen_characters_fits_with_its_end() -> None:
    message = messages.veth(
        b"a" * 15, 11, bytes(6), 7, 0, up=False, peer_name=b"b" * 15, peer_index=10, peer_mac=bytes(6)
    )
    assert parsed(message, 16)[3][3] == b"a" * 15 + b"\0"


def test_address4_whole_message() -> None:
    expected = struct.pack("=IHHII", 40, 20, 0x601, 0, 0) + struct.pack("=BBBBi", 2, 24, 0, 0, 10)
    expected += struct.pack("=HH4s", 8, 1, bytes([10, 0, 0, 1])) + struct.pack(
        "=HH4s", 8, 2, bytes([10, 0, 0, 1])
    )
    assert messages.address(10, bytes([10, 0, 0, 1]), 24) == expected


def test_address6_has_no_duplicate_address_detection() -> None:
    _, _, header, found = parsed(messages.address(10, bytes(15) + b"\1", 64), 8)
    assert header[:4] == bytes([10, 64, 2, 0])
    assert found[1] == bytes(15) + b"\1"
    assert struct.unpack("=I", found[8]) == (2,)


def test_route_over_one_hop_and_over_several() -> None:
    gateway = bytes([10, 0, 0, 254])
    one = messages.route(bytes([10, 1, 0, 0]), 16, [(11, gateway)])
    kind, _, header, found = parsed(one, 12)
    assert kind == 24
    assert header[:8] == bytes([2, 16, 0, 0, 254, 4, 0, 1])
    assert (found[1], found[5], found[4]) == (bytes([10, 1, 0, 0]), gateway, struct.pack("=I", 11))
    several = parsed(messages.route(bytes(4), 0, [(11, gateway), (12, gateway)]), 12)[3]
    assert 1 not in several
    assert several[9] == b"".join(
        struct.pack("=HBBiHH4s", 16, 0, 0, index, 8, 5, gateway) for index in (11, 12)
    )


def test_a_route_straight_to_the_link_has_link_scope() -> None:
    assert parsed(messages.route(bytes([10, 1, 0, 0]), 16, [(11, None)]), 12)[2][6] == 253


def test_link_local_addresses_are_switched_off_in_a_nested_family() -> None:
    _, _, _, found = parsed(messages.no_link_local(10), 16)
    ((family, inner),) = attributes(found[26])
    assert family == 10
    assert attributes(inner) == [(8, b"\1")]


def test_every_message_is_a_multiple_of_four_bytes() -> None:
    made = [
        veth(), bridge_messages.bridge(b"s1", 2, bytes(6)), messages.link_up(10), messages.link_master(10, 2),
        messages.link_delete(10), messages.no_link_local(10), messages.link_group(10, 7),
        messages.group_delete(7), messages.neighbour(10, bytes(4), bytes(6)),
        messages.neighbour_delete(10, bytes(4)), messages.link_mac(10, bytes(6)), messages.link_mtu(10, 1500),
    ]  # fmt: skip
    assert [len(message) % 4 for message in made] == [0] * len(made)
