"""`emulator exec`: run a command in nodes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from emulator.cli.complete import complete_command, complete_nodes
from emulator.cli.options import json_option, net_option, seconds
from emulator.cli.output import print_json, say
from emulator.errors import UsageError

if TYPE_CHECKING:
    from emulator.commands import CommandResult, Heard
    from emulator.network import Network


@click.command(
    "exec",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="\b\nExamples:\n  emulator exec h1 -- ping -c1 h2\n  emulator exec 'h*' -- ip -br address",
)
@net_option()
@click.option(
    "--timeout", callback=seconds(0.05), metavar="SECONDS", help="Kill the command after this many seconds."
)
@click.argument("node", shell_complete=complete_nodes)
@click.argument(
    "argv", nargs=-1, type=click.UNPROCESSED, metavar="-- CMD...", shell_complete=complete_command
)
@json_option()
def command(
    net: str | None, timeout: float | None, node: str, argv: tuple[str, ...], *, as_json: bool
) -> int:  # fmt: skip
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
    if as_json:
        with stoppable():
            return _as_object(network, words, network.access.execute(nodes, words, timeout))
    if len(nodes) == 1 and network.topology.names[nodes[0]] == node:
        code = network.access.interact(nodes[0], words, timeout)
        if code == TIMED_OUT and timeout is not None:
            say("timed out")
        return code
    with stoppable():
        codes = network.access.stream(nodes, words, _printer(), timeout)
    return _highest(codes)


def _as_object(network: Network, words: list[str], results: Iterable[CommandResult]) -> int:
    """Print the results as one object; return the highest exit code."""
    from emulator.interface.node import readable

    rows = [readable(result) for result in results]
    print_json(
        {"network": network.name, "command": words,
         "results": [{"node": one.node, "code": one.code, "output": one.output, "errors": one.errors}
                     for one in rows]}
    )  # fmt: skip
    return _highest(row.code for row in rows)


def _highest(codes: Iterable[int]) -> int:
    """Return the highest exit code; a signal that ended a command is 128 more than its number."""
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
