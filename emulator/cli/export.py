"""`emulator export`: convert a file's network to another format."""

from __future__ import annotations

from pathlib import Path

import click

from emulator.cli.files import write
from emulator.cli.network_file import NetworkFile, network_file
from topologies.formats.writers import WRITERS


@click.command(
    "export",
    epilog="\b\nExamples:\n  emulator export dc.yaml --to graphml -o dc.graphml\n"
    "  emulator export dc.yaml --to mininet -o dc_topo.py",
)
@network_file()
@click.option("--to", "to", type=click.Choice(tuple(WRITERS)), required=True, help="The format.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Output file.")
def command(given: NetworkFile, to: str, output: Path | None) -> int:
    """Convert the network of FILE to another format, on standard output or into the file of -o."""
    from topologies.formats.export import chunks

    topology = given.describe().topology
    routes = None
    if to == "mininet" and not topology.light.any():  # it refuses light hosts
        from emulator.forwarding.exported import static_routes

        routes = static_routes(topology)
    write(chunks(topology, to, routes), output)
    return 0
