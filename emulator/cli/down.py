"""`emulator down`: remove networks in any state."""

from __future__ import annotations

import os
import time

import click

from emulator.cli.elevate import ensure_root_for
from emulator.cli.options import json_option
from emulator.cli.output import answer, print_json
from emulator.cli.progress import shown
from emulator.errors import UsageError


@click.command("down", epilog="\b\nExamples:\n  emulator down fat-tree\n  emulator down --all")
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="All networks of this machine.")
@json_option()
def command(name: str | None, *, every: bool, as_json: bool) -> int:
    """Remove the network NAME in any state; return when the kernel has released everything."""
    from emulator.engines.registry import take_down
    from emulator.interface.finding import checked_name
    from emulator.state import names
    from emulator.under_stress import grown_beside

    if bool(name) == every:
        raise UsageError("give a network: `emulator down NAME`, or `--all`")
    targets = ensure_root_for(checked_name(name) if name else None, change=True)
    begin = time.monotonic()
    known = names()
    targets = list(dict.fromkeys(each for target in targets for each in (*grown_beside(target), target)))
    for target in targets:
        if target in known or os.geteuid() == 0:  # root also removes what no record tells of
            with shown(f"down {target}") as progress:
                take_down(target, progress)
        answer(f"{target} is down" if target in known else f"{target} was not up")
    if not targets:
        answer("no network is up")
    if as_json:
        print_json(
            {"down": [t for t in targets if t in known], "seconds": round(time.monotonic() - begin, 6)}
        )
    return 0
