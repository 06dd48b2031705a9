"""Which hosts a changed file has moved."""

from __future__ import annotations

import pytest
from support.topologies import made

from emulator.ovs.moved import moved_ports
from emulator.plan import Plan, make_plan


def plan(*links: list[str]) -> Plan:
    names = sorted({name for link in links for name in link})
    nodes = {name: {"kind": "switch"} if name.startswith("s") else {} for name in names}
    return make_plan(made({"nodes": nodes, "links": [list(link) for link in links]}), "netns")


WIRES = (["h2", "s2"], ["s1", "s2"], ["s2", "s3"])


@pytest.mark.parametrize(
    ("links", "moved"),
    [
        ((["h1", "s1"], *WIRES), []),
        ((*WIRES, ["h1", "s2"]), ["h1"]),
        ((["h1", "s2"], *WIRES), ["h1", "h2"]),  # h2 is at the next port then
        ((["h1", "s1"], *WIRES, ["h3", "s3"]), ["h3"]),
        ((["h1", "s1"], *WIRES, ["s3", "s1"]), []),
        (WIRES, []),
    ],
)
def test_moved_hosts_are_those_with_a_new_link(links: tuple[list[str], ...], moved: list[str]) -> None:
    old, new = plan(["h1", "s1"], *WIRES), plan(*links)
    assert [new.topology.names[node] for node, _ in moved_ports(old, new)] == moved
