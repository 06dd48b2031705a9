"""`emulator schema`: print the JSON schema of topology files."""

from __future__ import annotations

import json
from pathlib import Path
from pkgutil import resolve_name

import click

from emulator.cli.files import write

_SCHEMAS = {"topology": "topologies.schema:schema", "scenario": "stress.scenario.schema:schema"}
"""Kind of file -> the function that returns its schema, as "module:attribute"."""


@click.command("schema", epilog="\b\nExample:\n  emulator schema -o topology.schema.json")
@click.option("--scenario", is_flag=True, help="Print the schema of scenario files.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Output file.")
def command(output: Path | None, *, scenario: bool) -> int:
    """Print the JSON schema of topology files, with which editors complete and check them."""
    schema = resolve_name(_SCHEMAS["scenario" if scenario else "topology"])
    write([json.dumps(schema(), indent=2, ensure_ascii=False), "\n"], output)
    return 0
