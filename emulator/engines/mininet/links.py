"""Change the links of a running Mininet network: shape them, cut them, restore them.

The order of the changes is the same as in the netns engine: it closes no loop even for an instant.
"""

from __future__ import annotations

from collections.abc import Iterable

from emulator.engines.driven.client import Driver, Step
from emulator.engines.driven.node_lines import after_up, changes, is_switch, program_name
from emulator.engines.link_changes import LinkChange
from emulator.engines.mininet import openflow
from emulator.engines.mininet.document import Document, document, end_document, soft_switches
from emulator.link_states import States, effective_shape
from emulator.ovs.planned_bridges import bridges_of
from emulator.ovs.switches import Switches
from emulator.plan import Plan
from topologies.identifiers import interface_name
from topologies.topology import Topology


def change_links(change: LinkChange, driver: Driver, switches: Switches) -> None:
    """Apply `change` through Mininet, and in Open vSwitch; BrokenError with Mininet's message."""
    driver.ask(*link_steps(change))
    if change.downs or change.ups:
        openflow.follow(switches, change.old, change.new)


def link_steps(change: LinkChange) -> list[Step]:
    """Return the driver's steps for a change of links.

    Missing elements are skipped: when they are created again, they follow the record.
    """
    old, new = change.old, change.new
    soft = soft_switches(bridges_of(new))
    shaped = [end_document(new, link, end, soft, shape) for link, end, shape in change.reshaped()]
    steps: list[Step] = [("shape", {"ends": shaped, "partly": True})] if shaped else []
    if not (change.downs or change.ups):
        return steps
    was, becomes = document(old, bridges_of(old)), document(new, bridges_of(new))
    removed, added = line_changes(was, becomes, [program_name(new, node) for node in change.touched()])
    for link in change.ups:
        for node in change.topology.ends[link].tolist():
            if not is_switch(new, node):
                added.setdefault(program_name(new, node), []).extend(after_up(new, node))
    out, into = moves(was, becomes)
    flushes = {
        name: [f"link set dev {made['bridge']} type bridge fdb_flush"]
        for name, made in becomes.nodes.items()
        if made.get("bridge")
    }
    return [
        *steps,
        ("ports", {"names": _ports(change.topology, change.downs), "up": False, "partly": True}),
        ("batches", {"lines": removed, "harmless": True}),
        ("move", {"out": out, "into": [], "partly": True}),
        ("ports", {"names": _ports(change.topology, change.ups), "up": True, "partly": True}),
        ("batches", {"lines": added, "harmless": True}),
        ("move", {"out": [], "into": into, "partly": True}),
        ("forget", {"names": sorted(becomes.out)}),
        ("batches", {"lines": flushes, "harmless": True}),
    ]


def apply_shapes(plan: Plan, driver: Driver, states: States, links: Iterable[int]) -> None:
    """Apply the changed shapes of links that were created again."""
    soft = soft_switches(bridges_of(plan))
    ends = [
        end_document(plan, link, end, soft, effective_shape(plan.topology, states, link, end))
        for link in links
        for end in (0, 1)
    ]
    driver.ask(("shape", {"ends": ends, "partly": True}))


def line_changes(
    was: Document, becomes: Document, names: Iterable[str] | None = None
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the lines that remove and that add, by node, for the nodes (of `names`) that are in both."""
    removed: dict[str, list[str]] = {}
    added: dict[str, list[str]] = {}
    for name in becomes.lines if names is None else names:
        if name in was.lines:
            back, forth = changes(was.lines[name], becomes.lines[name])
            if back:
                removed[name] = back
            if forth:
                added[name] = forth
    return removed, added


def moves(was: Document, becomes: Document) -> tuple[list[str], list[str]]:
    """Return the interfaces that leave their switches, and those that join theirs, for switches in both."""
    both = [name for name in becomes.out if name in was.out]
    out = [intf for name in both for intf in sorted(becomes.out[name] - was.out[name])]
    into = [intf for name in both for intf in sorted(was.out[name] - becomes.out[name])]
    return out, into


def _ports(topology: Topology, links: list[int]) -> list[str]:
    """Return the interfaces at both ends of `links`."""
    rows = zip(topology.ends[links].tolist(), topology.ports[links].tolist(), strict=True)
    return [
        interface_name(topology, node, port)
        for nodes, ports in rows
        for node, port in zip(nodes, ports, strict=True)
    ]
