"""`emulator workers certs`: make the certificates of a cluster."""

from __future__ import annotations

from pathlib import Path

import click

from emulator.cli.options import json_option, seconds
from emulator.cli.output import answer, print_json


@click.command(
    "certs",
    epilog="\b\nExamples:\n  emulator workers certs certificates\n  emulator workers certs new --days 30",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--days", default="365", show_default=True, callback=seconds(0.001, 36_500.0), metavar="DAYS",
    help="Time until they expire.",
)  # fmt: skip
@json_option()
def command(folder: Path, days: float, *, as_json: bool) -> int:
    """Write a CA and certificates for scheduler, workers and clients to DIR; nothing is overwritten.

    Copy ca.pem and the two files of its role to each machine. Whoever has one of the keys is root on all
    workers. ca.key signs further certificates: no machine needs it.
    """
    from emulator.carriers.certificates import AUTHORITY, Certificate, day
    from emulator.carriers.dask.settings import require_dask
    from emulator.carriers.make_certificates import make_certificates

    require_dask()
    files = [str(path) for path in make_certificates(folder, days)]
    for path in files:
        answer(path)
    end = Certificate.read(folder / f"{AUTHORITY}.pem").end
    answer(f"they are valid until {day(end)}; whoever has a key is root on the workers")
    if as_json:
        print_json({"files": files, "certificate_end": end})
    return 0
