"""`emulator examples`: list the example files that come with the emulator, and copy them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulator.cli.complete import items
from emulator.cli.options import json_option
from emulator.cli.output import print_json
from emulator.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_PACKAGES = {"topology": "topologies", "scenario": "stress"}
"""Kind of example -> the package that has a folder `examples` with them. None is imported for it."""

_EPILOG = """\b
Examples:
  emulator examples
  emulator examples fat-tree
  emulator examples fat-tree --print | emulator up -
  emulator examples --all -o examples"""


@dataclass(frozen=True)
class Example:
    """An example file: its name without suffix, its kind, and the sentence at its head."""

    name: str
    kind: str
    path: Path

    @property
    def about(self) -> str:
        """The first sentence of the comment at its head."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        head = takewhile(lambda line: line.startswith("#"), lines)
        return re.split(r"(?<=\.)\s", " ".join(line.lstrip("# ") for line in head), maxsplit=1)[0]

    def files(self) -> list[Path]:
        """Return the file and all files beside it that its values name, relative to its folder."""
        folder = self.path.parent
        words = self.path.read_text(encoding="utf-8").replace(",", " ").split()
        names = {word.strip("{}[]\"'`.").rpartition("examples/")[2] for word in words}
        beside = (folder / name for name in sorted(names) if not name.startswith("/"))
        return [self.path, *(path for path in beside if path.is_file() and path.suffix != ".yaml")]


def _complete_examples(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    """Return the names of the examples."""
    del ctx, param
    return items((example.name for example in shipped_examples()), start)


@click.command("examples", epilog=_EPILOG)
@click.argument("name", required=False, shell_complete=_complete_examples)
@click.option("--all", "every", is_flag=True, help="Copy all examples.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="FOLDER",
    help="Copy into this folder instead of the current one.",
)  # fmt: skip
@click.option("--print", "printed", is_flag=True, help="Print the file instead of copying it.")
@json_option()
def command(name: str | None, *, every: bool, output: Path, printed: bool, as_json: bool) -> int:
    """List the example files; with NAME, copy that one, and the files that it uses, into this folder."""
    known = list(shipped_examples())
    if name is not None and every:
        raise UsageError("give NAME or --all, not both")
    if name is None and not every:
        if printed:
            raise UsageError("--print needs the NAME of an example")
        _list(known, as_json=as_json)
        return 0
    chosen = known if name is None else [_named(known, name)]
    if printed:
        if every or as_json:
            raise UsageError("--print prints one file as it is; use it without --all and --json")
        print(chosen[0].path.read_text(encoding="utf-8"), end="")
        return 0
    files = _copied(chosen, output)
    if as_json:
        print_json({"files": [str(file) for file in files]})
    else:
        for file in files:
            print(file)
    return 0


def shipped_examples() -> Iterator[Example]:
    """Yield the shipped examples, topologies first."""
    for kind, package in _PACKAGES.items():
        spec = find_spec(package)
        for place in (spec and spec.submodule_search_locations) or ():
            for path in sorted(Path(place, "examples").glob("*.yaml")):
                yield Example(path.stem, kind, path)


def _named(known: list[Example], name: str) -> Example:
    found = [example for example in known if example.name == name.removesuffix(".yaml")]
    if not found:
        from topologies.suggestions import nearest

        hint = nearest(name, (example.name for example in known))
        raise UsageError(f"there is no example `{name}`; {hint}")
    return found[0]


def _list(known: list[Example], *, as_json: bool) -> None:
    if as_json:
        rows: list[dict[str, Any]] = [
            {"example": one.name, "kind": one.kind, "about": one.about, "path": str(one.path)}
            for one in known
        ]
        print_json({"examples": rows})
        return
    width = max(len(one.name) for one in known)
    for kind, verb in (("topology", "up"), ("scenario", "stress")):
        print(f"{kind}: `emulator examples NAME` copies one; `emulator {verb} NAME.yaml` uses it")
        for one in known:
            if one.kind == kind:
                print(f"  {one.name:{width}}  {one.about}")


def _copied(chosen: list[Example], folder: Path) -> list[Path]:
    """Copy the examples with their files; return the copies. UsageError, before any, if one exists."""
    wanted = {
        folder / path.relative_to(example.path.parent): path for example in chosen for path in example.files()
    }
    there = [
        copy for copy, path in wanted.items() if copy.exists() and copy.read_bytes() != path.read_bytes()
    ]
    if there:
        raise UsageError(f"{there[0]} exists already; give another folder: -o FOLDER")
    try:
        for copy, path in wanted.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"can't write {error.filename}: {error.strerror}; give another folder: -o FOLDER"
        ) from error
    return list(wanted)
