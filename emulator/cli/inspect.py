"""`emulator inspect`: the nodes of a network with interfaces, addresses, namespaces, and what runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from emulator.cli.complete import complete_network_or_node
from emulator.cli.options import json_option, name_or_net, net_option
from emulator.cli.output import answer, print_json
from emulator.cli.plan_text import aligned
from emulator.network import Network
from topologies.counting import counted

_MOST = 1000
"""Most nodes to show to people."""
_HEAD = ("NODE", "KIND", "INTERFACE", "STATE", "MAC", "ADDRESSES", "PEER")

_EPILOG = """\b
Examples:
  emulator inspect
  emulator inspect dc 'h*'
  emulator inspect dc h1 --json
  emulator inspect --net dc s1"""


@click.command("inspect", epilog=_EPILOG)
@click.argument("words", metavar="[NAME] [NODE]...", nargs=-1, shell_complete=complete_network_or_node)
@net_option()
@json_option()
def command(words: tuple[str, ...], net: str | None, *, as_json: bool) -> int:
    """Show the nodes of a network: interfaces, MACs, addresses, peers, namespaces, and what runs in them.

    Without NODE (a name or a pattern) all full nodes; light ports are shown if a NODE matches them.
    """
    from emulator.cli.networks import chosen_network
    from emulator.interface.finding import matching_nodes

    name, patterns = _named(words, net)
    network = chosen_network(name_or_net(name, net))
    if patterns:
        nodes = [node for pattern in patterns for node in matching_nodes(network, pattern)]
    else:
        nodes = list(range(network.topology.full.node_count))
    running = _running(network)
    shown = list(dict.fromkeys(nodes))
    facts = [_facts(network, node, running) for node in (shown if as_json else shown[:_MOST])]
    light = int(network.topology.light.sum())
    beside = [one for one in running or () if one["node"] is None] if not patterns else []
    if as_json:
        print_json(
            {"network": network.name, "engine": network.engine, "nodes": facts, "beside": beside,
             "light_port_count": light}
        )  # fmt: skip
        return 0
    for line in _lines(facts):
        answer(line)
    if len(shown) > _MOST:
        answer(f"… and {counted(len(shown) - _MOST, 'node')} more (--json has all)")
    if light and not patterns:
        answer(f"{counted(light, 'light port')} not shown; name some: `emulator inspect {network.name} NODE`")
    for one in beside:
        answer(f"beside the nodes: {one['pid']} {one['command']}")
    return 0


def _named(words: Sequence[str], net: str | None) -> tuple[str | None, Sequence[str]]:
    """Return the network's name and the nodes: the first word is a network if one is up with that name."""
    from emulator.state import names

    if words and net is None and words[0] in names():
        return words[0], words[1:]
    return None, words


def _running(network: Network) -> list[dict[str, Any]] | None:
    """Return what runs in the nodes; None where the engine can't tell."""
    from emulator.access import Capability
    from emulator.linux.processes.listing import LIST_PROCESSES

    if not network.access.supports(Capability.TASKS):
        return None
    task = network.access.start(LIST_PROCESSES)
    try:
        found: list[dict[str, Any]] = task.ask()
    finally:
        task.stop()
    return found


def _facts(network: Network, node: int, running: list[dict[str, Any]] | None) -> dict[str, Any]:
    facts = dict(network.describe(node))
    if running is not None:
        mine = (one for one in running if one["node"] == facts["name"])
        facts["processes"] = [{"pid": one["pid"], "command": one["command"]} for one in mine]
    return facts


def _lines(nodes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a table of the interfaces, then what runs, and how to enter a namespace."""
    rows = [list(_HEAD)]
    for node in nodes:
        rows += _rows(node)
    yield from aligned(rows, left=len(_HEAD))
    for node in nodes:
        for one in node.get("processes", ()):
            yield f"runs in {node['name']}: {one['pid']} {one['command']}"
    ways = [node["nsenter"] for node in nodes if "nsenter" in node]
    if ways:
        yield f"enter {nodes[0]['name']} by hand: {' '.join(ways[0])} COMMAND"


def _rows(node: Mapping[str, Any]) -> Iterator[list[str]]:
    first = [node["name"], node["kind"]]
    on_links = {address for link in node["links"] for address in link["addresses"]}
    own = [address for address in node["addresses"] if address not in on_links]
    if own or not node["links"]:
        yield [
            *first,
            node["name"] if own else "-",
            "",
            node.get("mac", ""),
            " ".join(own),
            node.get("host", ""),
        ]
        first = ["", ""]
    shown = [link for link in node["links"] if link["interface"]]
    for link in shown:
        state = "up" if link["up"] else "down"
        yield [*first, link["interface"], state, link["mac"], " ".join(link["addresses"]), link["peer"]]
        first = ["", ""]
    for way in node.get("machine", ()):
        there = way["machine_interface"]
        peer = "the machine's" if there == way["interface"] else f"the machine ({there})"
        yield [*first, way["interface"], "", "", " ".join(way["addresses"]), peer]
        first = ["", ""]
    rest = node["link_count"] - len(shown)
    if rest:  # a compute host has no interfaces for its light ports, which are its last links
        carries = len(shown) < len(node["links"])
        yield ["", "", counted(rest, "light port") if carries else f"… {rest:,} more", "", "", "", ""]
