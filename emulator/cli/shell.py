"""`emulator shell`: run commands in nodes interactively, such as `h1 ping h2`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from emulator.cli.output import say
from topologies.counting import counted

if TYPE_CHECKING:
    from emulator.network import Network

_HELP = """\
NODE CMD…         run a command in a node; node names become addresses
NODE              open a shell in a node
nodes             the nodes and their addresses
links             the links
pingall [N]       check reachability (of N pairs)
link A B up|down  restore or cut a link
help, exit"""

_STOPPED = 130
"""Exit code after Ctrl-C."""


@click.command("shell", epilog="\b\nExamples:\n  emulator shell\n  echo 'h1 ping -c1 h2' | emulator shell dc")
@click.argument("name", required=False)
@click.option("--mininet", "of_mininet", is_flag=True, help="Open Mininet's own command line instead.")
def command(name: str | None, *, of_mininet: bool) -> int:
    """Run commands in the nodes of NAME, read from the terminal or a pipe.

    The exit code is that of the last command.
    """
    from emulator.cli.networks import chosen_network

    if of_mininet:
        return _mininet(chosen_network(name))
    return Shell(chosen_network(name)).run(_lines(sys.stdin.isatty()))


def _mininet(network: Network) -> int:
    """Open Mininet's own command line; UsageError if the network has another engine."""
    from emulator.access import Capability
    from emulator.errors import UsageError

    if not network.access.supports(Capability.CONSOLE):
        raise UsageError(f"`{network.name}` runs on the engine {network.engine}, which isn't Mininet")
    network.access.open_console()
    return 0


class Shell:
    """Runs command lines on a network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._names = network.topology.names
        self._own: dict[str, Callable[[list[str]], int]] = {
            "nodes": self._nodes,
            "links": self._links,
            "net": self._links,
            "pingall": self._pingall,
            "link": self._link,
            "help": self._help,
        }
        if sys.stdin.isatty():
            self._prepare_terminal()

    def run(self, lines: Iterator[str]) -> int:
        """Run all lines and return the last command's exit code."""
        code = 0
        for line in lines:
            try:
                if "\0" in line:
                    raise ValueError("a command can't contain a null byte")  # noqa: TRY301
                words = shlex.split(line, comments=True)
            except ValueError as error:
                say(f"can't parse the line: {error}")
                code = 2
                continue
            if words and words[0] in {"exit", "quit"}:
                break
            if words:
                code = self._run(words)
            if code == _STOPPED and not sys.stdin.isatty():
                break  # Ctrl-C ends a script; at a prompt it ends one command
        return code

    def _run(self, words: list[str]) -> int:
        from topologies.errors import EmulationError

        node = self._names.find(words[0])
        try:
            if node is not None:
                argv = [self._addressed(word) for word in words[1:]] or ["/bin/sh"]
                sys.stdout.flush()  # what was printed before comes before what the command prints
                return self._network.access.interact(node, argv)
            if words[0] in self._own:
                return self._own[words[0]](words[1:])
        except (EmulationError, OSError) as error:
            say(str(error))
            return int(getattr(error, "exit_code", 127))
        except KeyboardInterrupt:
            say("")
            return _STOPPED
        say(f"`{words[0]}` is neither a node nor a command; `help` lists them")
        return 2

    def _addressed(self, word: str) -> str:
        """Return the address of the node called `word`, or the word itself."""
        node = self._names.find(word)
        if node is None:
            return word
        return next(iter(self._network.addresses(node)), word)

    def _nodes(self, words: list[str]) -> int:
        del words
        for node, name in enumerate(self._names):
            print(name, *self._network.addresses(node))
        return 0

    def _links(self, words: list[str]) -> int:
        del words
        states = self._network.link_changes
        for link, (a, b) in enumerate(self._network.topology.ends.tolist()):
            down = link in states and not states[link].up
            print(f"{self._names[a]} -- {self._names[b]}" + (" (down)" if down else ""))
        return 0

    def _pingall(self, words: list[str]) -> int:
        from emulator.checks.reachability import check_reachability
        from emulator.errors import UsageError

        if words and not (words[0].isdecimal() and int(words[0])):
            raise UsageError(f"`{words[0]}` is not a number of pairs (1 or more)")
        result = check_reachability(self._network, int(words[0]) if words else None)
        for entry in result.unexpected:
            print(f"{entry['from']} -> {entry['to']}: expected {entry['expected']}, found {entry['found']}")
        for trip in result.wrong_trips:
            print(trip.words)
        print(
            f"{counted(result.pairs, 'pair')}, {result.reachable} reachable, "
            f"{len(result.unexpected)} unexpected"
        )
        return 0 if result.is_right else 1

    def _link(self, words: list[str]) -> int:
        from emulator.cli.link import change

        return change(self._network, words)

    def _help(self, words: list[str]) -> int:
        del words
        print(_HELP)
        return 0

    def _prepare_terminal(self) -> None:
        """Enable history and completion of node names, if Python has readline."""
        with suppress(ImportError):
            import readline

            def complete(text: str, state: int) -> str | None:
                words = [*self._own, *(self._names if len(self._names) < 50_000 else ())]
                found = [word for word in words if word.startswith(text)]
                return found[state] + " " if state < len(found) else None

            readline.set_completer(complete)
            readline.parse_and_bind("tab: complete")


def _lines(terminal: bool) -> Iterator[str]:
    """Yield the lines to run; on a terminal, prompt for them."""
    if not terminal:
        yield from sys.stdin
        return
    while True:
        try:
            yield input("emulator> ")
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()
