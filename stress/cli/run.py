"""Implementation of `emulator stress`: print the schedule of a scenario, or run it and judge its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator.cli.output import answer, print_json, say
from emulator.errors import BrokenError, EmulationError, UsageError
from emulator.interface.growth import Growth
from emulator.under_stress import held_for_stress, journal_of, require_restored
from stress.cli.target_network import target_network
from stress.possible_shapes import require_shapes
from topologies.topology import Topology

if TYPE_CHECKING:
    from stress.limits import Verdict
    from stress.metrics.figures import Figures
    from stress.records import RunResult
    from stress.runner import RunStatus
    from stress.scenario.load import Document
    from stress.schedule import Schedule

Options = Mapping[str, Any]

_STOPPED = 4


def print_schedule(document: Document, options: Options) -> int:
    """Print the schedule; nothing is changed, and with --up no network is needed."""
    from stress.limits import wanted

    wanted(document)
    if options["file"] is not None:
        from topologies.build import open_topology

        topology = open_topology(options["file"])
    else:
        from emulator.cli.networks import chosen_network

        topology = chosen_network(options["net"]).topology
    schedule = _schedule(document, topology, options)
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
    from stress import limits, live
    from stress.metrics.figures import Figures
    from stress.preflight import preflight, with_shapes
    from stress.report.summary import summary
    from stress.runner import run

    judged = limits.wanted(document)
    place = target_network(options)
    schedule = _schedule(document, place.topology, options)
    name, seed = document.scenario.name, _seed(document, options)
    preflight(document, schedule, place, seed, place.engine.name)
    require_shapes(place.engine, place.topology, with_shapes(schedule))
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

            result = run(
                document, schedule, network,
                seed=seed, journal=journal_of(network.name), growth=Growth(network), look=both,
            )  # fmt: skip
        figures = Figures(result)
        verdicts = limits.judge(result, judged, figures)
        unwritten = _write(result, figures, verdicts, options["folder"])
    _print_results(result, figures, verdicts)
    if options["as_json"]:
        print_json(summary(result, verdicts, figures))
    if result.interrupted:
        back = "see above for what is missing" if result.leaks.leaked else "everything was restored"
        say(f"stopped by {result.interrupted}; {back}")
    for failure in (result.failure, unwritten):
        if failure is not None:
            return _failed(failure, restored=not result.leaks.leaked)
    if result.interrupted:
        return _STOPPED
    return 0 if all(verdict.held for verdict in verdicts) and not result.leaks.leaked else 1


def _print_results(result: RunResult, figures: Figures, verdicts: Sequence[Verdict]) -> None:
    """Print the results of the run."""
    from stress.report.text_summary import summary_lines

    for line in summary_lines(result, figures):
        answer(line)
    for ramp in result.ramps:
        why = ramp["stopped_by"] or "the end of the step"
        answer(f"{ramp['step']}: {ramp['last_good']:,} {ramp['grown']}; stopped by: {why}")
    for words in result.warnings:
        say(f"unreliable: {words}")
    for words in result.leaks.leaked:
        answer(f"not restored after the run: {words}")
    for verdict in verdicts:
        answer(f"{'passed' if verdict.held else 'FAILED'}  {verdict}")


def _write(
    result: RunResult, figures: Figures, verdicts: Sequence[Verdict], folder: Path | None
) -> BrokenError | None:
    """Write the report if requested; return the error when that fails."""
    from stress import report

    try:
        if folder is not None:
            report.write(result, verdicts, folder, figures)
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


def _schedule(document: Document, topology: Topology, options: Options) -> Schedule:
    from stress.replay import replayed, save
    from stress.schedule import planned

    steps, seed = document.steps(_seconds(options["duration"])), _seed(document, options)
    if options["replay"] is not None:
        schedule = replayed(options["replay"], document, topology, seed, steps)
    else:
        schedule = planned(document, topology, seed, steps)
    target: Path | None = options["save_schedule"]
    if target is not None:
        try:
            save(schedule, target)
        except OSError as error:
            raise UsageError(f"can't write {target}: {error.strerror}; give another path") from error
        say(f"schedule of {len(schedule):,} operations written to {target}")
    return schedule


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    from topologies.quantities import TIME

    try:
        seconds = TIME.parse(text)
    except ValueError as error:
        raise UsageError(f"--duration: {error}") from error
    if not seconds:
        raise UsageError("--duration must be more than 0, for example `30 s`")
    return seconds


def _seed(document: Document, options: Options) -> int:
    return int(document.scenario.seed if options["seed"] is None else options["seed"])
