"""VLAN sub-interfaces in a file: by hand and by rule, what is refused, and what the record keeps."""

from __future__ import annotations

import io

import pytest

from topologies import store
from topologies.build import build
from topologies.errors import InputError
from topologies.services import Vlan
from topologies.spec.load import load_text
from topologies.topology import Topology

FILE = """\
name: v
topology:
  nodes:
    h1: {vlans: {office: {id: 100, addresses: 192.168.100.1/24}, lab: {id: 5}}}
    r1: {kind: router}
    s1: {kind: switch}
  links: [[h1, s1], [r1, s1]]
nodes:
  - match: {kind: host}
    vlans: {lab: null, guests: {id: 7, link: eth0}}
"""


def vlans(topology: Topology, node: str) -> tuple[Vlan, ...]:
    return topology.node_profile_of(topology.names.index(node)).setup.vlans


def test_entries_and_rules_are_merged_by_name_and_kept() -> None:
    made = build(load_text(FILE))
    expected = (Vlan("guests", 7), Vlan("office", 100, 0, ("192.168.100.1/24",)))
    assert vlans(made, "h1") == expected
    assert vlans(made, "r1") == ()
    file = io.BytesIO()
    store.write(made, file)
    file.seek(0)
    assert vlans(store.read(file), "h1") == expected


@pytest.mark.parametrize(
    ("node", "keys", "words"),
    [
        ("h1", "{a: {id: 0}}", "whole number from 1 to 4,094"),
        ("h1", "{a: {}}", "id: is missing"),
        ("h1", "{a: {id: 1, link: eth9}}", "a of `h1` is on eth9, which it hasn't; it has eth0"),
        ("h1", "{a: {id: 1}, b: {id: 1}}", "a and b of `h1` are VLAN 1 of one port"),
        ("h1", "{h1-eth0: {id: 1}}", "has the name of another interface"),
        ("h1", "{lo: {id: 1}}", "lo"),
        ("h1", "{a: {id: 1, addresses: 10.9.0.1/24}}", "10.0.0.0/8 is without VLAN"),
        ("s1", "{a: {id: 1}}", "`s1` is a switch, and carries tagged frames as they are"),
    ],
)
def test_what_cant_be_is_refused_at_its_place(node: str, keys: str, words: str) -> None:
    kinds = {"h1": "host", "s1": "switch"}
    nodes = ", ".join(
        f"{name}: {{kind: {kind}{f', vlans: {keys}' if name == node else ''}}}"
        for name, kind in kinds.items()
    )
    with pytest.raises(InputError) as caught:
        build(load_text(f"name: v\ntopology: {{nodes: {{{nodes}}}, links: [[h1, s1]]}}\n"))
    assert words in str(caught.value)
    assert f"topology.nodes.{node}.vlans" in str(caught.value)
