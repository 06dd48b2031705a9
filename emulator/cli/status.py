"""`emulator status`: list networks, and compare one with its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from emulator.cli.complete import complete_networks, complete_nodes
from emulator.cli.elevate import ensure_root_for
from emulator.cli.link_list import change_counts, changed_links, link_line
from emulator.cli.options import json_option, name_or_net, net_option
from emulator.cli.output import answer, counts, fidelity, is_computed, print_json
from emulator.deviation import Deviation
from emulator.errors import EmulationError
from emulator.network import Network
from topologies.counting import counted, some_names

_NODES_SHOWN = 12
_MOST_SHOWN = 20


@click.command(
    "status",
    epilog="\b\nExamples:\n  emulator status\n  emulator status dc\n  emulator status dc h1",
)
@click.argument("name", required=False, shell_complete=complete_networks)
@click.argument("node", required=False, shell_complete=complete_nodes)
@net_option()
@json_option()
def command(name: str | None, node: str | None, net: str | None, *, as_json: bool) -> int:
    """List networks. With NAME, compare every node of that network with its plan. With NODE, show that node.

    The exit code is 1 if a network is BROKEN, or a light port is missing.
    """
    if net is not None and name is not None and node is None and name != net:
        name, node = None, name  # `status --net NAME NODE`
    name = name_or_net(name, net)
    if name and node:
        return _show_node(name, node, as_json=as_json)
    from emulator.engines.registry import attach
    from emulator.interface.finding import checked_name
    from emulator.state import names
    from emulator.under_stress import going_on

    wanted = ensure_root_for(checked_name(name) if name else None)
    known = names()
    networks: list[dict[str, Any]] = []
    for each in wanted:
        try:
            network = attach(each)
            health, topology = network.health(), network.topology
        except EmulationError as error:
            if each not in known:
                raise
            networks.append(_damaged(each, error))
            continue
        under_stress = going_on(each)
        problems = list(health.problems)
        deviations = _deviations_of(network, problems, under_stress=bool(under_stress)) if name else None
        whole = not problems and health.running and not deviations
        changed = changed_links(network)
        networks.append(
            {"network": each, "engine": network.engine, "running": whole,
             "nodes": topology.kind_counts(), "links": topology.link_count,
             "fidelity": topology.fidelity_counts(), "problems": problems,
             "deviations": None if deviations is None else [one.data() for one in deviations],
             "changed_links": changed,
             "details": dict(health.details), "notes": list(health.notes), "shaken": bool(under_stress)}
        )  # fmt: skip
        state = "up" if whole else "BROKEN"
        engine = network.engine + " (computed)" * is_computed(network.engine)
        answer(f"{each}: {state}, {counts(topology.kind_counts())}, {counted(topology.link_count, 'link')}, "
            f"fidelity {fidelity(topology.fidelity_counts())}, engine {engine}")  # fmt: skip
        lines = (*_details(health.details), *problems, *health.notes, *under_stress)
        for line in (*lines, *_deviating(each, deviations or ()), *_changed(changed)):
            answer(f"  {line}")
    if wanted and not name:
        answer("  only namespaces and programs were checked; `emulator status NAME` compares every node")
    if not wanted:
        answer("no network is up")
    if as_json:
        print_json({"networks": networks})
    return 0 if all(network["running"] for network in networks) else 1


def _show_node(name: str, node: str, *, as_json: bool) -> int:
    """Print the facts of one node."""
    from emulator.cli.networks import chosen_network
    from emulator.cli.node_status import node_lines
    from emulator.interface.finding import found_node

    network = chosen_network(name)
    facts = network.describe(found_node(network, node))
    for line in node_lines(facts):
        answer(line)
    if as_json:
        print_json({"network": network.name, **facts})
    return 1 if facts.get("state") == "missing" else 0


def _details(details: Mapping[str, Any]) -> list[str]:
    """Return lines about workers, and about Open vSwitch switches and their controllers, if there are any."""
    if places := details.get("placement"):
        return _workers(places)
    if workers := details.get("workers"):
        return [f"worker {name}: {_share(found)}" for name, found in workers.items()]
    if not details.get("datapath"):
        return []
    controllers = ", ".join(f"{name} ({words})" for name, words in details.get("controllers", {}).items())
    line = f"Open vSwitch: {' and '.join(details['datapath'])} datapath"
    return [f"{line}, controllers {controllers}" if controllers else line]


def _share(found: Mapping[str, Any]) -> str:
    """Return the state of a worker's share."""
    nodes = "" if found["nodes"] is None else f", {counted(found['nodes'], 'node')}"
    return f"{found['state']}{nodes}"


def _workers(places: Mapping[str, str]) -> list[str]:
    """Return a line for each worker with its nodes; `--json` lists all of them."""
    nodes: dict[str, list[str]] = {}
    for node, worker in places.items():
        nodes.setdefault(worker, []).append(node)
    return [
        f"worker {worker}: {counted(len(some), 'node')} ({some_names(some, _NODES_SHOWN)})"
        for worker, some in sorted(nodes.items())
    ]


def _deviations_of(
    network: Network, problems: list[str], *, under_stress: bool
) -> Sequence[Deviation] | None:
    """Return deviations from the plan; None if they can't be known, as under stress.

    What keeps them from being read, such as a worker without its share, is one of `problems` afterwards.
    """
    if under_stress or any("gone" in problem for problem in problems):
        return None
    try:
        return network.deviations()
    except EmulationError as error:
        problems += [line for line in str(error).splitlines() if line not in problems]
        return None


def _deviating(name: str, deviations: Sequence[Deviation]) -> list[str]:
    lines = [str(deviation) for deviation in deviations[:_MOST_SHOWN]]
    if len(deviations) > _MOST_SHOWN:
        lines.append(f"and {len(deviations) - _MOST_SHOWN:,} more (--json lists all)")
    if deviations:
        lines.append(f"`emulator up FILE` with the file of {name} repairs this")
    return lines


def _changed(changed: list[dict[str, Any]]) -> list[str]:
    """Return lines about links that were changed on purpose."""
    if not changed:
        return []
    lines = [f"{change_counts(changed)}:", *(f"  {link_line(link)}" for link in changed[:_MOST_SHOWN])]
    if len(changed) > _MOST_SHOWN:
        lines.append(f"  and {len(changed) - _MOST_SHOWN:,} more (`emulator link` lists all)")
    return lines


def _damaged(name: str, error: EmulationError) -> dict[str, Any]:
    """Print that a network's record is missing or damaged; return its part of the JSON."""
    problem = str(error)
    answer(f"{name}: BROKEN")
    answer(f"  {problem}")
    return {
        "network": name, "engine": None, "running": False, "nodes": {}, "links": 0, "fidelity": {},
        "problems": [problem], "deviations": None, "changed_links": [], "details": {}, "notes": [],
        "shaken": False,
    }  # fmt: skip
