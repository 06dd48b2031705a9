"""`emulator workers`: the machines of a cluster."""

from __future__ import annotations

import click

from emulator.cli.lazy import LazyGroup

COMMANDS = {
    "local": ("emulator.cli.workers.local:command", "start workers on this computer, or remove them"),
    "status": ("emulator.cli.workers.status:command", "show the workers and their networks"),
    "check": ("emulator.cli.workers.by_ssh:check", "look at the machines of a file, over SSH"),
    "start": ("emulator.cli.workers.by_ssh:start", "start the machines of a file, over SSH"),
    "stop": ("emulator.cli.workers.by_ssh:stop", "stop them"),
    "certs": ("emulator.cli.workers.certs:command", "make the certificates of a cluster"),
    "scheduler": ("emulator.cli.workers.scheduler:command", "run the scheduler of a cluster here"),
    "worker": ("emulator.cli.workers.worker:command", "run this machine's worker"),
}
"""Command -> ("module:attribute", one line of help)."""


@click.command("workers", cls=LazyGroup, table=COMMANDS)
def command() -> None:
    """Prepare, start and show the machines of a cluster: networks on them have `engine: cluster`."""
