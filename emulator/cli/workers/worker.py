"""`emulator workers worker`: run this machine's worker in the foreground."""

from __future__ import annotations

import socket
from pathlib import Path

import click

from emulator.cli.output import say
from emulator.cli.workers.options import (
    certificates_option,
    insecure_option,
    listening,
    scheduler_option,
    silence_option,
)


@click.command(
    "worker",
    epilog="\b\nExamples:\n  emulator workers worker --scheduler tls://head:8786 "
    "--certificates /etc/emulator/certificates",
)
@scheduler_option
@click.option("--name", metavar="NAME", help="Name of the worker; the machine's, if not given.")
@click.option("--host", metavar="ADDRESS", help="Address to listen at; the one that reaches the scheduler.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="TCP port; 0: any."
)
@certificates_option("worker")
@insecure_option
@silence_option
def command(
    scheduler: str | None, name: str | None, host: str | None, port: int, certificates: Path | None, *,
    insecure: bool, silence: float,
) -> int:  # fmt: skip
    """Run this machine's worker in the foreground; systemd or another supervisor restarts it.

    It ends when its scheduler is gone. Networks of this machine go on, and so do calls under way.
    """
    from emulator.agent.lifecycle import clean_unfinished
    from emulator.carriers.dask.start import SCRATCH, run_worker
    from emulator.carriers.opening import scheduler_address
    from emulator.cli.elevate import ensure_root
    from emulator.state import state_root
    from emulator.state.directory import sweep

    ensure_root()
    settings = listening(
        scheduler_address(scheduler), certificates, "worker", insecure=insecure, silence=silence
    )
    for removed in clean_unfinished():
        say(f"removed `{removed}`, whose `up` had been killed here")
    root = state_root()
    try:
        run_worker(settings, name or socket.gethostname(), host, port, root / SCRATCH)
    finally:
        sweep(root)
    return 0
