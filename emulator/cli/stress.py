"""`emulator stress`: shake a running network by a scenario, and say whether the limits held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from emulator.cli.elevate import ensure_root
from emulator.cli.output import give_json, say
from emulator.errors import UsageError
from emulator.network import Network

_EPILOG = """\b
Examples:
  emulator stress stress/examples/port-churn.yaml --net dc --report out/
  emulator stress scenario.yaml --up topologies/examples/leaf-spine.yaml
  emulator stress scenario.yaml --up dc.yaml --dry-run
  emulator stress --recover --net dc
  emulator stress compare before/report.json after/report.json"""

_JOURNAL = "stress.json"
_PER_LEAF = 32


@click.command("stress", epilog=_EPILOG)
@click.argument("scenario", required=False, type=click.Path(path_type=Path))
@click.argument("reports", nargs=-1, type=click.Path(path_type=Path))
@click.option("--net", help="The network, when several are up.")
@click.option(
    "--up", "file", type=click.Path(path_type=Path), help="Bring this file's network up, and down after."
)
@click.option("--engine", help="With --up: use this engine instead of the file's.")
@click.option(
    "--report", "folder", type=click.Path(path_type=Path), help="Write the report into this folder."
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Instead of the scenario's.")
@click.option("--duration", metavar="TIME", help="Of all steps together, instead of the scenario's.")
@click.option("--dry-run", is_flag=True, help="Print the schedule and do nothing.")
@click.option("--save-schedule", type=click.Path(path_type=Path), help="Write the schedule to this file.")
@click.option("--replay", type=click.Path(path_type=Path), help="Take the schedule from this file.")
@click.option("--recover", is_flag=True, help="Give back what a run that was killed had taken away.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def command(scenario: Path | None, **options: Any) -> int:
    """Shake a network as SCENARIO says; exit 1 when a limit doesn't hold.

    `compare A.json B.json` in its place shows what moved between two reports, and what is noise.
    """
    reports: tuple[Path, ...] = options.pop("reports")
    if scenario == Path("compare"):
        return _compare(reports, as_json=options["as_json"])
    if reports:
        raise UsageError(f"one scenario at a time; what is `{reports[0]}`?")
    if options["recover"]:
        if scenario is not None:
            raise UsageError("--recover takes no scenario: it looks at the network; `--net NAME` says which")
        return _recover(options)
    if scenario is None:
        raise UsageError("say which scenario: `emulator stress SCENARIO.yaml --net NAME`")
    if options["file"] is not None and options["net"] is not None:
        raise UsageError("--up brings up a network of its own; leave --net out")
    if options["file"] is None and options["engine"] is not None:
        raise UsageError("--engine goes with --up; a network that is up has its engine")
    from stress.scenario.load import load

    document = load(scenario)
    if options["dry_run"]:
        return _print_schedule(document, options)
    with _network(options) as network:
        return _shake(document, network, options)


def _compare(reports: tuple[Path, ...], *, as_json: bool) -> int:
    from stress.compare import as_json as plain
    from stress.compare import compare

    if len(reports) != 2:
        raise UsageError("give two reports: `emulator stress compare A.json B.json`")
    rows = compare(*reports)
    if as_json:
        give_json(plain(rows))
    else:
        for row in rows:
            print(row)
    return 0


def _recover(options: dict[str, Any]) -> int:
    from emulator.cli.networks import chosen_network
    from emulator.engines.registry import take_down
    from stress.recover import recover

    ensure_root()
    network = chosen_network(options["net"])
    given = recover(network, _journal(network), take_down)
    for words in given:
        say(words)
    say(
        f"{network.name}: {len(given)} things given back" if given else f"{network.name}: nothing was missing"
    )
    if options["as_json"]:
        give_json({"name": network.name, "recovered": given})
    return 0


def _print_schedule(document: Any, options: dict[str, Any]) -> int:
    """Print what would be done when: no network is needed, and none is touched."""
    from emulator.cli.networks import chosen_network

    if options["file"] is not None:
        from topologies.build import open_topology

        topology = open_topology(options["file"])
    else:
        topology = chosen_network(options["net"]).topology
    schedule = _schedule(document, topology, options)
    if options["as_json"]:
        operations = [[o.at, o.step, o.verb, o.targets[0]] for o in schedule.operations()]
        give_json({"scenario": document.scenario.name, "offered": schedule.offered(), "schedule": operations})
    else:
        for line in schedule.lines():
            print(line)
    for name, count in schedule.offered().items():
        say(f"{name}: {count:,} operations")
    return 0


def _schedule(document: Any, topology: Any, options: dict[str, Any]) -> Any:
    from stress.schedule import planned, replayed, save

    steps = document.steps(_seconds(options["duration"]))
    if options["replay"] is not None:
        schedule = replayed(options["replay"], topology, steps)
    else:
        schedule = planned(document, topology, _seed(document, options), steps)
    if options["save_schedule"] is not None:
        save(schedule, options["save_schedule"])
        say(f"schedule of {len(schedule):,} operations written to {options['save_schedule']}")
    return schedule


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    from topologies.units import TIME

    try:
        seconds = TIME.parse(text)
    except ValueError as error:
        raise UsageError(f"--duration: {error}") from error
    if not seconds:
        raise UsageError("--duration: nothing can be done in no time; write for example `30 s`")
    return seconds


def _seed(document: Any, options: dict[str, Any]) -> int:
    return int(document.scenario.seed if options["seed"] is None else options["seed"])


@contextmanager
def _network(options: dict[str, Any]) -> Iterator[Network]:
    """Give the network that is up, or one that is brought up and taken down again whatever happens."""
    from emulator.cli.networks import chosen_network

    if options["file"] is None:
        ensure_root()
        yield chosen_network(options["net"])
        return
    from emulator.engines.registry import engine_named
    from emulator.plan import make_plan
    from emulator.state import names
    from topologies.build import build
    from topologies.spec.load import load

    document = load(options["file"])
    runner = engine_named(options["engine"] or document.spec.engine_name)
    if runner.needs_root:
        ensure_root()
    topology = build(document)
    if topology.name in names():
        raise UsageError(
            f"`{topology.name}` is up already; shake it with `--net {topology.name}`, or take it down first"
        )
    plan = make_plan(topology, runner.name)
    runner.accept(plan)
    from emulator.cli.progress import shown

    with shown(f"up {topology.name}") as progress:
        network = runner.deploy(plan, str(options["file"].resolve()), progress)
    try:
        yield network
    finally:
        with shown(f"down {topology.name}") as progress:
            network.down(progress)


def _shake(document: Any, network: Network, options: dict[str, Any]) -> int:
    from stress import limits, live, report
    from stress.runner import run

    wanted = limits_of(document)
    schedule = _schedule(document, network.topology, options)
    say(f"{document.scenario.name} on {network.name} (engine {network.engine}): "
        f"{len(schedule):,} operations, seed {_seed(document, options)}")  # fmt: skip
    with live.shown(document.scenario.name) as look:
        record = run(
            document, schedule, network, seed=_seed(document, options),
            journal=_journal(network), growth=_Growth(network), look=look,
        )  # fmt: skip
    verdicts = limits.judge(record, wanted)
    if options["folder"] is not None:
        report.write(record, verdicts, options["folder"])
    return _said(record, verdicts, options)


def limits_of(document: Any) -> list[str]:
    """Return the limits of a scenario; InputError for those that can't be understood."""
    return list(document.scenario.limits)


def _said(record: Any, verdicts: Any, options: dict[str, Any]) -> int:
    """Print the outcome; return the exit code."""
    for words in (*record.doubts, *record.leaks.leaked):
        say(words)
    failed = [verdict for verdict in verdicts if not verdict.held]
    for verdict in verdicts:
        say(f"{'held  ' if verdict.held else 'BROKEN'}  {verdict}")
    if options["as_json"]:
        give_json({"scenario": record.scenario["name"], "network": record.network["name"],
                   "offered": record.offered, "done": len(record.outcomes), "failed": len(failed)})  # fmt: skip
    return 1 if failed else 0


def _journal(network: Network) -> Path:
    """Return where a run notes what it will take away: beside the network's run record."""
    from emulator.state import NetworkState, state_root

    return NetworkState(state_root(), network.name).folder / _JOURNAL


class _Growth:
    """Brings up more networks, on the engine of the one that is shaken."""

    def __init__(self, network: Network) -> None:
        self._engine = network.engine

    def grow(self, name: str, hosts: int) -> Network:
        """Bring up leaves of up to 32 hosts below one spine: `hosts` hosts, rounded up to full leaves."""
        from emulator.engines.registry import engine_named
        from emulator.plan import make_plan
        from topologies.build import build
        from topologies.spec.load import load_text

        leaves = -(-hosts // _PER_LEAF)
        shape = (
            f"{{generator: leaf-spine, spines: 1, leaves: {leaves}, hosts_per_leaf: {-(-hosts // leaves)}}}"
        )
        text = f"name: {name}\ntopology: {shape}\n"
        engine = engine_named(self._engine)
        plan = make_plan(build(load_text(text)), engine.name)
        engine.accept(plan)
        return engine.deploy(plan)
