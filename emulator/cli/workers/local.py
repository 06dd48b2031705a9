"""`emulator workers local`: a cluster on this computer."""

from __future__ import annotations

import click

from emulator.cli.options import json_option
from emulator.cli.output import answer, print_json, say
from emulator.cli.workers.options import silence_option
from emulator.errors import UsageError


@click.command(
    "local",
    epilog="\b\nExamples:\n  emulator workers local 2\n  emulator up dc.yaml --engine cluster\n"
    "  emulator workers local --down",
)
@click.argument("count", metavar="[N]", type=int, required=False)
@click.option("--down", is_flag=True, help="Remove the workers and their networks.")
@silence_option
@json_option()
def command(count: int | None, *, down: bool, silence: float, as_json: bool) -> int:
    """Start N workers on this computer: each is a network namespace with a share of its memory.

    A bridge joins them, TLS protects what they say, and a supervisor starts again what ends. Networks with
    `engine: cluster` find them without further options.
    """
    from emulator.carriers.dask.settings import require_dask
    from emulator.cli.elevate import ensure_root

    if (count is None) is not down:
        raise UsageError("give a number of workers: `emulator workers local 2`, or `--down`")
    ensure_root()
    from emulator.carriers.local.lifecycle import start, stop
    from topologies.counting import size_text

    if count is None:
        were_up = stop(say)
        answer("the local workers are down" if were_up else "no local workers were up")
        if as_json:
            print_json({"workers": [], "were_up": were_up})
        return 0
    require_dask()
    record = start(count, silence, say)
    answer(
        f"{', '.join(record.workers)} are up, each with {size_text(record.memory)}; scheduler: "
        f"{record.scheduler}"
    )
    if as_json:
        print_json(
            {"workers": list(record.workers), "memory_bytes": record.memory,
             "scheduler": str(record.scheduler)}
        )  # fmt: skip
    return 0
