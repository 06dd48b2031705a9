"""Run lines: those of nodes in shells that stay there, all others by the commands of `emulator shell`."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from emulator.access import LineShell
from emulator.cli.failures import with_suggestion
from emulator.cli.output import output_is_closed, say
from emulator.cli.shell.lines import first_word, with_addresses
from emulator.cli.shell.listings import LISTINGS
from emulator.cli.shell.measures import MEASURES
from emulator.cli.shell.switches import SWITCHES
from emulator.errors import UsageError
from emulator.interface.current import Current
from emulator.interface.network import Network as Handle
from emulator.linux.processes.interrupts import stoppable
from emulator.linux.processes.node_shell import interactive_shell
from emulator.network import Network
from topologies.errors import EmulationError

HELP = """\
NODE LINE          a line for the node's shell: pipes, >, &, cd, variables; node names become addresses
NODE               open a shell in a node
nodes, net, links, ports, intfs, dump      what there is
pingall [N], pingpair                      who reaches whom (of N pairs); the first two hosts
iperf [A B], iperfudp [RATE [A B]]         measure TCP or UDP from A to B (iperf3)
link A B up|down|set …                     change a link
switch S start|stop                        bring all links of a switch up or down
dpctl COMMAND …                            ovs-ofctl COMMAND on every switch of Open vSwitch
py EXPRESSION                              Python: `net` is the network, nodes go by their names
sh COMMAND, time LINE, source FILE, xterm NODE …
help, exit"""

_STOPPED = 130
"""Exit code after Ctrl-C."""

_WITHOUT_NETWORK = frozenset({"sh", "time", "source", "help", "?"})
"""Commands that need no network themselves: they work after it has gone."""

_DEEPEST = 20
"""Most files that `source` each other."""

Command = Callable[[str], int]


class Interpreter:
    """Runs lines on a network."""

    def __init__(self, network: Network, *, terminal: bool) -> None:
        self._current = Current(network)
        self._adopt(network)
        self._terminal = terminal
        self._shells: dict[str, LineShell] = {}
        self._depth = 0
        self._variables: dict[str, Any] = {}
        of_others = {
            name: (lambda rest, run=run: run(self.handle, self.network, rest))
            for name, run in {**LISTINGS, **MEASURES, **SWITCHES}.items()
        }
        self.commands: Mapping[str, Command] = {
            **of_others, "link": self._link, "sh": self._sh, "py": self._py, "px": self._py,
            "time": self._time, "source": self._source, "xterm": self._xterm, "x": self._xterm,
            "gterm": self._xterm,
            "help": self._help, "?": self._help, "noecho": self._noecho,
        }  # fmt: skip

    def _adopt(self, network: Network) -> None:
        self.network = network
        self.names = network.topology.names
        self.handle = Handle(network)

    def run(self, lines: Iterator[str]) -> int:
        """Run all lines and return the last one's exit code, or that of `exit CODE`."""
        code = 0
        for line in lines:
            word, rest = first_word(line)
            if word in {"exit", "quit", "EOF"} and (not rest or rest.isdecimal()):
                return int(rest) % 256 if rest else code
            if word:
                code = self.line(line)
            if code == _STOPPED and not self._terminal:
                break  # Ctrl-C ends a script; at a prompt it ends one line
        return code

    def line(self, line: str) -> int:
        """Run one line and return its exit code; errors are printed."""
        word, rest = first_word(line)
        sys.stdout.flush()  # what was printed before comes before what the line prints
        try:
            if "\0" in line:
                raise UsageError("a line can't contain a null byte")
            if word not in _WITHOUT_NETWORK and self._current.follow():
                self._adopt(self._current.network)
            node = self.names.find(word)
            if node is not None:
                return self._in_node(node, rest)
            if word in self.commands:
                return self.commands[word](rest)
        except click.exceptions.Exit as done:  # after --help
            return done.exit_code
        except click.ClickException as error:
            say(with_suggestion(error).format_message())
            return error.exit_code
        except (EmulationError, OSError) as error:
            if isinstance(error, BrokenPipeError) and output_is_closed():
                raise  # nobody reads the answers: the lines end
            say(str(error))
            return int(getattr(error, "exit_code", 127))
        except KeyboardInterrupt:
            say("")
            return _STOPPED
        say(f"`{word}` is neither a node nor a command; `help` lists them")
        return 2

    def close(self) -> None:
        """End the nodes' shells."""
        for shell in self._shells.values():
            shell.close()

    def _in_node(self, node: int, rest: str) -> int:
        access = self.network.access
        if not rest:
            import os

            return access.interact(node, interactive_shell(self.names[node], os.environ))
        name = self.names[node]
        if name not in self._shells or not self._shells[name].lasts():
            self._shells[name] = access.line_shell(node)
        with stoppable():
            return self._shells[name].run(with_addresses(rest, self._address))

    def _address(self, word: str) -> str:
        """Return the address of the node called `word`, or the word itself."""
        node = self.names.find(word)
        return word if node is None else next(iter(self.network.addresses(node)), word)

    def _link(self, rest: str) -> int:
        from emulator.cli.link import change

        return change(self.network, rest.split())

    def _sh(self, rest: str) -> int:
        """Run a line on the machine."""
        return subprocess.run(["sh", "-c", rest], check=False).returncode  # noqa: S603, S607 -- the user's own line

    def _noecho(self, rest: str) -> int:
        """Run a line, as all lines are run here."""
        return self.line(rest) if rest else 0

    def _time(self, rest: str) -> int:
        begin = time.monotonic()
        code = self.line(rest) if rest else 0
        print(f"*** Elapsed time: {time.monotonic() - begin:.6f} secs", flush=True)
        return code

    def _source(self, rest: str) -> int:
        if self._depth >= _DEEPEST:
            raise UsageError(f"{rest}: more than {_DEEPEST} files source each other")
        try:
            lines = Path(rest).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"source {rest}: {getattr(error, 'strerror', None) or 'is not UTF-8 text'}"
            ) from error
        self._depth += 1
        try:
            return self.run(iter(lines))
        finally:
            self._depth -= 1

    def _py(self, rest: str) -> int:
        from emulator.cli.shell.python_line import run_python

        return run_python(rest, self.handle, self._variables)

    def _xterm(self, rest: str) -> int:
        from emulator.cli.shell.terminals import open_terminals

        return open_terminals(self.handle, rest)

    def _help(self, rest: str) -> int:
        del rest
        print(HELP)
        return 0
