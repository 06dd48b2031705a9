"""Hosts with addresses on two links: what is expected of each address is what the kernel's ping finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command import CommandLine
from support.multihomed import CASES, write

from emulator.checks.components import expectation
from emulator.forwarding.select import forwarding_for
from topologies.build import open_topology
from topologies.topology import Topology

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

_ALL = 'for a in "$@"; do { ping -n -q -c 2 -i 0.3 -W 1 $a > /dev/null 2>&1 && echo $a; } & done; wait'


def addresses(topology: Topology) -> dict[str, int]:
    """Return the address -> host of all hosts."""
    forwarding = forwarding_for(topology)
    return {a.text: host for host in topology.hosts.tolist() for a in forwarding.addresses(host)}


def compare(cli: CommandLine, topology: Topology, down: tuple[int, ...] = ()) -> None:
    """Compare what is expected with what iputils' ping finds, between all hosts and addresses."""
    up = np.ones(topology.link_count, dtype=bool)
    up[list(down)] = False
    answers, owners = expectation(topology, up), addresses(topology)
    for host in topology.hosts.tolist():
        name = topology.names[host]
        asked = [address for address, owner in owners.items() if owner != host]
        found = cli("exec", name, "--", "sh", "-c", _ALL, "sh", *asked, code=0).stdout.split()
        expected = [address for address in asked if answers(host, owners[address], address)]
        assert (name, sorted(found)) == (name, sorted(expected))
    assert cli.json("check", "m")["unexpected"] == []


STATIC = {"joined": True, "addressing": {"static_arp": True}}


@pytest.mark.parametrize(
    ("case", "keys"),
    [
        *((case, {"joined": joined}) for case in CASES for joined in (False, True)),
        ("one prefix on both links", STATIC),
        ("the longer prefix wins", STATIC),
        ("two networks", {"switch": "ovs"}),
    ],
)
def test_every_address_is_heard_where_it_is_expected(
    case: str, keys: dict[str, Any], cli: CommandLine, tmp_path: Path
) -> None:
    topology = open_topology(write(tmp_path, case, **keys))
    cli("up", "m.yaml", code=0)
    compare(cli, topology)
    cli("down", "m", code=0)


def test_mininet_has_the_same_addresses(cli: CommandLine, tmp_path: Path) -> None:
    topology = open_topology(write(tmp_path, "two networks", engine="mininet"))
    cli("up", "m.yaml", code=0)
    compare(cli, topology)
    cli("down", "m", code=0)


def test_a_link_that_is_down_takes_its_prefix_with_it(cli: CommandLine, tmp_path: Path) -> None:
    topology = open_topology(write(tmp_path, "the longer prefix wins", joined=True))
    cli("up", "m.yaml", code=0)
    for link in (0, 1):
        a, b = (topology.names[end] for end in topology.ends[link].tolist())
        cli("link", "--net", "m", a, b, "down", code=0)
        cli("exec", "*", "--", "ip", "neigh", "flush", "all", code=0)  # a port that is gone is known for 30 s
        compare(cli, topology, (link,))
        cli("link", "--net", "m", a, b, "up", code=0)
    cli("down", "m", code=0)


def test_only_links_without_an_address_are_warned_of(cli: CommandLine, tmp_path: Path) -> None:
    write(tmp_path, "two networks")
    assert cli.json("plan", "m.yaml")["warnings"] == []
    write(tmp_path, "only the second link")
    [said] = cli.json("plan", "m.yaml")["warnings"]
    assert said.startswith("1 host (m) has several links but is heard on")
