"""A node of a running network, for scripts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from emulator.commands import TIMED_OUT, CommandResult
from emulator.errors import UsageError
from emulator.interface.element import Element
from emulator.interface.finding import found_node
from emulator.interface.values import text_of, timeout_of
from emulator.network import Network as RunningNetwork
from topologies.errors import shortened
from topologies.outside_nodes import kind_word

Command = str | Sequence[str]
"""A line for the node's shell (`sh -c`), or a program with its arguments, which no shell sees."""

_EXEC = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from emulator.cli.main import run; sys.exit(run(sys.argv[1:]))"
)
"""`emulator exec`, from where this module was imported. PYTHONPATH would reach the command, too."""


@dataclass(frozen=True)
class Result:
    """Result of a command in a node. `code` is negative if a signal ended it, 124 after a timeout."""

    node: str
    code: int
    output: str
    errors: str

    @property
    def ok(self) -> bool:
        """True when the exit code is 0."""
        return self.code == 0

    @property
    def timed_out(self) -> bool:
        """True when the command was killed at its timeout, or exited with 124 by itself."""
        return self.code == TIMED_OUT


@dataclass(frozen=True)
class Interface:
    """An interface of a node: name, MAC, addresses with prefix lengths, and the node at the other end."""

    name: str
    mac: str
    addresses: tuple[str, ...]
    peer: str
    up: bool


class Node(Element):
    """A node of a running network: `network["h1"]`."""

    def _find_again(self, network: RunningNetwork) -> None:
        self.index = found_node(network, self.name)

    def __repr__(self) -> str:
        return f"<{kind_word(self._seen.topology, self.index)} {self.name} of {self._seen.name}>"

    @property
    def _identity(self) -> tuple[str, str]:
        """What makes two objects the same node; numbers change with the file."""
        return self._seen.name, self.name

    @cached_property
    def name(self) -> str:
        """Its name."""
        return self._seen.topology.names[self.index]

    @property
    def kind(self) -> str:
        """`host`, `switch`, `router`, `nat` or `outside`."""
        return kind_word(self._network.topology, self.index)

    @property
    def addresses(self) -> list[str]:
        """Its addresses, without prefix lengths."""
        return list(self._network.addresses(self.index))

    @property
    def address(self) -> str:
        """Its first address; UsageError if it has none."""
        addresses = self._network.addresses(self.index)
        if not addresses:
            raise UsageError(f"{self.name} has no address; ask a host or router")
        return addresses[0]

    @property
    def interfaces(self) -> list[Interface]:
        """Its interfaces in the order of ports, 64 at most."""
        return [
            Interface(one["interface"], one["mac"], tuple(one["addresses"]), one["peer"], one["up"])
            for one in self.describe()["links"]
            if one["interface"]
        ]

    def describe(self) -> Mapping[str, Any]:
        """Return the facts that `emulator status NAME NODE --json` prints."""
        return self._network.describe(self.index)

    def run(self, command: Command, timeout: float | None = None) -> Result:
        """Run a command in the node and return its result; names of nodes are addresses there.

        After `timeout` seconds it is killed.
        """
        (result,) = self._network.access.execute([self.index], words_of(command), timeout_of(timeout))
        return readable(result)

    def popen(self, command: Command, **options: Any) -> subprocess.Popen[Any]:
        """Start a command in the node and return at once; the options are those of `subprocess.Popen`.

        The process is `emulator exec`, which passes SIGINT, SIGTERM and SIGHUP on to the command, and has its
        exit code. Of a process that is killed (`kill()`) the command remains, until `down`.
        """
        place = str(Path(__file__).parents[2])
        network = ("--net", self._network.name)
        words = [
            sys.executable,
            "-P",
            "-c",
            _EXEC,
            place,
            "exec",
            *network,
            self.name,
            "--",
            *words_of(command),
        ]
        return subprocess.Popen(words, **options)  # noqa: S603 -- the words reach no shell but the node's own


def words_of(command: Command) -> list[str]:
    """Return the program and arguments of a command."""
    if isinstance(command, str):
        words = ["sh", "-c", command] if command.strip() else []
    elif isinstance(command, list | tuple):
        words = [str(word) if isinstance(word, Path | int | float) else word for word in command]
    else:
        raise UsageError(f"a command is a text or a list of words, not `{shortened(repr(command))}`")
    if not words or not words[0]:
        raise UsageError("the command is empty; give a program")
    return [text_of(word, "a word of the command") for word in words]


def readable(result: CommandResult) -> Result:
    """Return a result with its output as text; bytes that aren't UTF-8 become U+FFFD."""
    output, errors = (data.decode(errors="replace") for data in (result.output, result.errors))
    return Result(result.node, result.code, output, errors)
