"""Changes of a running node's settings: what the kernel drops by itself is written again."""

from __future__ import annotations

from emulator.linux.netlink.settings_messages import additions, removals
from emulator.node_settings import NodeSettings, node_settings
from emulator.plan import make_plan
from topologies.build import build
from topologies.spec.load import load_text


def settings(hosts: int, extra: str = "") -> NodeSettings:
    """Return the settings of h1 in a fabric with so many hosts per leaf: its prefix length follows."""
    text = (
        f"name: f\nforwarding: routed\n{extra}topology: {{generator: leaf-spine, hosts_per_leaf: {hosts}}}\n"
    )
    plan = make_plan(build(load_text(text)), "netns")
    return node_settings(plan, plan.topology.names.index("h1"))


def operations(old: NodeSettings, new: NodeSettings) -> list[str]:
    return [operation for operation, _ in additions(old, new).labels]


def test_routes_return_with_an_address_of_another_length() -> None:
    old, new = settings(1), settings(4)
    assert old.routes == new.routes
    assert [operation for operation, _ in removals(old, new).labels] == ["take 10.0.0.2 from"]
    assert operations(old, new) == ["give 10.0.0.2 to", "route in"]


def test_permanent_neighbours_return_too() -> None:
    extra = "addressing: {static_arp: true}\n"
    old, new = settings(1, extra), settings(4, extra)
    kept = old.neighbours & new.neighbours
    assert kept
    assert operations(old, new).count("set neighbour of") == len(new.neighbours)


def test_what_keeps_its_address_keeps_its_routes() -> None:
    assert operations(settings(4), settings(4)) == []
