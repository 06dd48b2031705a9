"""Implementation of `emulator stress`: print the schedule of a scenario, or run it and judge its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator.cli.output import answer, print_json, say
from emulator.errors import BrokenError, EmulationError, UsageError
from emulator.interface.growth import Growth
from emulator.under_stress import held_for_stress, journal_of, require_restored
from stress.cli.target_network import target_network

if TYPE_CHECKING:
    from stress.prepared import Outcome
    from stress.runner import RunStatus
    from stress.scenario.load import Document
    from stress.schedule import Schedule

Options = Mapping[str, Any]

_STOPPED = 4


def print_schedule(document: Document, options: Options) -> int:
    """Print the schedule; nothing is changed, and with --up no network is needed."""
    from stress.limits import wanted
    from stress.prepared import scheduled, seed_of

    wanted(document)
    if options["file"] is not None:
        from topologies.build import open_topology

        topology = open_topology(options["file"])
    else:
        from emulator.cli.networks import chosen_network

        topology = chosen_network(options["net"]).topology
    seed = seed_of(document, options["seed"])
    schedule = scheduled(document, topology, seed, _seconds(options), options["replay"])
    _save(schedule, options)
    if options["as_json"]:
        operations = [[o.at, o.step, o.verb, o.targets[0]] for o in schedule.operations()]
        print_json(
            {
                "scenario": document.scenario.name,
                "network": topology.name,
                "offered": schedule.offered(),
                "schedule": operations,
            }
        )
    else:
        for line in schedule.lines():
            print(line)
    for name, count in schedule.offered().items():
        say(f"{name}: {count:,} operations")
    return 0


def run_scenario(document: Document, options: Options) -> int:
    """Run the scenario; return 0 when all limits passed, 1 when not, 4 when it was stopped or aborted."""
    from stress import live
    from stress.prepared import prepared
    from stress.report.summary import summary

    place = target_network(options)
    ready = prepared(
        document, place, place.engine,
        seed=options["seed"], seconds=_seconds(options), replay=options["replay"],
    )  # fmt: skip
    _save(ready.schedule, options)
    name, seed, schedule = document.scenario.name, ready.seed, ready.schedule
    with (
        _prometheus(options["prometheus"]) as scraped,
        place.opened as network,
        held_for_stress(network.name),
    ):
        require_restored(network.name)
        say(f"{name} on {network.name} (engine {network.engine}): {len(schedule):,} operations, seed {seed}")
        with live.shown(name) as look:

            def both(watch: RunStatus) -> None:
                scraped(watch)
                look(watch)

            outcome = ready.run(network, journal_of(network.name), Growth(network), both)
        unwritten = _write(outcome, options["folder"])
    result = outcome.result
    _print_results(outcome)
    if options["folder"] is not None and unwritten is None:
        say(f"report: {options['folder'] / 'report.html'}")
    if options["as_json"]:
        print_json(summary(result, outcome.verdicts, outcome.figures))
    if result.interrupted:
        back = "see above for what is missing" if result.leaks.leaked else "everything was restored"
        say(f"stopped by {result.interrupted}; {back}")
    for failure in (result.failure, unwritten):
        if failure is not None:
            return _failed(failure, restored=not result.leaks.leaked)
    if result.interrupted:
        return _STOPPED
    return 0 if all(verdict.held for verdict in outcome.verdicts) and not result.leaks.leaked else 1


def _print_results(outcome: Outcome) -> None:
    """Print the results of the run."""
    from stress.report.text_summary import summary_lines

    result = outcome.result
    for line in summary_lines(result, outcome.figures):
        answer(line)
    for ramp in result.ramps:
        why = ramp["stopped_by"] or "the end of the step"
        answer(f"{ramp['step']}: {ramp['last_good']:,} {ramp['grown']}; stopped by: {why}")
    for words in result.warnings:
        say(f"unreliable: {words}")
    for words in result.leaks.leaked:
        answer(f"not restored after the run: {words}")
    for line in outcome.lines:
        answer(line)


def _write(outcome: Outcome, folder: Path | None) -> BrokenError | None:
    """Write the report if requested; return the error when that fails."""
    try:
        if folder is not None:
            outcome.write(folder)
    except BrokenError as error:
        return error
    return None


def _failed(failure: BaseException, *, restored: bool) -> int:
    """Report why a run failed or left no report; a bug is raised, so that it is shown as one."""
    if not isinstance(failure, (EmulationError, OSError, MemoryError)):
        raise failure
    say(
        f"failed: {str(failure) or type(failure).__name__}"
        + ("; everything was restored" if restored else "")
    )
    return _STOPPED


@contextmanager
def _prometheus(address: str | None) -> Iterator[Callable[[RunStatus], None]]:
    """Serve the run for Prometheus when requested; yield the function that the runner calls."""
    if address is None:
        yield lambda _: None
        return
    from stress.prometheus import served

    with served(address) as (look, url):
        say(f"figures for Prometheus at {url}")
        yield look


def _save(schedule: Schedule, options: Options) -> None:
    """Write the schedule to the file of --save-schedule if there is one."""
    from stress.replay import save

    target: Path | None = options["save_schedule"]
    if target is None:
        return
    try:
        save(schedule, target)
    except OSError as error:
        raise UsageError(f"can't write {target}: {error.strerror}; give another path") from error
    say(f"schedule of {len(schedule):,} operations written to {target}")


def _seconds(options: Options) -> float | None:
    from stress.prepared import duration_of

    return duration_of(options["duration"], "--duration")
