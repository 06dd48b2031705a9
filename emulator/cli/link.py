"""`emulator link`: cut, restore and shape a running link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import click

from emulator.cli.link_list import UNITS, all_links, described, link_line, shape_text
from emulator.cli.output import print_json, say
from emulator.errors import UsageError
from emulator.network import LinkState, Network
from topologies.counting import some_names
from topologies.profiles import Shape

_MOST_QUEUE = 1_000_000

_EPILOG = """\b
Examples:
  emulator link
  emulator link s1 s2 down
  emulator link s1 s2 set --bandwidth 10Mbit --delay 5ms --direction forward
  emulator link s1 s2 set --loss none
  emulator link s1 s2 set --reset
  emulator link s1 s2 show --json"""


@click.command("link", epilog=_EPILOG)
@click.option("--net", help="The network, if several are up.")
@click.argument("a", metavar="A", required=False)
@click.argument("b", metavar="B", required=False)
@click.argument("action", type=click.Choice(["up", "down", "set", "show"]), required=False)
@click.option(
    "--index", type=int, help="Number of the link if several are parallel, from 0 in the file's order."
)
@click.option("--bandwidth", metavar="RATE", help="Rate limit, e.g. 10Mbit.")
@click.option("--delay", metavar="TIME", help="One-way delay, e.g. 5ms.")
@click.option("--jitter", metavar="TIME", help="Variation of the delay.")
@click.option("--loss", metavar="SHARE", help="Share of packets lost, e.g. 2%.")
@click.option("--duplicate", metavar="SHARE", help="Share of packets sent twice.")
@click.option("--reorder", metavar="SHARE", help="Share of packets that overtake others.")
@click.option("--corrupt", metavar="SHARE", help="Share of packets with a flipped bit.")
@click.option("--queue", metavar="PACKETS", help="Number of full-size packets that may wait.")
@click.option(
    "--direction", type=click.Choice(["forward", "backward", "both"]), default="both", show_default=True,
    help="`forward` is from A to B as written here.",
)  # fmt: skip
@click.option("--reset", is_flag=True, help="First restore the values of the file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def command(net: str | None, **options: Any) -> int:
    """Cut, restore, shape or show the link between nodes A and B; without them, list all links.

    `set` changes the values that you give and keeps the others; `none` removes a value.
    """
    from emulator.cli.networks import chosen_network

    _check(options)
    if options["a"] is None:
        return _list(chosen_network(net), as_json=options["as_json"])
    return _act(chosen_network(net, change=options["action"] != "show"), options)


def change(network: Network, words: Sequence[str]) -> int:
    """Execute the command line `A B ACTION …` on `network`; for the shell."""
    options = dict(command.make_context("link", list(words)).params)
    del options["net"]
    _check(options)
    if options["a"] is None:
        return _list(network, as_json=options["as_json"])
    return _act(network, options)


def _list(network: Network, *, as_json: bool) -> int:
    """Print all links and their state, and mark changed ones."""
    links = list(all_links(network))
    if as_json:
        print_json({"network": network.name, "links": links})
        return 0
    for said in links:
        print(link_line(said) + ("" if said["as_file"] else " (changed)"))
    return 0


def _check(options: Mapping[str, Any]) -> None:
    """Raise UsageError if the options don't fit together."""
    if options["a"] is not None and options["action"] is None:
        raise UsageError("give A, B and an action, for example `emulator link h1 s1 down`")
    shaping = [key for key in (f.name for f in fields(Shape)) if options[key] is not None]
    if options["action"] != "set" and (shaping or options["reset"]):
        word = shaping[0] if shaping else "reset"
        raise UsageError(f"--{word} needs the action `set`, not `{options['action'] or 'none'}`")
    if options["action"] == "set" and not shaping and not options["reset"]:
        raise UsageError("give a value to set, for example `--bandwidth 10Mbit`, or `--reset`")


def _act(network: Network, options: Mapping[str, Any]) -> int:
    link, swapped = find_link(network, options["a"], options["b"], options["index"])
    before = network.link_changes.get(link, LinkState())
    after = _wanted(network, link, before, options, swapped=swapped)
    changed = after != before
    if options["action"] != "show":  # also where nothing changes: what the link needs may have ended
        network.set_link(link, after)
    said = described(network, link, after, swapped=swapped) | {"changed": changed}
    if options["as_json"]:
        print_json(said)
    words = "" if changed or options["action"] == "show" else " (nothing to change)"
    say(f"{said['a']} -- {said['b']}: {'up' if after.up else 'down'}{words}")
    for way, arrow in (("forward", "->"), ("backward", "<-")):
        say(f"  {said['a']} {arrow} {said['b']}: {shape_text(said[way])}")
    return 0


def find_link(network: Network, a: str, b: str, index: int | None) -> tuple[int, bool]:
    """Return the link between nodes `a` and `b`, and whether the file names them in reverse."""
    from emulator.cli.networks import matching_nodes

    first, second = (matching_nodes(network, name) for name in (a, b))
    if len(first) > 1 or len(second) > 1:
        raise UsageError(f"`{a if len(first) > 1 else b}` matches several nodes; name one")
    topology, node, other = network.topology, first[0], second[0]
    found = [
        (link, bool(end)) for link, end, _ in topology.incident(node) if topology.ends[link, 1 - end] == other
    ]
    if not found:
        around = sorted({int(topology.ends[link, 1 - end]) for link, end, _ in topology.incident(node)})
        names = some_names([topology.names[at] for at in around])
        raise UsageError(f"no link joins {a} and {b}; {a} is linked to {names or 'nothing'}")
    found.sort()
    if index is None and len(found) > 1:
        raise UsageError(f"{len(found)} links join {a} and {b}; choose one: --index 0 to {len(found) - 1}")
    if not 0 <= (index or 0) < len(found):
        raise UsageError(f"--index {index}: {a} and {b} have links 0 to {len(found) - 1}")
    return found[index or 0]


def _wanted(
    network: Network, link: int, before: LinkState, options: Mapping[str, Any], *, swapped: bool
) -> LinkState:
    """Return the state that the options ask for; a direction equal to the file is None."""
    action = options["action"]
    if action in ("up", "down"):
        return replace(before, up=action == "up")
    if action == "show":
        return before
    given: dict[str, Any] = {
        f.name: _value(f.name, options[f.name]) for f in fields(Shape) if options[f.name] is not None
    }
    ends = {"forward": (0,), "backward": (1,), "both": (0, 1)}[options["direction"]]
    shapes = [before.forward, before.backward]
    for end in (1 - e if swapped else e for e in ends):
        of_file, live = network.topology.shape(link, end), shapes[end]
        base = of_file if options["reset"] or live is None else live
        shape = replace(base, **given)
        for key in ("jitter", "reorder"):
            if getattr(shape, key) and not shape.delay:
                raise UsageError(f"{key} acts on delayed packets only; give --delay too")
        shapes[end] = None if shape == of_file else shape
    return LinkState(before.up, shapes[0], shapes[1])


def _value(key: str, text: str) -> float | int | None:
    if text.lower() == "none":
        return None
    if key == "queue":
        if text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_QUEUE:
            return int(text)
        raise UsageError(f"--queue: `{text}` is not a number of packets from 1 to {_MOST_QUEUE:,}, or `none`")
    try:
        return UNITS[key].parse(text)
    except ValueError as error:
        raise UsageError(f"--{key}: {error}, or `none`") from None
