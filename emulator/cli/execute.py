"""`emulator exec`: run a command in nodes."""

from __future__ import annotations

import sys
from typing import BinaryIO

import click

from emulator.cli.options import seconds
from emulator.cli.output import say
from emulator.errors import UsageError


@click.command(
    "exec",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="\b\nExamples:\n  emulator exec h1 -- ping -c1 h2\n  emulator exec 'h*' -- ip -br address",
)
@click.option("--net", help="The network, if several are up.")
@click.option(
    "--timeout", callback=seconds(0.05), metavar="SECONDS", help="Kill the command after this many seconds."
)
@click.argument("node")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED, metavar="-- CMD...")
def command(net: str | None, timeout: float | None, node: str, argv: tuple[str, ...]) -> int:
    """Run CMD in NODE, or in all nodes that match the pattern NODE.

    One node: terminal, output and exit code are those of CMD. Several nodes: each line begins with
    its node's name, and the exit code is the highest one.
    """
    from emulator.cli.networks import chosen_network
    from emulator.commands import TIMED_OUT
    from emulator.interface.finding import matching_nodes
    from emulator.linux.processes.interrupts import stoppable

    words = list(argv[1:] if argv[:1] == ("--",) else argv)
    if not words:
        raise UsageError("give a command: `emulator exec NODE -- CMD…`")
    network = chosen_network(net)
    nodes = matching_nodes(network, node)
    if len(nodes) == 1 and network.topology.names[nodes[0]] == node:
        code = network.access.interact(nodes[0], words, timeout)
        if code == TIMED_OUT and timeout is not None:
            say("timed out")
        return code
    worst = 0
    with stoppable():
        results = network.access.execute(nodes, words, timeout)
    for result in results:
        worst = max(worst, result.code if result.code >= 0 else 128 - result.code)
        _print(result.node, result.output, sys.stdout.buffer)
        _print(result.node, result.errors, sys.stderr.buffer)
    return worst


def _print(node: str, output: bytes, stream: BinaryIO) -> None:
    """Print the output of a command unchanged, as bytes, whatever the locale."""
    prefix = f"{node}: ".encode()
    stream.writelines(prefix + line + b"\n" for line in output.splitlines())
    stream.flush()
