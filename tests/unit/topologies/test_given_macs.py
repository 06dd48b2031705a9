"""MACs of a file are compared with those that are computed for other ports."""

from __future__ import annotations

from typing import Any

import pytest
from support.topologies import made, problems

from topologies.identifiers import mac

BLUE = {"blue": "10.1.0.0/16"}


def star(**nodes: dict[str, Any]) -> dict[str, Any]:
    """Return a switch `s` and a compute host `c`; light nodes are linked to `c`, others to `s`."""
    links = [[name, "c" if keys.get("fidelity") else "s"] for name, keys in nodes.items()]
    return {"nodes": {"s": {"kind": "switch"}, "c": {}, **nodes}, "links": [["c", "s"], *links]}


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("other", [0, 1])
def test_the_computed_mac_of_another_port_is_refused(light: bool, other: int) -> None:
    keys: dict[str, Any] = {"fidelity": "light"} if light else {}
    more: dict[str, Any] = {"vpcs": BLUE} if light else {}
    topology = made(star(a=keys, b=keys), **more)
    nodes = [topology.names.index(name) for name in "ab"]
    computed = mac(topology, nodes[other], 0).hex(":")
    given = {name: keys | ({"mac": computed} if at != other else {}) for at, name in enumerate("ab")}
    key = f"topology.nodes.{'ba'[other]}.mac"
    found = problems(star(**given), **more)
    assert list(found) == [key]
    assert f"{computed} is the computed MAC of `{'ab'[other]}`" in found[key]
    own = {name: keys | ({"mac": computed} if at == other else {}) for at, name in enumerate("ab")}
    made(star(**own), **more)  # that it would be its own is no reason


def test_the_mac_of_a_bridge_and_of_nobody() -> None:
    bridge, nobody = "02:00:00:01:ff:ff", "02:00:00:01:00:09"
    assert "`s`" in problems(star(a={"mac": bridge}))["topology.nodes.a.mac"]
    made(star(a={"mac": nobody}, b={"mac": "06:01:0a:00:00:02"}))
