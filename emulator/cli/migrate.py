"""`emulator migrate`: move a light port to another compute host."""

from __future__ import annotations

import click

from emulator.cli.complete import complete_nodes
from emulator.cli.options import json_option, net_option
from emulator.cli.output import answer, print_json


@click.command(
    "migrate", epilog="\b\nExamples:\n  emulator migrate v1s1p1 h2\n  emulator migrate --net dc v1s1p1 h7"
)
@net_option()
@click.argument("port", metavar="PORT", shell_complete=complete_nodes)
@click.argument("host", metavar="HOST", shell_complete=complete_nodes)
@json_option()
def command(net: str | None, port: str, host: str, *, as_json: bool) -> int:
    """Move the light port PORT to the compute host HOST. Its address and MAC stay; nothing is lost.

    `emulator up FILE` moves it back to where the file has it.
    """
    from emulator.cli.networks import chosen_network
    from emulator.interface.finding import found_node

    network = chosen_network(net, change=True)
    network.migrate(found_node(network, port), found_node(network, host))
    answer(f"{port} is on {host}")
    if as_json:
        print_json({"network": network.name, "port": port, "host": host})
    return 0
