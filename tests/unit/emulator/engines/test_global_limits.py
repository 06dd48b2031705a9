"""How large the neighbour table must be for a network (net/core/neighbour.c: one for all namespaces)."""

from __future__ import annotations

import pytest
from support.topologies import made, make

from emulator.engines.limits import global_needs
from emulator.plan import make_plan


def thresholds(topology: object, version: str = "ipv4") -> list[int]:
    needs = global_needs(make_plan(topology, "netns"))  # type: ignore[arg-type]
    return [needs[f"net.{version}.neigh.default.gc_thresh{number}"] for number in (1, 2, 3)]


@pytest.mark.parametrize("hosts", [2, 16, 64, 500, 5_000])
def test_each_host_may_know_all_others_or_64_before_the_kernel_collects(hosts: int) -> None:
    """`check` asks all pairs of 64 hosts, and entries that are collected too soon are broken pairs."""
    soft, most = thresholds(make("single", hosts=hosts))[1:]
    assert soft >= hosts * min(hosts - 1, 64)
    assert most >= 2 * soft


def test_behind_a_router_a_host_knows_only_its_own_segment() -> None:
    topology = made(
        {"generator": "leaf-spine", "leaves": 50, "spines": 2, "hosts_per_leaf": 10}, forwarding="routed"
    )
    assert 500 * 10 <= thresholds(topology)[1] < 500 * 20


def test_a_small_network_gets_no_less_than_the_kernels_own_limit() -> None:
    assert thresholds(make("single", hosts=2))[2] >= 1024


def test_static_arp_has_an_entry_for_each_pair() -> None:
    topology = made({"generator": "single", "hosts": 200}, addressing={"static_arp": True})
    assert thresholds(topology)[2] >= 200 * 199


def test_routers_know_each_other_over_every_link() -> None:
    topology = made({"generator": "ring", "k": 1000, "hosts_per_switch": 0}, forwarding="routed")
    assert thresholds(topology)[1] >= 2 * topology.link_count


def test_ipv6_has_a_table_of_its_own_where_the_network_has_ipv6() -> None:
    with_ipv6 = made({"generator": "single", "hosts": 900}, addressing={"ipv6": "fd00::/48"})
    assert thresholds(with_ipv6, "ipv6") == thresholds(with_ipv6)
    assert not any("ipv6" in name for name in global_needs(make_plan(make("single", hosts=2), "netns")))
