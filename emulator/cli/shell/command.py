"""`emulator shell`: run lines in nodes interactively, such as `h1 ping h2`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from emulator.cli.shell.interpreter import Interpreter
    from emulator.network import Network

_MOST_NAMES = 50_000
"""Most nodes whose names are completed."""


@click.command("shell", epilog="\b\nExamples:\n  emulator shell\n  echo 'h1 ping -c1 h2' | emulator shell dc")
@click.argument("name", required=False)
@click.option("--mininet", "of_mininet", is_flag=True, help="Open Mininet's own command line instead.")
def command(name: str | None, *, of_mininet: bool) -> int:
    """Run lines in the nodes of NAME, read from the terminal or a pipe; `help` lists the commands.

    The exit code is that of the last line.
    """
    from emulator.cli.networks import chosen_network

    network = chosen_network(name)
    if of_mininet:
        return _mininet(network)
    from emulator.cli.shell.interpreter import Interpreter

    terminal = sys.stdin.isatty()
    interpreter = Interpreter(network, terminal=terminal)
    if terminal:
        _prepare_terminal(interpreter)
    try:
        return interpreter.run(_lines(terminal=terminal, name=network.name))
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


def _lines(*, terminal: bool, name: str) -> Iterator[str]:
    """Yield the lines to run; on a terminal, prompt for them."""
    if not terminal:
        yield from sys.stdin
        return
    while True:
        try:
            yield input(f"{name}> ")
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()


def _prepare_terminal(interpreter: Interpreter) -> None:
    """Enable history and completion, if Python has readline."""
    with suppress(ImportError):
        import readline

        def complete(text: str, state: int) -> str | None:
            before = readline.get_line_buffer()[: readline.get_begidx()].split()
            found = _completions(interpreter, before, text)
            if state >= len(found):
                return None
            return found[state] + ("" if found[state].endswith("/") else " ")

        readline.set_completer_delims(" \t\n;|&<>()'\"")
        readline.set_completer(complete)
        readline.parse_and_bind("tab: complete")


def _completions(interpreter: Interpreter, before: list[str], text: str) -> list[str]:
    """Return what may follow the words `before`: nodes, commands first, programs after a node, files."""
    names = interpreter.names
    nodes = [name for name in names if name.startswith(text)] if len(names) < _MOST_NAMES else []
    if not before:
        return [*(word for word in interpreter.commands if word.startswith(text)), *nodes]
    if len(before) == 1 and before[0] in names and "/" not in text:
        return [*_programs(text), *nodes]
    return [*nodes, *_files(text)]


def _programs(start: str) -> list[str]:
    """Return the programs that begin with `start`."""
    found: set[str] = set()
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        with suppress(OSError):
            found.update(one.name for one in Path(folder or ".").iterdir() if one.name.startswith(start))
    return sorted(found)


def _files(start: str) -> list[str]:
    """Return the paths that begin with `start`, folders with a slash."""
    folder, _, name = start.rpartition("/")
    place = folder or ("/" if start.startswith("/") else ".")
    prefix = start[: len(start) - len(name)]
    with suppress(OSError):
        return sorted(
            prefix + one.name + ("/" if one.is_dir() else "")
            for one in os.scandir(place)
            if one.name.startswith(name)
        )
    return []
