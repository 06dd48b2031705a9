"""`emulator exec`: run a command in nodes."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import click

from emulator.cli.options import seconds
from emulator.cli.output import say
from emulator.errors import UsageError

if TYPE_CHECKING:
    from emulator.commands import Heard


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

    One node: terminal, output and exit code are those of CMD. Several nodes: lines come as the
    commands print them and begin with their node's name; the exit code is the highest one. CMD starts in the
    current directory.
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
    with stoppable():
        codes = network.access.stream(nodes, words, _printer(), timeout)
    return max(code if code >= 0 else 128 - code for code in codes)


def _printer() -> Heard:
    """Return what prints lines of commands unchanged, as bytes, whatever the locale, and whole."""
    from emulator.commands import OUTPUT

    one_at_a_time = threading.Lock()

    def heard(node: str, line: bytes, number: int) -> None:
        stream = sys.stdout.buffer if number == OUTPUT else sys.stderr.buffer
        with one_at_a_time:
            stream.write(f"{node}: ".encode() + line + b"\n")
            stream.flush()

    return heard
