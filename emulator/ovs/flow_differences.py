"""Find switches whose flows differ from those that the plan computes, by `ovs-ofctl diff-flows`.

Groups (of `ecmp`) are compared by their numbers.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Container, Iterator

from emulator.deviation import Deviation
from emulator.errors import BrokenError
from emulator.forwarding.select_groups import PROTOCOL
from emulator.ovs.flows import flow_lines, socket_of
from emulator.ovs.planned_bridges import bridges_of
from emulator.ovs.server import OvsServers
from emulator.plan import Plan

_FLOW, _GROUP = "flow add ", "group add "
_NUMBER = re.compile(rb"group_id=(\d+)")
_DIFFERS = 2
"""The exit code of `diff-flows` when there is a difference (ovs-ofctl(8))."""
_SHOWN = 3


def differing_flows(servers: OvsServers, plan: Plan, there: Container[str]) -> list[tuple[int, Deviation]]:
    """Return (node, deviation) for switches whose flows or groups differ from those that `plan` computes.

    Queries only bridges in `there`.
    """
    bridges, names = bridges_of(plan), plan.topology.names
    return [
        (node, Deviation(names[node], *words))
        for node, lines in flow_lines(plan).items()
        if bridges[node].name in there
        for words in _of_bridge(servers, bridges[node].name, lines)
    ]


def _of_bridge(servers: OvsServers, name: str, lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (object, expected, found)."""
    folder = servers.folder / "flows"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{name}.wanted"
    flows = [line.removeprefix(_FLOW) for line in lines if line.startswith(_FLOW)]
    path.write_text("".join(f"{line}\n" for line in flows), encoding="ascii")
    said = _ask(servers, name, ["diff-flows", socket_of(servers, name), str(path)], may_differ=True)
    path.unlink()
    if said:
        shown = "; ".join(said.decode(errors="replace").strip().splitlines()[:_SHOWN])
        yield "flows", f"the {len(flows):,} of the plan", f"(-: not planned, +: missing) {shown}"
    groups = [line.encode() for line in lines if line.startswith(_GROUP)]
    wanted = {number for line in groups for number in _NUMBER.findall(line)}
    if wanted:
        found = set(_NUMBER.findall(_ask(servers, name, ["dump-groups", socket_of(servers, name)])))
        if found != wanted:
            yield "groups", f"{len(wanted):,}", f"{len(found & wanted):,} of them"


def _ask(servers: OvsServers, name: str, words: list[str], *, may_differ: bool = False) -> bytes:
    process = servers.popen(["ovs-ofctl", "-O", PROTOCOL, *words])
    try:
        output, errors = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        raise BrokenError(f"ovs-ofctl doesn't answer for {name}; `emulator status` says what runs") from None
    if process.returncode not in ((0, _DIFFERS) if may_differ else (0,)):
        raise BrokenError(f"the flows of {name} can't be read: {errors.decode(errors='replace').strip()}")
    return output
