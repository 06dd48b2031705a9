"""`emulator down`: remove networks in any state."""

from __future__ import annotations

import os
import time

import click

from emulator.cli.complete import complete_network_or_file
from emulator.cli.elevate import ensure_root_for
from emulator.cli.network_file import TopologyFile
from emulator.cli.options import json_option, name_or_net, net_option
from emulator.cli.output import answer, print_json, say
from emulator.cli.progress import shown
from emulator.errors import EmulationError, UsageError
from emulator.garbage import importing


@click.command(
    "down",
    epilog="\b\nExamples:\n  emulator down fat-tree\n  emulator down fat-tree.yaml\n  emulator down --all",
)
@click.argument("name", metavar="NAME | FILE", required=False, shell_complete=complete_network_or_file)
@net_option()
@click.option("--all", "every", is_flag=True, help="All networks of this machine.")
@json_option()
def command(name: str | None, net: str | None, *, every: bool, as_json: bool) -> int:
    """Remove the network NAME, or that of FILE, in any state; return when all of it is released."""
    with importing():
        from emulator.engines.registry import take_down
        from emulator.interface.finding import checked_name
        from emulator.state import names
        from emulator.under_stress import grown_beside

    name = name_or_net(_of_file(name) if name else None, net)
    if bool(name) == every:
        raise UsageError("give a network: `emulator down NAME`, `emulator down FILE`, or `--all`")
    targets = ensure_root_for(checked_name(name) if name else None, change=True)
    begin = time.monotonic()
    known = names()
    targets = list(dict.fromkeys(each for target in targets for each in (*grown_beside(target), target)))
    for target in targets:
        if target in known or os.geteuid() == 0:  # root also removes what no record tells of
            lost = _lost(target)
            with shown(f"down {target}") as progress:
                take_down(target, progress)
            for line in lost:
                say(f"warning: {line}")
        answer(f"{target} is down" if target in known else f"{target} was not up")
    if not targets:
        answer("no network is up")
    if as_json:
        print_json(
            {"down": [t for t in targets if t in known], "seconds": round(time.monotonic() - begin, 6)}
        )
    return 0


def _lost(name: str) -> list[str]:
    """Return lines on what can't be given back to the machine; `down` goes on whatever hinders the look."""
    from emulator.engines.store import store_of
    from emulator.linux.outside.lost import lost_interfaces
    from emulator.state import NetworkState, state_root

    try:
        return lost_interfaces(store_of(NetworkState(state_root(), name)))
    except (EmulationError, OSError):
        return []


def _of_file(name: str) -> str:
    """Return the network that a topology file names, if `name` is a file's path and no network's name.

    Only `name:` is read: a file that was changed since, and is wrong now, still says what to remove.
    """
    from topologies.names import NETWORK_NAME

    if name != "-" and NETWORK_NAME.fullmatch(name):
        return name
    from topologies.source import read

    given = TopologyFile().convert(name, None, None)
    data = read(given).data
    found = data.get("name") if isinstance(data, dict) else None
    if not isinstance(found, str):
        raise UsageError(f"{given} has no `name:`; give the name of a network")
    return found
