"""`emulator up`: load, plan, deploy."""

from __future__ import annotations

import click

from emulator.cli.elevate import ensure_root
from emulator.cli.network_file import NetworkFile, network_file
from emulator.cli.options import engine_option, given_options, json_option, scheduler_option
from emulator.cli.output import Phases, answer, counts, fidelity, is_computed, print_json, say
from emulator.cli.progress import shown
from emulator.garbage import importing
from topologies.counting import counted

_EPILOG = """\b
Examples:
  emulator up dc.yaml
  emulator up --topo tree,depth=2,fanout=3
  emulator up --topo linear,4,2 --engine dry-run
  generate | emulator up -"""


@click.command("up", epilog=_EPILOG)
@network_file()
@engine_option()
@scheduler_option()
@json_option()
def command(given: NetworkFile, engine: str | None, scheduler: str | None, *, as_json: bool) -> int:
    """Start the network of FILE (`-`: standard input) or --topo.

    If it is up already, change only what differs.
    """
    phases = Phases()
    with phases.phase("load"):
        with importing():
            from emulator.interface.starting import Watch, start

        description = given.describe()
    topology = description.topology
    watch = Watch(phases.phase, lambda name: shown(f"up {name}"), say, ensure_root)
    started = start(description, engine, given_options(scheduler), watch)
    network, plan, runner = started.network, started.plan, started.engine
    seconds = phases.total()
    blocked = int(plan.blocked.sum())
    if as_json:
        print_json(
            {"network": topology.name, "engine": runner.name, "nodes": topology.kind_counts(),
             "links": topology.link_count, "blocked": blocked, "fidelity": topology.fidelity_counts(),
             "recovered": started.recovered, "changes": network.changes,
             "notes": [*plan.warnings, *network.notes], "seconds": seconds}
        )  # fmt: skip
    for line in network.changes or ():
        answer(line)
    if network.changes == ():
        answer(f"{topology.name} was already up; nothing differs")
    answer(f"{topology.name} is up: {counts(topology.kind_counts())}, {counted(topology.link_count, 'link')}"
        + (f" ({blocked} blocked by the spanning tree)" if blocked else ""))  # fmt: skip
    for line in plan.warnings:
        say(f"warning: {line}")
    for line in network.notes:
        say(line)
    how = runner.name + ", computed" * is_computed(runner.name)
    answer(f"fidelity: {fidelity(topology.fidelity_counts())} (engine {how})")
    answer("seconds: " + ", ".join(f"{phase} {value:.2f}" for phase, value in seconds.items()))
    return 0
