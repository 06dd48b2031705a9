"""What describes a network on the command line: FILE, `-` for standard input, or `--topo`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from emulator.cli.complete import complete_generators
from emulator.errors import UsageError
from emulator.garbage import importing

if TYPE_CHECKING:
    from topologies.given import Description

FC = TypeVar("FC", bound=Callable[..., Any])

STANDARD_INPUT = Path("/dev/stdin")
_MOST = (64 << 20) + 1
"""Most bytes to take from standard input: one more than a file may have."""


@dataclass(frozen=True)
class NetworkFile:
    """The file that a command got, or else the words of `--topo`."""

    file: Path | None
    topo: str | None

    def describe(self) -> Description:
        """Return the network with its settings; InputError or UsageError if there is none."""
        if self.topo is not None:
            from topologies.quick_start import described_quickly

            return described_quickly(self.topo)
        with importing():
            from topologies.given import describe

        if self.file is None:
            raise UsageError("give a FILE, `-` for standard input, or --topo")
        _require_a_file(self.file)
        return describe(self.file)

    def __str__(self) -> str:
        return str(self.file) if self.topo is None else f"--topo {self.topo}"


def network_file(*, required: bool = True) -> Callable[[FC], FC]:
    """Return the decorator that adds the argument FILE and the option --topo: `given`, a NetworkFile.

    If neither is `required`, `given` may be None.
    """

    def decorated(function: FC) -> FC:
        @click.argument("file", type=TopologyFile(), required=False)
        @topo_option()
        @wraps(function)
        def wrapped(*arguments: Any, file: Path | None, topo: str | None, **options: Any) -> Any:
            given = given_network(file, topo)
            if given is None and required:
                raise UsageError("give a FILE, `-` for standard input, or --topo, as in `--topo tree,2,3`")
            return function(*arguments, given=given, **options)

        return wrapped  # type: ignore[return-value]

    return decorated


def topo_option() -> Callable[[FC], FC]:
    """Return the option --topo."""
    return click.option(
        "--topo", metavar="NAME[,VALUE]", shell_complete=complete_generators,
        help="Take this network instead of a file's: tree,2,3 or tree,depth=2,fanout=3.",
    )  # fmt: skip


def given_network(file: Path | None, topo: str | None) -> NetworkFile | None:
    """Return what FILE or --topo describe; None without either, UsageError with both."""
    if file is not None and topo is not None:
        raise UsageError(f"`{file}` and --topo both describe a network; give one of them")
    return None if file is None and topo is None else NetworkFile(file, topo)


class TopologyFile(click.Path):
    """The path of a topology file; `-` is standard input, which is read here."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:  # click's own signature
        """Return the path."""
        if value == "-":
            _keep_standard_input()
            return STANDARD_INPUT
        if value == "":  # an unset variable of a script; to Path it is the current directory
            raise UsageError("FILE is empty text; give the path of a topology file")
        return super().convert(value, param, ctx)


def _keep_standard_input() -> None:
    """Replace a pipe by what it says, so that it can be read again: by root, after sudo, too."""
    if os.isatty(sys.stdin.fileno()):
        raise UsageError("standard input is a terminal; pipe a topology file into it, or give a FILE")
    held = os.memfd_create("standard-input")
    try:
        left = _MOST
        while left and (piece := os.read(0, min(left, 1 << 20))):
            left -= len(piece)
            os.write(held, piece)
        os.lseek(held, 0, os.SEEK_SET)
        os.dup2(held, 0)
    finally:
        os.close(held)


def _require_a_file(file: Path) -> None:
    """Raise UsageError for `tree,2,3`, or the name of an example, in the place of a file."""
    if file.exists():
        return
    from emulator.cli.examples import shipped_examples
    from topologies.families import GENERATORS

    words = str(file)
    if words.partition(",")[0] in {*GENERATORS, "minimal", "reversed"}:
        raise UsageError(f"there is no file `{words}`; for a generated network write `--topo {words}`")
    if any(one.path.name == f"{words.removesuffix('.yaml')}.yaml" for one in shipped_examples()):
        name = words.removesuffix(".yaml")
        raise UsageError(f"there is no file `{words}`; `emulator examples {name}` copies the example {name}")
