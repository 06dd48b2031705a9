"""Change the links of a running Mininet network: shape them, cut them, restore them.

As with the netns engine a link that is down has both ends down, forwarding is computed again without
it, and what differs is carried out in an order in which no loop is closed even for an instant.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from emulator.engines import link_changes
from emulator.engines.mininet import openflow
from emulator.engines.mininet.client import Driver, Step
from emulator.engines.mininet.document import Document, document, end_document, mininet_name, soft_switches
from emulator.engines.mininet.refusals import unshapable
from emulator.engines.mininet.settings import after_up, changes, is_switch
from emulator.link_states import States, effective_shape, links_up
from emulator.ovs.planned_bridges import bridges_of
from emulator.ovs.switches import Switches
from emulator.plan import Plan, make_plan
from emulator.state import NetworkState, Record
from topologies.identifiers import interface_name
from topologies.topology import Topology


def change_links(
    state: NetworkState, record: Record, hands: tuple[Driver, Switches], topology: Topology, wanted: States
) -> bool:
    """Make the links of a running network be as `wanted` says; return False when they were already.

    `hands` carry it out. Changes `record` and writes it. The caller holds the network's lock. Raises
    UsageError for a link that there isn't, RefusedError when Mininet can't shape so, BrokenError with
    Mininet's words.
    """
    link_changes.refuse(topology, wanted, unshapable)

    def carry_out(before: States, after: States) -> None:
        _carry_out(hands, topology, before, after)

    return link_changes.change(state, record, wanted, carry_out)


def _carry_out(hands: tuple[Driver, Switches], topology: Topology, before: States, after: States) -> None:
    """Lead from `before` to `after`."""
    driver, switches = hands
    up_before, up_after = links_up(topology, before), links_up(topology, after)
    driver.ask(*link_steps(topology, before, after))
    if (up_before != up_after).any():
        old, new = (make_plan(topology, "mininet", up=up) for up in (up_before, up_after))
        openflow.follow(switches, old, new)


def link_steps(topology: Topology, before: States, after: States) -> list[Step]:
    """Return the driver's steps from one set of link states to another.

    What isn't there is left out: whoever makes it again makes it as the record wants it.
    """
    shaped = [
        changed
        for link in sorted({*before, *after})
        for end in (0, 1)
        if (changed := _reshaped(topology, before, after, link, end)) is not None
    ]
    steps: list[Step] = [("shape", {"ends": shaped, "partly": True})] if shaped else []
    up_before, up_after = links_up(topology, before), links_up(topology, after)
    if (up_before == up_after).all():
        return steps
    old, new = make_plan(topology, "mininet", up=up_before), make_plan(topology, "mininet", up=up_after)
    was, becomes = document(old, bridges_of(old)), document(new, bridges_of(new))
    takes, gives = line_changes(was, becomes, _touched(old, new))
    risen = np.flatnonzero(up_after & ~up_before).tolist()
    for link in risen:
        for node in topology.ends[link].tolist():
            if not is_switch(new, node):
                gives.setdefault(mininet_name(new, node), []).extend(after_up(new, node))
    out, into = moves(was, becomes)
    flushes = {
        name: [f"link set dev {made['bridge']} type bridge fdb_flush"]
        for name, made in becomes.nodes.items()
        if made.get("bridge")
    }
    return [
        *steps,
        ("ports", {"names": _ports(topology, up_before & ~up_after), "up": False, "partly": True}),
        ("batches", {"lines": takes, "harmless": True}),
        ("move", {"out": out, "into": [], "partly": True}),
        ("ports", {"names": _ports(topology, up_after & ~up_before), "up": True, "partly": True}),
        ("batches", {"lines": gives, "harmless": True}),
        ("move", {"out": [], "into": into, "partly": True}),
        ("forget", {"names": sorted(becomes.out)}),
        ("batches", {"lines": flushes, "harmless": True}),
    ]


def _touched(old: Plan, new: Plan) -> list[str]:
    """Return the nodes whose lines may differ: all where routes are computed from the graph."""
    nodes: Iterable[int] = range(new.topology.node_count)
    if not any(map(new.forwarding.is_router, nodes)):
        nodes = np.unique(new.topology.ends[old.forwarding.roles != new.forwarding.roles]).tolist()
    return [mininet_name(new, node) for node in nodes]


def _reshaped(
    topology: Topology, before: States, after: States, link: int, end: int
) -> dict[str, object] | None:
    """Return the document of an end whose shape changes, or None."""
    wanted = effective_shape(topology, after, link, end)
    if wanted == effective_shape(topology, before, link, end):
        return None
    plan = make_plan(topology, "mininet")
    return end_document(plan, link, end, soft_switches(bridges_of(plan)), wanted)


def give_shapes(plan: Plan, driver: Driver, states: States, links: Iterable[int]) -> None:
    """Give links that were made again the shapes that they have live."""
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
    """Return the lines that take away and that give, by node, for the nodes (of `names`) that are in both."""
    takes: dict[str, list[str]] = {}
    gives: dict[str, list[str]] = {}
    for name in becomes.lines if names is None else names:
        if name in was.lines:
            back, forth = changes(was.lines[name], becomes.lines[name])
            if back:
                takes[name] = back
            if forth:
                gives[name] = forth
    return takes, gives


def moves(was: Document, becomes: Document) -> tuple[list[str], list[str]]:
    """Return the interfaces that leave their switches, and those that join theirs, for switches in both."""
    both = [name for name in becomes.out if name in was.out]
    out = [intf for name in both for intf in sorted(becomes.out[name] - was.out[name])]
    into = [intf for name in both for intf in sorted(was.out[name] - becomes.out[name])]
    return out, into


def _ports(topology: Topology, links: npt.NDArray[np.bool_]) -> list[str]:
    """Return the interfaces at both ends of `links`."""
    rows = zip(topology.ends[links].tolist(), topology.ports[links].tolist(), strict=True)
    return [
        interface_name(topology, node, port)
        for nodes, ports in rows
        for node, port in zip(nodes, ports, strict=True)
    ]
