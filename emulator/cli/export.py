"""`emulator export`: convert a file's network to another format."""

from __future__ import annotations

from pathlib import Path

import click

from emulator.cli.files import write
from emulator.cli.network_file import NetworkFile, network_file
from emulator.cli.options import json_option
from emulator.cli.output import print_json, say
from topologies.formats.writers import WRITERS


@click.command(
    "export",
    epilog="\b\nExamples:\n  emulator export dc.yaml --to graphml -o dc.graphml\n"
    "  emulator export dc.yaml --to mininet -o dc_topo.py",
)
@network_file()
@click.option("--to", "to", type=click.Choice(tuple(WRITERS)), required=True, help="The format.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Output file.")
@json_option()
def command(given: NetworkFile, to: str, output: Path | None, *, as_json: bool) -> int:
    """Convert the network of FILE to another format, on standard output or into the file of -o."""
    from topologies.formats.export import chunks

    topology = given.describe().topology
    routes = None
    if to == "mininet" and not topology.light.any():  # it refuses light hosts
        from emulator.forwarding.exported import static_routes

        routes = static_routes(topology)
    pieces = chunks(topology, to, routes)
    if as_json and output is None:
        print_json({"network": topology.name, "format": to, "output": None, "text": "".join(pieces)})
        return 0
    write(pieces, output)
    if output is not None:
        say(f"wrote {output}")
    if as_json:
        print_json({"network": topology.name, "format": to, "output": str(output)})
    return 0
