"""`emulator schema`: print the JSON schema of topology files."""

from __future__ import annotations

import json
from pathlib import Path
from pkgutil import resolve_name

import click

from emulator.cli.files import write
from emulator.cli.options import json_option
from emulator.cli.output import print_json, say

_SCHEMAS = {"topology": "topologies.schema:schema", "scenario": "stress.scenario.schema:schema"}
"""Kind of file -> the function that returns its schema, as "module:attribute"."""


@click.command("schema", epilog="\b\nExample:\n  emulator schema -o topology.schema.json")
@click.option("--scenario", is_flag=True, help="Print the schema of scenario files.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Output file.")
@json_option()
def command(output: Path | None, *, scenario: bool, as_json: bool) -> int:
    """Print the JSON schema of topology files, with which editors complete and check them."""
    kind = "scenario" if scenario else "topology"
    schema = resolve_name(_SCHEMAS[kind])()
    if as_json and output is None:
        print_json({"kind": kind, "output": None, "schema": schema})
        return 0
    write([json.dumps(schema, indent=2, ensure_ascii=False), "\n"], output)
    if output is not None:
        say(f"wrote {output}")
    if as_json:
        print_json({"kind": kind, "output": str(output)})
    return 0
