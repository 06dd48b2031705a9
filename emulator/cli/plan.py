"""`emulator plan`: show what a file needs, on which workers, and why it would be refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from emulator.cli.network_file import NetworkFile, network_file
from emulator.cli.options import engine_option, given_options, json_option, scheduler_option
from emulator.cli.output import Phases, answer, print_json
from emulator.cli.plan_text import plan_lines, sample_lines
from emulator.garbage import importing
from emulator.network import Engine
from emulator.placement.choice import METHODS
from emulator.plan import Plan, Worker, numbered
from topologies.quantities import SIZE

_MOST_WORKERS = 100_000

_EPILOG = """\b
Examples:
  emulator plan dc.yaml                                 does it fit on this machine?
  emulator plan dc.yaml --workers 50 --memory '64 GiB'  does it fit on fifty such machines?
  emulator plan --topo fat-tree,k=8
  emulator plan dc.yaml --show                          names, addresses, MACs of the first nodes
\b
Exit codes: 0 it fits, 3 it doesn't: `up` would refuse it here, or a worker has too little memory
(the plan is printed all the same)."""


def _size(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    """Return a size in bytes."""
    del context, option
    if value is None:
        return None
    try:
        return int(SIZE.parse(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("plan", epilog=_EPILOG)
@network_file()
@click.option("--workers", type=click.IntRange(1, _MOST_WORKERS),
              help="Machines to place the nodes on; by default the file's, else one.")  # fmt: skip
@click.option("--memory", callback=_size, metavar="SIZE", help="Memory of each worker, e.g. '64 GiB'.")
@click.option(
    "--placement", type=click.Choice(METHODS), help="How to place nodes; by default the graph decides."
)
@engine_option()
@scheduler_option()
@click.option("--show", is_flag=True, help="Show the first nodes of each tier: names, addresses, MACs.")
@json_option()
def command(
    given: NetworkFile, workers: int | None, memory: int | None, placement: str | None, engine: str | None,
    *, scheduler: str | None, show: bool, as_json: bool,
) -> int:  # fmt: skip
    """Show what FILE needs: counts, placement, memory and time. Creates nothing; needs no root."""
    phases = Phases()
    with importing():
        from emulator.engines.planning import planned
        from emulator.engines.registry import engine_named
        from emulator.summary import sample, summary

    with phases.phase("load"):
        description = given.describe()
        document, topology = description.document, description.topology
        runner = engine_named(engine or document.spec.engine_name)
    with phases.phase("plan"):
        machines = () if workers is None and memory is None else numbered(workers or 1, memory)
        plan = planned(document, topology, runner, machines, placement, given=given_options(scheduler))
        said: dict[str, Any] = summary(plan)
        said["refusals"] = [*said["refusals"], *_refused_here(plan, runner, machines)]
    if show:
        said["sample"] = sample(plan)
    said["seconds"] = phases.total()
    for line in _lines(said):
        answer(line)
    if as_json:
        print_json(said)
    for reason in said["refusals"]:
        answer(f"refused: {reason}")
    return 3 if said["refusals"] else 0


def _refused_here(plan: Plan, runner: Engine, machines: Sequence[Worker]) -> list[str]:
    """Return why `up` would refuse the plan; empty for a plan for `machines` that are only imagined."""
    from emulator.errors import RefusedError

    if len(machines) > 1 or any(machine.memory is not None for machine in machines):
        return []
    try:
        runner.accept(plan)
    except RefusedError as error:
        return error.reasons
    return []


def _lines(said: dict[str, Any]) -> Iterator[str]:
    yield from plan_lines(said)
    if "sample" in said:
        yield ""
        yield from sample_lines(said["sample"])
