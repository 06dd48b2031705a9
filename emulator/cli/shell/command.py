"""`emulator shell`: run lines in nodes interactively, such as `h1 ping h2`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from emulator.cli.complete import complete_networks
from emulator.cli.options import name_or_net, net_option

if TYPE_CHECKING:
    from emulator.network import Network


@click.command("shell", epilog="\b\nExamples:\n  emulator shell\n  echo 'h1 ping -c1 h2' | emulator shell dc")
@click.argument("name", required=False, shell_complete=complete_networks)
@net_option()
@click.option("--mininet", "of_mininet", is_flag=True, help="Open Mininet's own command line instead.")
def command(name: str | None, net: str | None, *, of_mininet: bool) -> int:
    """Run lines in the nodes of NAME, read from the terminal or a pipe; `help` lists the commands.

    The exit code is that of the last line.
    """
    from emulator.cli.networks import chosen_network

    network = chosen_network(name_or_net(name, net))
    if of_mininet:
        return _mininet(network)
    from emulator.cli.shell.interpreter import Interpreter
    from emulator.cli.shell.prompt import typed

    terminal = sys.stdin.isatty()
    interpreter = Interpreter(network, terminal=terminal)
    try:
        return interpreter.run(typed(interpreter, f"{network.name}> ") if terminal else sys.stdin)
    finally:
        interpreter.close()


def _mininet(network: Network) -> int:
    """Open Mininet's own command line; UsageError if the network has another engine."""
    from emulator.access import Capability
    from emulator.errors import UsageError

    if not network.access.supports(Capability.CONSOLE):
        raise UsageError(f"`{network.name}` runs on the engine {network.engine}, which isn't Mininet")
    network.access.open_console()
    return 0
