"""`emulator workers scheduler`: run the scheduler of a cluster in the foreground."""

from __future__ import annotations

from pathlib import Path

import click

from emulator.cli.workers.options import certificates_option, insecure_option, listening, silence_option


@click.command(
    "scheduler",
    epilog="\b\nExamples:\n  emulator workers scheduler --host 10.0.0.1 --certificates DIR",
)
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Address to listen at."
)
@click.option("--port", type=click.IntRange(1, 65535), default=8786, show_default=True, help="Its TCP port.")
@click.option(
    "--file", "scheduler_file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the address to this file, for --scheduler of other commands.",
)  # fmt: skip
@certificates_option("scheduler")
@insecure_option
@silence_option
def command(
    host: str, port: int, scheduler_file: Path | None, certificates: Path | None, *, insecure: bool,
    silence: float,
) -> int:  # fmt: skip
    """Run the scheduler of a cluster in the foreground; systemd or another supervisor restarts it.

    Without certificates it listens on loopback only. With them, only machines and clients with certificates
    of the same CA can connect.
    """
    from emulator.carriers.addresses import Address
    from emulator.carriers.dask.start import run_scheduler

    address = Address("tls" if certificates else "tcp", host, port)
    run_scheduler(
        listening(address, certificates, "scheduler", insecure=insecure, silence=silence), scheduler_file
    )
    return 0
