"""`emulator schema`: the JSON schema of topology files."""

from __future__ import annotations

import json
from pathlib import Path

import click

from emulator.cli.files import write


@click.command("schema", epilog="\b\nExample:\n  emulator schema -o topology.schema.json")
@click.option("--scenario", is_flag=True, help="Of scenario files instead.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write it to this file.")
def command(output: Path | None, *, scenario: bool) -> int:
    """Print the JSON schema of topology files: editors complete and check with it."""
    if scenario:
        from stress.scenario.schema import schema
    else:
        from topologies.schema import schema
    write([json.dumps(schema(), indent=2, ensure_ascii=False), "\n"], output)
    return 0
