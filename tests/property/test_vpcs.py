"""VPCs against ipaddress and against every pair of addresses."""

from __future__ import annotations

import ipaddress
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from topologies.vpcs import Subnet, Vpcs

BASE = int(ipaddress.IPv4Address("10.0.0.0"))
ROOM = 12
"""All subnets are in a network of so many bits."""


@st.composite
def vpcs(draw: st.DrawFn) -> Vpcs:
    """VPCs whose own subnets don't overlap, with some ports, and some addresses of the file."""
    subnets: list[Subnet] = []
    count = draw(st.integers(1, 6))
    for vpc in range(count):
        own: list[Subnet] = []
        for _ in range(draw(st.integers(1, 3))):
            length = draw(st.integers(32 - ROOM, 29))
            block = draw(st.integers(0, (1 << (length - 32 + ROOM)) - 1))
            new = Subnet(vpc, BASE + (block << (32 - length)), length)
            if all(new.base >= one.end or one.base >= new.end for one in own):
                own.append(new)
        subnets += own
    of_node: list[int] = []
    explicit: dict[int, int] = {}
    for number, subnet in enumerate(subnets):
        for _ in range(draw(st.integers(0, min(subnet.room, 5)))):
            if draw(st.booleans()):
                address = draw(st.integers(subnet.first_port, subnet.end - 2))
                if (address, number) not in {(a, of_node[node]) for node, a in explicit.items()}:
                    explicit[len(of_node)] = address
            of_node.append(number)
    order = draw(st.permutations(range(len(of_node))))
    nodes = np.array(order, dtype=np.int64)
    made = Vpcs(tuple(map(str, range(count))), tuple(subnets), np.array(of_node, dtype=np.int32), explicit)
    return made.in_order(nodes) if order else made


def network(subnet: Subnet) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network((subnet.base, subnet.length))


@settings(max_examples=150, deadline=None)
@given(vpcs())
def test_every_port_has_an_address_of_its_own_in_its_subnet(made: Vpcs) -> None:
    seen = set()
    for node, number in enumerate(made.of_node.tolist()):
        address = ipaddress.IPv4Address(int(made.addresses[node]))
        own = network(made.subnets[number])
        assert address in own
        assert address not in (own.network_address, own.network_address + 1, own.broadcast_address)
        seen.add((number, address))
        if node in made.explicit:
            assert int(address) == made.explicit[node]
    assert len(seen) == len(made.of_node)


@settings(max_examples=150, deadline=None)
@given(vpcs())
def test_free_addresses_are_taken_in_order(made: Vpcs) -> None:
    for number, subnet in enumerate(made.subnets):
        own = [node for node in range(len(made.of_node)) if made.of_node[node] == number]
        taken = {made.explicit[node] for node in own if node in made.explicit}
        free = (a for a in range(subnet.first_port, subnet.end - 1) if a not in taken)
        for node in own:
            if node not in made.explicit:
                assert int(made.addresses[node]) == next(free)


@settings(max_examples=150, deadline=None)
@given(vpcs())
def test_spaces_hold_different_addresses_and_the_first_that_can(made: Vpcs) -> None:
    def meet(a: int, b: int) -> bool:
        return any(
            network(one).overlaps(network(two))
            for one in made.subnets if one.vpc == a
            for two in made.subnets if two.vpc == b
        )  # fmt: skip

    spaces = made.spaces.tolist()
    for a, b in combinations(range(len(spaces)), 2):
        assert spaces[a] != spaces[b] or not meet(a, b)
    for vpc, space in enumerate(spaces):
        for lower in range(space):
            assert any(spaces[other] == lower and meet(vpc, other) for other in range(vpc))


@settings(max_examples=150, deadline=None)
@given(vpcs())
def test_networks_hold_all_subnets_and_at_least_half_of_each_is_used(made: Vpcs) -> None:
    for space, found in made.networks.items():
        nets = [ipaddress.IPv4Network(pair) for pair in found]
        assert not any(a.overlaps(b) for a, b in combinations(nets, 2))
        own = [network(one) for one in made.subnets if made.spaces[one.vpc] == space]
        for net in nets:
            inside = [one for one in own if one.subnet_of(net)]
            assert 2 * sum(one.num_addresses for one in inside) >= net.num_addresses
        assert all(sum(one.subnet_of(net) for net in nets) == 1 for one in own)
