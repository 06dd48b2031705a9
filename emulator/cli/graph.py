"""`emulator graph`: draw a file's network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import click

from emulator.cli.files import write
from emulator.cli.network_file import NetworkFile, network_file
from emulator.cli.options import json_option
from emulator.cli.output import print_json, say
from emulator.cli.printed_picture import PRINTED, converter
from emulator.errors import UsageError
from topologies.topology import Topology

_SUFFIXES = (".svg", ".html", *PRINTED, ".dot", ".json")
_WITH_RATES = (".svg", *PRINTED)


@click.command(
    "graph",
    epilog="\b\nExamples:\n  emulator graph dc.yaml -o dc.svg     for a document\n"
    "  emulator graph dc.yaml -o dc.html    to look around in, offline\n"
    "  emulator graph dc.yaml -o dc.pdf --rates",
)
@network_file()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="OUT.svg",
    help=f"Output file; its suffix selects the format: {', '.join(_SUFFIXES)}.",
)  # fmt: skip
@click.option("--rates", is_flag=True, help=f"Write the rates of links on them ({', '.join(_WITH_RATES)}).")
@json_option()
def command(given: NetworkFile, output: Path, *, rates: bool, as_json: bool) -> int:
    """Draw the network of FILE; large networks are drawn by group."""
    suffix = output.suffix.lower()
    if suffix not in _SUFFIXES:
        shown = f"`{suffix}` is not a picture format" if suffix else "the output has no suffix"
        raise UsageError(f"{shown}; end -o with one of {', '.join(_SUFFIXES)}")
    if rates and suffix not in _WITH_RATES:
        raise UsageError(f"--rates goes with {', '.join(_WITH_RATES)}: {suffix} has all keys of links")
    convert = converter(suffix) if suffix in PRINTED else None
    topology = given.describe().topology
    write(_drawn(topology, suffix, convert, rates=rates), output)
    say(f"wrote {output}")
    if as_json:
        print_json({"network": topology.name, "format": suffix[1:], "output": str(output)})
    return 0


def _drawn(
    topology: Topology, suffix: str, convert: Callable[[str], bytes] | None, *, rates: bool
) -> Iterable[str | bytes]:
    """Return the picture in the format of `suffix`, in pieces."""
    if suffix in {".dot", ".json"}:
        from topologies.formats.export import chunks

        return chunks(topology, suffix[1:])
    from topologies.pictures import html, svg

    if suffix == ".html":
        return [html(topology)]
    text = svg(topology, rates=rates)
    return [text if convert is None else convert(text)]
