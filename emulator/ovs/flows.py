"""Install computed flows: one atomic bundle per switch, several switches at a time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from emulator.errors import BrokenError
from emulator.forwarding.flows import computed, switches_with
from emulator.forwarding.select_groups import PROTOCOL
from emulator.ovs.server import OvsServers
from emulator.plan import Plan

_AT_ONCE = 16
_MODES: tuple[Literal["tree"], Literal["ecmp"]] = ("tree", "ecmp")

Lines = dict[int, list[str]]


def flow_lines(plan: Plan) -> Lines:
    """Return the input of `ovs-ofctl bundle` for each switch here with computed flows; it replaces all."""
    out: Lines = {}
    for mode in _MODES:
        if switches_with(plan.topology, mode).any():
            groups, flows = computed(plan.topology, plan.forwarding, mode, plan.up)
            for node, lines in ((node, lines) for node, lines in flows.items() if plan.here.has(node)):
                out[node] = [
                    "flow delete",
                    "group delete",
                    *(f"group add {line}" for line in groups.get(node, ())),
                    *(f"flow add {line}" for line in lines),
                ]
    return out


def install(servers: OvsServers, lines: Mapping[str, list[str]]) -> None:
    """Install flows in bridges (by name); BrokenError with the program's message if one refuses.

    Uses processes, not threads: the caller may be in a network's mount namespace. A new thread would share
    its root, and neither could leave.
    """
    folder = servers.folder / "flows"
    folder.mkdir(mode=0o700, exist_ok=True)

    def command(name: str, text: list[str]) -> list[str]:
        path = folder / name
        path.write_text("".join(f"{line}\n" for line in text), encoding="ascii")
        return ["-O", PROTOCOL, "bundle", socket_of(servers, name), str(path)]

    _run_all(servers, ((name, command(name, text)) for name, text in lines.items()))


def change_flows(servers: OvsServers, wanted: Mapping[str, tuple[Iterable[str], list[str]]]) -> None:
    """Change flows of bridges: by name, the protocols of each, and lines for ovs-ofctl's add-flows."""
    folder = servers.folder / "flows"
    folder.mkdir(mode=0o700, exist_ok=True)

    def command(name: str, protocols: Iterable[str], lines: list[str]) -> list[str]:
        path = folder / f"{name}.change"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        return ["-O", ",".join(protocols), "add-flows", socket_of(servers, name), str(path)]

    _run_all(servers, ((name, command(name, *each)) for name, each in wanted.items()))


def remove_flows(servers: OvsServers, wanted: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Remove all flows of bridges, each given by its name and its protocols."""
    _run_all(
        servers,
        (
            (name, ["-O", ",".join(protocols), "del-flows", socket_of(servers, name)])
            for name, protocols in wanted
        ),
    )


def socket_of(servers: OvsServers, name: str) -> str:
    """Return the management socket of a bridge, in the form that ovs-ofctl takes."""
    return f"unix:{servers.folder / name}.mgmt"


def _run_all(servers: OvsServers, commands: Iterable[tuple[str, list[str]]]) -> None:
    """Run ovs-ofctl for several bridges, a few at a time."""
    running: list[tuple[str, subprocess.Popen[bytes]]] = []
    try:
        for name, command in commands:
            if len(running) == _AT_ONCE:
                _finish(*running.pop(0))
            running.append((name, servers.popen(["ovs-ofctl", *command])))
        while running:
            _finish(*running.pop(0))
    finally:
        for _, process in running:
            process.kill()
            process.communicate()


def changed(before: Lines, after: Lines, also: Iterable[int] = ()) -> Iterator[int]:
    """Return the switches whose flows differ, and those of `also` that have flows."""
    extra = set(also)
    return (node for node, lines in after.items() if node in extra or before.get(node) != lines)


def _finish(name: str, process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate()
    if process.returncode:
        command = errors.decode(errors="replace").strip().splitlines()
        raise BrokenError(f"the flows of {name} can't be changed: {'; '.join(command[:3])}")
