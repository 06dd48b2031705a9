"""Light ports in real network namespaces: three compute hosts, a tenant, and a plain VXLAN device.

Stacks, devices and tools are Linux's own; only the programs and their maps are ours.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import numpy as np
import pytest
from support.overlay import NEEDS_BPF, number
from support.overlay_bed import (
    PLAIN,
    PLAIN_VTEP,
    TENANT,
    UPLINKS,
    VTEPS,
    NetworkBed,
    inside,
    network_bed,
    run,
)

from emulator.linux.netlink import bpf_filter
from emulator.linux.netlink.connection import Netlink
from emulator.linux.overlay import maps as overlay
from emulator.linux.overlay.maps import OverlayMaps

pytestmark = [pytest.mark.privileged, NEEDS_BPF]

FIRST, SECOND, THIRD = "10.0.1.1", "10.0.2.1", "10.0.3.1"


@pytest.fixture(scope="module")
def bed() -> Iterator[NetworkBed]:
    with network_bed() as made:
        yield made


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (FIRST, SECOND),
        (FIRST, "10.0.1.254"),
        (FIRST, TENANT.address),
        (SECOND, TENANT.address),
        (TENANT.address, FIRST),
        (TENANT.address, THIRD),
        (PLAIN.address, FIRST),
        (PLAIN.address, TENANT.address),
        (THIRD, PLAIN.address),
        (TENANT.address, PLAIN.address),
    ],
)
def test_ports_of_all_kinds_reach_each_other(bed: NetworkBed, source: str, target: str) -> None:
    assert bed.reaches(bed.at(source), source, target)


def test_tcpdump_sees_vxlan_in_the_underlay(bed: NetworkBed) -> None:
    wanted = f"udp port 4789 and host {VTEPS[0]} and host {VTEPS[1]}"
    with bed.recording(bed.name("u"), f"p{UPLINKS[0]}", "-c", "6", wanted) as watch:
        bed.reaches(bed.hosts[0], FIRST, SECOND)
        seen, _ = watch.communicate(timeout=10)
    expected = rf"{VTEPS[0]}\.\d+ > {VTEPS[1]}\.4789: .*VXLAN, flags \[I\] \(0x08\), vni 7"
    assert len(re.findall(expected, seen)) == 3
    assert f"{FIRST} > {SECOND}: ICMP echo request" in seen
    assert f"{SECOND} > {FIRST}: ICMP echo reply" in seen
    assert "bad" not in seen


def test_vpcs_dont_reach_each_other(bed: NetworkBed) -> None:
    assert bed.reaches(bed.hosts[0], "10.0.7.1", "10.0.7.2")  # within VPC 8
    assert bed.is_cut_off(bed.hosts[0], "10.0.7.1", SECOND)
    assert bed.is_cut_off(bed.hosts[0], FIRST, "10.0.7.2")
    assert bed.is_cut_off(bed.hosts[0], FIRST, "10.0.7.1")


def test_a_packet_with_the_wrong_vni_is_dropped_and_counted(bed: NetworkBed) -> None:
    """The plain device of VPC 8 sends to a port of VPC 7, with that port's MAC."""
    port = "10.0.2.44"
    mac = (b"\x02\0" + bytes(map(int, port.split(".")))).hex(":")
    slot = number(port) - number("10.0.0.0")
    name = bed.name("p")
    words = [port, "lladdr", mac, "dev", "vxlan8", "nud", "permanent"]
    run("ip", "-n", name, "neigh", "add", *words)
    run("bridge", "-n", name, "fdb", "add", mac, "dev", "vxlan8", "dst", VTEPS[1])
    run("ip", "-n", name, "route", "add", port, "dev", "vxlan8")
    assert bed.is_cut_off(name, PLAIN.address, port)
    assert int(bed.maps.ports["dropped"][slot]) == 3
    run("ip", "-n", name, "route", "del", port, "dev", "vxlan8")
    assert bed.reaches(name, PLAIN.address, port)
    assert int(bed.maps.ports["dropped"][slot]) == 3


def test_nobody_sends_as_another_port(bed: NetworkBed) -> None:
    assert bed.is_cut_off(bed.hosts[0], SECOND, THIRD)
    assert bed.is_cut_off(bed.hosts[0], TENANT.address, THIRD)
    ip_of_another = ["addr", "add", f"{FIRST}/32", "dev", "eth0"]
    run("ip", "-n", bed.name("t"), *ip_of_another)
    assert bed.is_cut_off(bed.name("t"), FIRST, THIRD)
    run("ip", "-n", bed.name("t"), "addr", "del", f"{FIRST}/32", "dev", "eth0")


def test_tenants_arent_reached_without_vxlan(bed: NetworkBed) -> None:
    name = bed.name("p")
    run("ip", "-n", name, "route", "add", f"{FIRST}/32", "via", VTEPS[0], "dev", "eth0")
    with bed.recording(bed.hosts[0], "eth0", "-c", "1", "icmp") as watch:
        assert bed.is_cut_off(name, PLAIN_VTEP, FIRST)
        seen, _ = watch.communicate(timeout=10)
    assert f"{PLAIN_VTEP} > {FIRST}: ICMP echo request" in seen  # it did arrive
    run("ip", "-n", name, "route", "del", f"{FIRST}/32")
    assert bed.reaches(name, PLAIN_VTEP, VTEPS[0])


def test_one_port_goes_down_alone(bed: NetworkBed) -> None:
    slot = number("10.0.2.30") - number("10.0.0.0")
    bed.maps.ports["flags"][slot] |= overlay.DOWN
    assert bed.is_cut_off(bed.hosts[0], FIRST, "10.0.2.30")
    assert bed.reaches(bed.hosts[0], FIRST, "10.0.2.31")
    assert bed.is_cut_off(bed.hosts[1], "10.0.2.30", FIRST)
    bed.maps.ports["flags"][slot] &= ~np.uint16(overlay.DOWN)
    assert bed.reaches(bed.hosts[0], FIRST, "10.0.2.30")


def test_counters_are_those_of_the_port(bed: NetworkBed) -> None:
    slots = [number(address) - number("10.0.0.0") for address in ("10.0.1.50", "10.0.2.50", "10.0.2.51")]
    assert bed.reaches(bed.hosts[0], "10.0.1.50", "10.0.2.50")
    names = ["rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "dropped"]
    found = [tuple(int(bed.maps.ports[name][slot]) for name in names) for slot in slots]
    assert found == [(3, 252, 3, 252, 0), (3, 252, 3, 252, 0), (0, 0, 0, 0, 0)]  # 84 bytes a ping


def test_a_port_moves_without_losing_a_packet(bed: NetworkBed) -> None:
    """A port moves a hundred times between two hosts, while it is pinged a thousand times a second."""
    moving, count = "10.0.2.100", 500
    slots = np.array([number(moving) - number("10.0.0.0")], np.uint32)
    places = [overlay.place([UPLINKS[to]], [number(VTEPS[to])]) for to in (1, 2)]
    words = ["ping", "-n", "-q", "-c", str(count), "-i", "0.001", "-W", "3", "-I", FIRST, moving]
    moves = 0
    for _ in range(50):  # as many rounds as a busy machine needs
        with bed.started(bed.hosts[0], *words) as pings:
            while pings.poll() is None:
                moves += 1
                bed.maps.migrate(slots, places[moves % 2])
                time.sleep(0.01)
                bed.maps.settle(slots)
                time.sleep(0.005)
            said, _ = pings.communicate(timeout=30)
        assert f"{count} packets transmitted, {count} received" in said
        if moves >= 100:
            break
    assert moves >= 100


def test_the_maps_are_found_by_any_device(bed: NetworkBed) -> None:
    for namespace, index, direction in (
        (bed.hosts[0], UPLINKS[0], bpf_filter.INGRESS),
        (bed.hosts[2], UPLINKS[2], bpf_filter.EGRESS),
        (bed.hosts[0], TENANT.device, bpf_filter.INGRESS),
    ):
        with inside(namespace), Netlink() as netlink:
            answers = netlink.dump(bpf_filter.bpf_filter_dump(index, direction))
        [found] = bpf_filter.read_bpf_filters(answers)
        assert (found.ifindex, found.direction) == (index, direction)
        with OverlayMaps.reopen(found.program) as maps:
            assert maps.port_map.id == bed.maps.port_map.id
        name = "vpc7" if index == TENANT.device else "eth0"
        way = "egress" if direction == bpf_filter.EGRESS else "ingress"
        text = run("tc", "-n", namespace, "filter", "show", "dev", name, way)
        assert f"direct-action not_in_hw id {found.program} " in text
