"""Addresses, spaces and networks of VPCs."""

from __future__ import annotations

import numpy as np

from topologies.vpcs import Subnet, Vpcs

TEN = 10 << 24


def vpcs(*subnets: Subnet, of_node: list[int] | None = None, explicit: dict[int, int] | None = None) -> Vpcs:
    names = tuple(f"v{number}" for number in range(1 + max(subnet.vpc for subnet in subnets)))
    return Vpcs(names, subnets, np.array(of_node or [], dtype=np.int32), explicit or {})


def test_ports_have_the_addresses_after_the_gateway_in_order() -> None:
    made = vpcs(Subnet(0, TEN, 29), Subnet(0, TEN + 8, 29), of_node=[-1, 0, 1, 0, 1, 0])
    assert made.addresses.tolist() == [0, TEN + 2, TEN + 10, TEN + 3, TEN + 11, TEN + 4]
    assert made.ports.tolist() == [3, 2]
    assert Subnet(0, TEN, 29).room == 5


def test_ports_go_round_the_addresses_that_the_file_gives() -> None:
    made = vpcs(Subnet(0, TEN, 28), of_node=[0, 0, 0, 0], explicit={1: TEN + 3, 3: TEN + 2})
    assert made.addresses.tolist() == [TEN + 4, TEN + 3, TEN + 5, TEN + 2]


def test_a_mac_is_of_the_vpc_and_the_address() -> None:
    made = vpcs(Subnet(0, TEN, 29), Subnet(1, TEN, 29), of_node=[0, 1])
    assert [made.mac(node).hex(":") for node in (0, 1)] == ["06:01:0a:00:00:02", "06:02:0a:00:00:02"]
    assert [made.vni(0), made.vni(1)] == [1, 2]


def test_vpcs_without_common_addresses_share_a_space() -> None:
    assert vpcs(Subnet(0, TEN, 24), Subnet(1, TEN + 256, 24)).spaces.tolist() == [0, 0]


def test_equal_vpcs_are_in_spaces_of_their_own_and_others_join_the_first() -> None:
    made = vpcs(
        Subnet(0, TEN, 24), Subnet(1, TEN, 24), Subnet(2, TEN, 23), Subnet(3, TEN + 256, 24),
        Subnet(4, TEN + 1024, 24),
    )  # fmt: skip
    assert made.spaces.tolist() == [0, 1, 2, 0, 0]


def test_a_vpc_that_follows_changes_no_space() -> None:
    subnets = [Subnet(0, TEN, 24), Subnet(1, TEN + 256, 24)]
    before = vpcs(*subnets).spaces.tolist()
    assert vpcs(*subnets, Subnet(2, TEN, 16)).spaces.tolist() == [*before, 1]


def test_ten_thousand_equal_vpcs_need_no_square_of_time() -> None:
    many = vpcs(*(Subnet(vpc, TEN, 24) for vpc in range(10_000)))
    assert many.spaces.tolist() == list(range(10_000))


def test_networks_join_neighbours_and_leave_distant_ones_apart() -> None:
    made = vpcs(Subnet(0, TEN, 24), Subnet(1, TEN + 256, 24), Subnet(2, 192 << 24, 24))
    assert made.networks == {0: [(TEN, 23), (192 << 24, 24)]}
