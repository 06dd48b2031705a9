"""VLAN sub-interfaces: the message as pyroute2 reads it, and a dump that pyroute2 writes as we read it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.marshal import MarshalRtnl

from emulator.linux.netlink.vlan_messages import FoundLink, read_link, vlan
from emulator.linux.nodes.own_vlans import vlan_index
from topologies.services import Vlan

indices = st.integers(1, 2**31 - 1)
names = st.from_regex(r"[a-z][a-z0-9._-]{0,14}", fullmatch=True)
numbers = st.integers(1, 4094)


@given(names, indices, indices, numbers)
def test_a_sub_interface_is_made(name: str, index: int, lower: int, number: int) -> None:
    data = vlan(name.encode(), index, lower, number)
    [found] = list(MarshalRtnl().parse(data))
    assert found["header"]["length"] == len(data)
    assert found["event"] == "RTM_NEWLINK"
    assert (found["index"], found["flags"] & 1) == (index, 0)
    assert (found.get_attr("IFLA_IFNAME"), found.get_attr("IFLA_LINK")) == (name, lower)
    info = found.get_attr("IFLA_LINKINFO")
    assert info.get_attr("IFLA_INFO_KIND") == "vlan"
    assert info.get_attr("IFLA_INFO_DATA").get_attr("IFLA_VLAN_ID") == number


@given(names, indices, indices, numbers, st.booleans())
def test_a_dump_is_read(name: str, index: int, lower: int, number: int, up: bool) -> None:
    message = ifinfmsg()
    message["index"], message["flags"] = index, int(up)
    message["attrs"] = [
        ("IFLA_IFNAME", name), ("IFLA_LINK", lower),
        ("IFLA_LINKINFO", {"attrs": [
            ("IFLA_INFO_KIND", "vlan"), ("IFLA_INFO_DATA", {"attrs": [("IFLA_VLAN_ID", number)]}),
        ]}),
    ]  # fmt: skip
    message["header"]["type"] = 16
    message.encode()
    assert read_link(bytes(message.data)[16:]) == (name, FoundLink(index, up, lower, number))


def test_indices_differ_from_each_other_and_from_those_of_tunnels() -> None:
    found = [vlan_index(Vlan("x", number, port)) for port in (0, 1, 8191) for number in (1, 2, 4094)]
    assert len(set(found)) == len(found)
    assert 1 << 26 < min(found) < max(found) < 1 << 27
