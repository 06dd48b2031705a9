"""Our netlink messages, decoded by pyroute2: a parser that isn't ours reads what we meant."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.marshal import MarshalRtnl

from emulator.linux.netlink import bridge_messages, messages, qdisc
from topologies.profiles import Shape

NEW, PUT, ASK = 0x601, 0x501, 0x1
"""NLM_F_REQUEST with CREATE | EXCL, with CREATE | REPLACE, and alone."""

indices = st.integers(1, 2**31 - 1)
macs = st.binary(min_size=6, max_size=6)
names = st.from_regex(r"[a-z][a-z0-9._-]{0,14}", fullmatch=True)
mtus = st.integers(68, 65_535)
packed = st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16)


def decoded(data: bytes) -> Any:
    """Return the one message that `data` is; its length is that of the data, padding included."""
    [found] = list(MarshalRtnl().parse(data))
    assert found["header"]["length"] == len(data)
    return found


def text(address: bytes) -> str:
    return str(ip_address(address))


@given(indices, st.booleans())
def test_a_link_comes_up_or_goes_down(index: int, up: bool) -> None:
    found = decoded(messages.link_up(index, up=up))
    assert (found["event"], found["header"]["flags"]) == ("RTM_NEWLINK", ASK)
    assert (found["index"], found["flags"], found["change"]) == (index, int(up), 1)


@given(indices, indices, macs, mtus)
def test_settings_of_a_link(index: int, master: int, mac: bytes, mtu: int) -> None:
    assert decoded(messages.link_master(index, master)).get_attr("IFLA_MASTER") == master
    assert decoded(messages.link_mac(index, mac)).get_attr("IFLA_ADDRESS") == mac.hex(":")
    assert decoded(messages.link_mtu(index, mtu)).get_attr("IFLA_MTU") == mtu
    assert decoded(messages.link_group(index, 7)).get_attr("IFLA_GROUP") == 7
    arp = decoded(messages.link_arp(index))
    assert (arp["index"], arp["flags"], arp["change"]) == (index, 0, 0x80)  # IFF_NOARP
    gone = decoded(messages.link_delete(index))
    assert (gone["event"], gone["index"]) == ("RTM_DELLINK", index)


ends = st.tuples(names, indices, macs)


@given(ends, ends, mtus, st.booleans())
def test_a_pair_of_interfaces(
    first: tuple[str, int, bytes], second: tuple[str, int, bytes], mtu: int, up: bool
) -> None:  # fmt: skip
    (name, index, mac), (peer, peer_index, peer_mac) = first, second
    other_end = {"peer_name": peer.encode(), "peer_index": peer_index, "peer_mac": peer_mac, "mtu": mtu}
    made = messages.veth(name.encode(), index, mac, 3, 2, up=up, **other_end)  # type: ignore[arg-type]
    here = messages.veth_here(name.encode(), index, mac, namespace=3, **other_end)  # type: ignore[arg-type]
    for data, main_is_here in ((made, False), (here, True)):
        main = decoded(data)
        other = main.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_DATA").get_attr("VETH_INFO_PEER")
        assert (main["event"], main["header"]["flags"]) == ("RTM_NEWLINK", NEW)
        assert main.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_KIND") == "veth"
        assert [end["index"] for end in (main, other)] == [index, peer_index]
        for end, wanted_name, wanted_mac in ((main, name, mac), (other, peer, peer_mac)):
            assert end.get_attr("IFLA_IFNAME") == wanted_name
            assert end.get_attr("IFLA_ADDRESS") == wanted_mac.hex(":")
            assert end.get_attr("IFLA_MTU") == mtu
            assert end.get_attr("IFLA_NUM_TX_QUEUES") == end.get_attr("IFLA_NUM_RX_QUEUES") == 1
        there, own = (other, main) if main_is_here else (main, other)
        assert there.get_attr("IFLA_NET_NS_FD") == 3
        assert own.get_attr("IFLA_NET_NS_FD") is None
        assert main.get_attr("IFLA_MASTER") == (None if main_is_here else 2)
        assert main["flags"] == (0 if main_is_here else int(up))


@given(names, indices, macs)
def test_a_bridge(name: str, index: int, mac: bytes) -> None:
    found = decoded(bridge_messages.bridge(name.encode(), index, mac))
    options = found.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_DATA")
    assert (found["index"], found["flags"], found.get_attr("IFLA_IFNAME")) == (index, 1, name)
    assert found.get_attr("IFLA_ADDRESS") == mac.hex(":")
    assert found.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_KIND") == "bridge"
    assert options.get_attr("IFLA_BR_STP_STATE") == options.get_attr("IFLA_BR_MCAST_SNOOPING") == 0


@given(indices, packed, st.data())
def test_addresses(index: int, address: bytes, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, 8 * len(address)))
    for delete, event, flags in ((False, "RTM_NEWADDR", NEW), (True, "RTM_DELADDR", ASK)):
        found = decoded(messages.address(index, address, length, delete=delete))
        assert (found["event"], found["header"]["flags"]) == (event, flags)
        assert (found["family"], found["index"], found["prefixlen"]) == (
            2 if len(address) == 4 else 10, index, length
        )  # fmt: skip
        assert found.get_attr("IFA_ADDRESS") == text(address)


@pytest.mark.parametrize("size", [4, 16])
@given(data=st.data())
def test_routes(size: int, data: st.DataObject) -> None:
    one = st.binary(min_size=size, max_size=size)
    prefix, length = data.draw(one), data.draw(st.integers(0, 8 * size))
    hops = data.draw(st.lists(st.tuples(indices, st.none() | one), min_size=1, max_size=4))
    source = data.draw(st.none() | one)
    found = decoded(messages.route(prefix, length, hops, source))
    assert (found["event"], found["header"]["flags"]) == ("RTM_NEWROUTE", PUT)
    assert (found["family"], found["dst_len"], found["table"]) == (2 if size == 4 else 10, length, 254)
    assert found.get_attr("RTA_DST") == (text(prefix) if length else None)
    assert found.get_attr("RTA_PREFSRC") == (None if source is None else text(source))
    if len(hops) == 1:
        read = [(found.get_attr("RTA_OIF"), found.get_attr("RTA_GATEWAY"))]
    else:
        read = [(hop["oif"], hop.get_attr("RTA_GATEWAY")) for hop in found.get_attr("RTA_MULTIPATH")]
    assert read == [(index, None if gateway is None else text(gateway)) for index, gateway in hops]
    gone = decoded(messages.route(prefix, length, hops, source, delete=True))
    assert gone["event"] == "RTM_DELROUTE"


@given(indices, packed, macs)
def test_permanent_neighbours(index: int, address: bytes, mac: bytes) -> None:
    found = decoded(messages.neighbour(index, address, mac))
    assert (found["event"], found["ifindex"], found["state"]) == ("RTM_NEWNEIGH", index, 0x80)
    assert (found.get_attr("NDA_DST"), found.get_attr("NDA_LLADDR")) == (text(address), mac.hex(":"))
    gone = decoded(messages.neighbour_delete(index, address))
    assert (gone["event"], gone.get_attr("NDA_DST")) == ("RTM_DELNEIGH", text(address))


@given(indices, st.floats(8e3, 3e10))
def test_a_rate_is_a_token_bucket(index: int, bandwidth: float) -> None:
    [data] = qdisc.shape_messages(index, Shape(bandwidth=bandwidth))
    found = decoded(data)
    assert (found["event"], found["index"], found["parent"]) == ("RTM_NEWQDISC", index, qdisc.ROOT)
    assert found.get_attr("TCA_KIND") == "tbf"
    rate = found.get_attr("TCA_OPTIONS").get_attr("TCA_TBF_PARMS")
    assert rate["rate"] == pytest.approx(bandwidth / 8, abs=1)
    assert rate["limit"] >= 64 * 1514


@given(indices, st.floats(0.0, 1.0), st.floats(1e-6, 10.0))
def test_delay_and_loss_are_netem(index: int, loss: float, delay: float) -> None:
    [data] = qdisc.shape_messages(index, Shape(delay=delay, loss=loss))
    found = decoded(data)
    options = found.get_attr("TCA_OPTIONS")
    assert found.get_attr("TCA_KIND") == "netem"
    assert options["loss"] == pytest.approx(loss * (2**32 - 1), abs=1)
    assert options["delay"] == pytest.approx(delay / 64e-9, abs=1)
