"""Text of a plan: counts on top, then a line for each worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from emulator.cli.output import counts, fidelity
from topologies.counting import counted, plural, size_text

_MOST_ROWS = 16
_MOST_NAMES = 4
_FIRST, _LAST = 10, 2


def plan_lines(said: dict[str, Any]) -> Iterator[str]:
    """Yield the lines for a plan's summary."""
    workers = said["workers"]
    head = counts(said["nodes"])
    yield f"{said['network']}: {head}, {counted(said['links'], 'link')}"
    forwarding, placement, forecast = said["forwarding"], said["placement"], said["forecast"]
    blocked = forwarding["blocked"]
    yield from (
        f"  {label:<12}{words}"
        for label, words in (
            ("engine", said["engine"]),
            ("fidelity", fidelity(said["fidelity"])),
            ("forwarding", forwarding["kind"] + (f", {counted(blocked, 'link')} blocked by the spanning tree"
                                                 if blocked else "")),
            *_light(said.get("light_ports")),
            ("placement", _placement(placement, len(workers))),
            ("memory", _memory(forecast["memory_bytes"], workers)),
            ("deployment", f"about {forecast['seconds']:,.1f} s"),
        )
    )  # fmt: skip
    yield ""
    yield from _table(workers)
    for warning in said["warnings"]:
        yield f"warning: {warning}"
    yield f"planned in {said['seconds']['total']:.2f} s"


def _light(light: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Yield the label and the words of each line about light ports."""
    if light is None:
        return
    names = [vpc["name"] for vpc in light["vpcs"]]
    shown = ", ".join(names[:_MOST_NAMES]) + (f" … {names[-1]}" if len(names) > _MOST_NAMES else "")
    least, most = light["ports_per_host"]["least"], light["ports_per_host"]["most"]
    each = f"{most:,} on each" if least == most else f"{least:,} to {most:,} on each"
    hosts = counted(light["compute_hosts"], "compute host")
    members = f", {counted(light['members'], 'full host')}" if light["members"] else ""
    ports = f"{counted(light['ports'], 'port')} on {hosts}, {each}" if light["ports"] else "no light ports"
    yield "vpcs", f"{shown}: {ports}{members}"
    tenants = light["tenants"]
    if tenants["namespaces"]:
        why = (
            "VPCs of ports with devices have one each on"
            if light["devices"]
            else "VPCs with equal addresses meet on"
        )
        where = counted(tenants["compute_hosts"], "compute host")
        cost = f"{size_text(tenants['memory_bytes'])} and {tenants['seconds']:,.1f} s"
        words = f"{tenants['namespaces']:,} more, as {why} {where}: {cost} of these"
        yield "namespaces", words


def _placement(placement: dict[str, Any], workers: int) -> str:
    if workers == 1:
        return "all on one worker"
    cut = placement["cut_links"]
    return (
        f"{placement['method']}, {workers:,} workers, {counted(cut, 'link')} cut "
        f"({placement['cut_share']:.1%}), each a tunnel"
    )


def _memory(total: int, workers: Sequence[dict[str, Any]]) -> str:
    if len(workers) == 1:
        return f"about {size_text(total)}"
    most = max(worker["memory_bytes"] for worker in workers)
    return f"about {size_text(total)} in all, {size_text(most)} at most on one worker"


def _table(workers: Sequence[dict[str, Any]]) -> Iterator[str]:
    kinds = [kind for kind in ("host", "switch", "router") if any(kind in w["kinds"] for w in workers)]
    titles = ["worker", "nodes", *(plural(kind, 2) for kind in kinds), "ports", "links", "tunnels", "memory"]
    rows = [
        [
            worker["name"], f"{worker['nodes']:,}", *(f"{worker['kinds'].get(kind, 0):,}" for kind in kinds),
            f"{worker['ports']:,}", f"{worker['links']:,}", f"{worker['tunnels']:,}",
            size_text(worker["memory_bytes"]),
        ]
        for worker in _shown(workers)
    ]  # fmt: skip
    lines = aligned([titles, *rows])
    left_out = len(workers) - len(rows)
    for number, line in enumerate(lines):
        if left_out and number == 1 + _FIRST:
            yield f"…  {left_out:,} more (--json has all)"
        yield line


def _shown(workers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(workers) <= _MOST_ROWS:
        return list(workers)
    return [*workers[:_FIRST], *workers[-_LAST:]]


def aligned(rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Return the rows as lines with their columns aligned: `left` of them to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.ljust(width) if at < left else text.rjust(width)
            for at, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def sample_lines(sample: dict[str, Any]) -> Iterator[str]:
    """Yield the lines for the first nodes of each tier: one per node, and one per port."""
    for node in sample["nodes"]:
        yield from _node_lines(node)
    for tier, count in sample["left_out"].items():
        yield f"and {count:,} more of tier {tier}"
    for first, second in sample["blocked"]:
        yield f"blocked  {first} -- {second}"
    if sample["blocked_left_out"]:
        yield f"and {sample['blocked_left_out']:,} more blocked"


def _node_lines(node: dict[str, Any]) -> Iterator[str]:
    routes = f", {counted(node['routes'], 'route')}" if node["routes"] else ""
    carried = f", {counted(node['light_ports'], 'light port')}" if "light_ports" in node else ""
    vpc = f", of VPC {node['vpc']}" if "vpc" in node else ""
    yield f"{node['name']}  {node['kind']}, {node['fidelity']}{vpc}, on {node['worker']}{routes}{carried}"
    addresses: dict[str, list[str]] = {}
    for entry in node["addresses"]:
        addresses.setdefault(entry["port"], []).append(entry["address"])
    rows = []
    if "bridge" in node:
        bridge = node["bridge"]
        rows.append([bridge["name"], bridge["mac"], "bridge", "", *addresses.pop(bridge["name"], [])])
    for port in node["ports"]:
        peer = f"{'tunnel to' if port['tunnel'] else '--'} {port['peer']}"
        rows.append([port["name"], port["mac"], port["role"], peer, *addresses.pop(port["name"], [])])
    rows += [[name, "", "", "", *those] for name, those in addresses.items()]
    longest = max((len(row) for row in rows), default=0)
    filled = [[*row, *[""] * (longest - len(row))] for row in rows]
    for line in aligned(filled, left=longest) if filled else ():
        yield f"    {line}"
    for what in ("ports", "addresses"):
        if left_out := node.get(f"{what}_left_out"):
            yield f"    and {left_out:,} more {what}"
