"""`emulator link`: cut, restore and shape a running link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from emulator.cli.complete import complete_nodes, complete_peers, items
from emulator.cli.link_list import all_links, described, link_line, shape_text
from emulator.cli.options import json_option, net_option
from emulator.cli.output import print_json, say
from emulator.errors import UsageError
from emulator.interface.finding import find_link
from emulator.interface.link_settings import DIRECTIONS, KEYS, ends_of, with_settings
from emulator.network import LinkState, Network

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_EPILOG = """\b
Examples:
  emulator link list
  emulator link s1 s2 down
  emulator link s1 s2 set --bandwidth 10Mbit --delay 5ms --direction forward
  emulator link s1 s2 set --loss none
  emulator link s1 s2 set --reset
  emulator link s1 s2 show --json"""


_ACTIONS = ("up", "down", "set", "show")


class _Action(click.Choice[str]):
    """What to do with a link; the nodes come before it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return `value`; where it is a node after an action, the error has the order that was meant."""
        first = ctx.params.get("a") if ctx is not None else None
        if value not in _ACTIONS and first in _ACTIONS and ctx is not None:
            raise UsageError(f"the nodes come first: `emulator link {ctx.params['b']} {value} {first}`")
        return super().convert(value, param, ctx)


def _complete_first(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    """Return nodes, and the word that lists all links."""
    return [*complete_nodes(ctx, param, start), *items(["list"], start)]


@click.command("link", epilog=_EPILOG)
@net_option()
@click.argument("a", metavar="A", required=False, shell_complete=_complete_first)
@click.argument("b", metavar="B", required=False, shell_complete=complete_peers)
@click.argument("action", type=_Action(_ACTIONS), required=False)
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
    "--direction", type=click.Choice(list(DIRECTIONS)), default="both", show_default=True,
    help="`forward` is from A to B as written here.",
)  # fmt: skip
@click.option("--reset", is_flag=True, help="First restore the values of the file.")
@json_option()
def command(net: str | None, **options: Any) -> int:
    """Cut, restore, shape or show the link between nodes A and B; `list`, or no nodes: list all links.

    `set` changes the values that you give and keeps the others; `none` removes a value. Without an action,
    the link is shown.
    """
    from emulator.cli.networks import chosen_network

    _check(options)
    if _lists(options):
        return _list(chosen_network(net), as_json=options["as_json"])
    options["action"] = options["action"] or "show"
    return _act(chosen_network(net, change=options["action"] != "show"), options)


def change(network: Network, words: Sequence[str]) -> int:
    """Execute the command line `A B ACTION …` on `network`; for the shell."""
    options = dict(command.make_context("link", list(words)).params)
    del options["net"]
    _check(options)
    if _lists(options):
        return _list(network, as_json=options["as_json"])
    options["action"] = options["action"] or "show"
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


def _lists(options: Mapping[str, Any]) -> bool:
    """Return whether all links are to be listed: `link`, or `link list`."""
    return options["a"] is None or (options["a"] == "list" and options["b"] is None)


def _check(options: Mapping[str, Any]) -> None:
    """Raise UsageError if the options don't fit together."""
    if not _lists(options) and options["b"] is None:
        raise UsageError("give A, B and an action, for example `emulator link h1 s1 down`")
    shaping = [key for key in KEYS if options[key] is not None]
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
    tell = say if options["as_json"] else print
    tell(f"{said['a']} -- {said['b']}: {'up' if after.up else 'down'}{words}")
    cut_or_restored = options["action"] in ("up", "down")
    for way, arrow in (("forward", "->"), ("backward", "<-")):
        if cut_or_restored and not said[way]:
            continue  # its shape isn't what was asked for
        tell(f"  {said['a']} {arrow} {said['b']}: {shape_text(said[way])}")
    return 0


def _wanted(
    network: Network, link: int, before: LinkState, options: Mapping[str, Any], *, swapped: bool
) -> LinkState:
    """Return the state that the options ask for."""
    action = options["action"]
    if action in ("up", "down"):
        return replace(before, up=action == "up")
    if action == "show":
        return before
    given = {key: options[key] for key in KEYS if options[key] is not None}
    ends = ends_of(options["direction"], swapped=swapped)
    return with_settings(network.topology, link, before, given, ends, reset=options["reset"], sign="--")
