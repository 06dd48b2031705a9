"""Change the links of a running network on workers: shape them, cut them, restore them.

The order is that of the other engines: it closes no loop even for an instant.
"""

from __future__ import annotations

from emulator.engines.driven.client import Step
from emulator.engines.driven.node_lines import after_up, changes, is_switch, node_lines, program_name
from emulator.engines.link_changes import LinkChange
from emulator.engines.remote.document import End, blocked_ends, end_document, ends_of
from emulator.engines.remote.flows import flow_steps
from emulator.plan import Plan
from topologies.identifiers import bridge_name

Lines = dict[str, list[str]]
_FLUSH_SECONDS = 20.0


def link_steps(change: LinkChange) -> list[Step]:
    """Return the driver's steps for a change of links."""
    old, new = change.old, change.new
    shaped = [end_document(new, link, end, change.after) for link, end, _ in change.reshaped()]
    steps: list[Step] = [("shape", {"ends": shaped})] if shaped else []
    if not (change.downs or change.ups):
        return steps
    removed, added = _line_changes(old, new, change)
    before, after = blocked_ends(old), blocked_ends(new)
    return [
        *steps,
        *port_steps(ends_of(new, change.downs), up=False),
        *_batches(removed),
        *_ends("leave", [end for end in after if end not in before]),
        *port_steps(ends_of(new, change.ups), up=True),
        *_batches(added),
        *_ends("join", [end for end in before if end not in after]),
        *flow_steps(new),
        *forget_steps(new),
    ]


def forget_steps(plan: Plan) -> list[Step]:
    """Return the steps that clear what all bridges have learned: hosts may be behind other ports now."""
    topology = plan.topology
    lines: Lines = {}
    commands = []
    for node in range(topology.node_count):
        name = program_name(plan, node)
        if is_switch(plan, node) and topology.node_profile_of(node).switch == "ovs":
            argv = ["ovs-appctl", "fdb/flush", name]
            commands.append({"node": name, "argv": argv, "timeout": _FLUSH_SECONDS})
        elif plan.forwarding.has_bridge(node):
            lines[name] = [f"link set dev {bridge_name(topology, node)} type bridge fdb_flush"]
    return [*_batches(lines), *([("execute", {"commands": commands})] if commands else [])]


def port_steps(ends: list[End], *, up: bool) -> list[Step]:
    """Return the step that brings ports down or up; none without ports."""
    return [("ports", {"ends": ends, "up": up})] if ends else []


def _batches(lines: Lines) -> list[Step]:
    return [("batches", {"lines": lines, "harmless": True})] if lines else []


def _ends(step: str, ends: list[End]) -> list[Step]:
    return [(step, {"ends": ends})] if ends else []


def _line_changes(old: Plan, new: Plan, change: LinkChange) -> tuple[Lines, Lines]:
    """Return the lines that remove and that add, by name, for hosts and routers.

    Added is what differs between the plans, and what the kernel has dropped with a port that comes up.
    """
    ups: dict[int, set[int]] = {}
    for link in change.ups:
        for node, port in zip(
            new.topology.ends[link].tolist(), new.topology.ports[link].tolist(), strict=True
        ):
            ups.setdefault(node, set()).add(port)
    removed: Lines = {}
    added: Lines = {}
    for node in dict.fromkeys([*change.touched(), *ups]):
        if is_switch(new, node):
            continue
        lines = node_lines(new, node)
        back, forth = changes(node_lines(old, node), lines)
        if back:
            removed[program_name(new, node)] = back
        wanted = {*forth, *after_up(new, node, ports=ups.get(node, frozenset()))}
        if wanted:
            added[program_name(new, node)] = [line for line in lines if line in wanted]
    return removed, added
