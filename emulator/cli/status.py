"""`emulator status`: what is up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from emulator.cli.elevate import ensure_root_for
from emulator.cli.output import counts, fidelity, give_json, say
from emulator.errors import EmulationError
from topologies.counting import counted


@click.command("status")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def command(name: str | None, *, as_json: bool) -> int:
    """Say what is up, or how the network NAME is."""
    from emulator.cli.networks import checked_name
    from emulator.cli.stress_notes import going_on
    from emulator.engines.registry import attach
    from emulator.state import names

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
        shaken = going_on(each)
        networks.append(
            {"name": each, "engine": network.engine, "running": health.running,
             "nodes": topology.kind_counts(), "links": topology.link_count,
             "fidelity": topology.fidelity_counts(), "problems": list(health.problems),
             "details": dict(health.details), "notes": list(health.notes), "shaken": bool(shaken)}
        )  # fmt: skip
        state = "up" if health.running else "BROKEN"
        say(f"{each}: {state}, {counts(topology.kind_counts())}, {counted(topology.link_count, 'link')}, "
            f"fidelity {fidelity(topology.fidelity_counts())}, engine {network.engine}")  # fmt: skip
        for line in (*_details(health.details), *health.problems, *health.notes, *shaken):
            say(f"  {line}")
    if not wanted:
        say("nothing is up")
    if as_json:
        give_json({"networks": networks})
    return 0 if all(network["running"] for network in networks) else 1


def _details(details: Mapping[str, Any]) -> list[str]:
    """Return a line about the switches of Open vSwitch and their controllers, where there are any."""
    if not details.get("datapath"):
        return []
    controllers = ", ".join(f"{name} ({words})" for name, words in details.get("controllers", {}).items())
    line = f"Open vSwitch: {' and '.join(details['datapath'])} datapath"
    return [f"{line}, controllers {controllers}" if controllers else line]


def _damaged(name: str, error: EmulationError) -> dict[str, Any]:
    """Say that a network's record is gone or damaged; return its part of the JSON."""
    problem = str(error)
    say(f"{name}: BROKEN")
    say(f"  {problem}")
    return {
        "name": name, "engine": None, "running": False, "nodes": {}, "links": 0, "fidelity": {},
        "problems": [problem], "details": {}, "notes": [], "shaken": False,
    }  # fmt: skip
