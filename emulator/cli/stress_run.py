"""What `emulator stress` does with a scenario: print its schedule, or run it and judge."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from emulator.cli.elevate import ensure_root
from emulator.cli.output import give_json, say
from emulator.cli.progress import shown
from emulator.errors import BrokenError, EmulationError, UsageError
from emulator.network import Network
from emulator.shaking import JOURNAL, LOCK, unfinished
from topologies.errors import ParameterError
from topologies.topology import Topology

if TYPE_CHECKING:
    from stress.limits import Limit, Verdict
    from stress.records import RunRecord
    from stress.runner import Watch
    from stress.scenario.load import Document
    from stress.schedule import Schedule

Options = Mapping[str, Any]

_PER_LEAF = 32
_STOPPED = 4


def print_schedule(document: Document, options: Options) -> int:
    """Print what would be done when; nothing is touched, and with --up no network is needed."""
    if options["file"] is not None:
        from topologies.build import open_topology

        topology = open_topology(options["file"])
    else:
        from emulator.cli.networks import chosen_network

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


def shake(document: Document, options: Options) -> int:
    """Run the scenario; return 0 when all limits held, 1 when not, 4 when it was stopped or broke off."""
    from stress import limits, live
    from stress.report.summary import summary
    from stress.runner import run

    wanted = _limits(document)
    with _network(options) as network, alone(network):
        _require_given_back(network)
        schedule = _schedule(document, network.topology, options)
        name, seed = document.scenario.name, _seed(document, options)
        say(f"{name} on {network.name} (engine {network.engine}): {len(schedule):,} operations, seed {seed}")
        with live.shown(name) as look, _prometheus(options["prometheus"]) as scraped:

            def both(watch: Watch) -> None:
                scraped(watch)
                look(watch)

            record = run(
                document, schedule, network,
                seed=seed, journal=journal_of(network), growth=Growth(network), look=both,
            )  # fmt: skip
        verdicts = limits.judge(record, wanted)
        unwritten = _write(record, verdicts, options["folder"])
    _tell(record, verdicts)
    if options["as_json"]:
        give_json(summary(record, verdicts))
    if record.interrupted:
        back = "see above for what is missing" if record.leaks.leaked else "everything was given back"
        say(f"stopped by {record.interrupted}; {back}")
    for failure in (record.failure, unwritten):
        if failure is not None:
            return _failed(failure, given_back=not record.leaks.leaked)
    if record.interrupted:
        return _STOPPED
    return 0 if all(verdict.held for verdict in verdicts) and not record.leaks.leaked else 1


def _tell(record: RunRecord, verdicts: Sequence[Verdict]) -> None:
    """Say what the run found."""
    for ramp in record.ramps:
        why = ramp["stopped_by"] or "the end of its time"
        say(f"{ramp['step']}: {ramp['last_good']:,} hosts beside the network; stopped by: {why}")
    for words in record.doubts:
        say(f"doubtful: {words}")
    for words in record.leaks.leaked:
        say(f"was not as before after the run: {words}")
    for verdict in verdicts:
        say(f"{'held  ' if verdict.held else 'BROKEN'}  {verdict}")


def _write(record: RunRecord, verdicts: Sequence[Verdict], folder: Path | None) -> BrokenError | None:
    """Write the report if it is asked for; return the error when the disk can't take it."""
    from stress import report

    try:
        if folder is not None:
            report.write(record, verdicts, folder)
    except BrokenError as error:
        return error
    return None


def _failed(failure: BaseException, *, given_back: bool) -> int:
    """Say why a run broke off, or left no report; a bug is raised, so that it is shown as one."""
    if not isinstance(failure, (EmulationError, OSError, MemoryError)):
        raise failure
    say(
        f"broke off: {str(failure) or type(failure).__name__}"
        + ("; everything was given back" if given_back else "")
    )
    return _STOPPED


@contextmanager
def _prometheus(address: str | None) -> Iterator[Callable[[Watch], None]]:
    """Serve the run for Prometheus when asked to; give what the runner is to call."""
    if address is None:
        yield lambda _: None
        return
    from stress.prometheus import served

    with served(address) as (look, url):
        say(f"figures for Prometheus at {url}")
        yield look


def _limits(document: Document) -> list[Limit]:
    """Return the scenario's limits; InputError with all that make no sense."""
    from stress.limits import parse
    from stress.scenario.load import raise_all

    names = {name for step in document.steps() for name in (step.name, step.action.action)}
    names |= {probe.name or probe.probe for probe in document.scenario.probes}
    found, problems = [], []
    for index, text in enumerate(document.scenario.limits):
        try:
            found.append(parse(text, names))
        except ValueError as error:
            problems.append(ParameterError(("limits", index), str(error)))
    raise_all(document, problems)
    return found


def journal_of(network: Network) -> Path:
    """Return where a run notes what it will take away: beside the network's run record."""
    return _folder(network) / JOURNAL


def _folder(network: Network) -> Path:
    from emulator.state import NetworkState, state_root

    return NetworkState(state_root(), network.name).folder


@contextmanager
def alone(network: Network) -> Iterator[None]:
    """Keep other runs, and --recover, from this network: each would undo what the other measures.

    BrokenError when one goes on. The kernel gives the lock back when its holder is killed.
    """
    from emulator.locks import BusyError, locked

    with ExitStack() as stack:
        try:
            stack.enter_context(locked(_folder(network) / LOCK, wait=False))
        except BusyError:
            words = f"another stress run shakes `{network.name}`; wait for it, or end it with Ctrl-C"
            raise BrokenError(words) from None
        yield


def _require_given_back(network: Network) -> None:
    """Refuse a network of which another run still has something; the caller holds the lock."""
    if journal_of(network).exists():
        raise BrokenError(unfinished(network.name))


def _schedule(document: Document, topology: Topology, options: Options) -> Schedule:
    from stress.schedule import planned, replayed, save

    steps = document.steps(_seconds(options["duration"]))
    if options["replay"] is not None:
        schedule = replayed(options["replay"], topology, steps)
    else:
        schedule = planned(document, topology, _seed(document, options), steps)
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
    from topologies.units import TIME

    try:
        seconds = TIME.parse(text)
    except ValueError as error:
        raise UsageError(f"--duration: {error}") from error
    if not seconds:
        raise UsageError("--duration: nothing can be done in no time; write for example `30 s`")
    return seconds


def _seed(document: Document, options: Options) -> int:
    return int(document.scenario.seed if options["seed"] is None else options["seed"])


@contextmanager
def _network(options: Options) -> Iterator[Network]:
    """Give the network that is up, or one that is brought up and taken down again whatever happens."""
    if options["file"] is None:
        from emulator.cli.networks import chosen_network

        ensure_root()
        _require_folder(options["folder"])
        yield chosen_network(options["net"])
        return
    from emulator.engines.registry import engine_named, take_down
    from emulator.plan import make_plan
    from emulator.state import names
    from topologies.build import build
    from topologies.spec.load import load

    document = load(options["file"])
    engine = engine_named(options["engine"] or document.spec.engine_name)
    if engine.needs_root:
        ensure_root()
    _require_folder(options["folder"])
    topology = build(document)
    name = topology.name
    if name in names():
        raise UsageError(f"`{name}` is up already; shake it with `--net {name}`, or take it down first")
    plan = make_plan(topology, engine.name)
    engine.accept(plan)
    with _terminated():
        with shown(f"up {name}") as progress:
            network = engine.deploy(plan, str(options["file"].resolve()), progress)
        try:
            yield network
        finally:
            with shown(f"down {name}") as progress:
                take_down(name, progress)


def _require_folder(folder: Path | None) -> None:
    """Refuse a report's folder that can't be written, as who will write it and before anything is run."""
    if folder is not None:
        from stress import report

        report.require_writable(folder)


@contextmanager
def _terminated() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C: what was brought up is taken down."""

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Growth:
    """Brings up more networks for a ramp, on the engine of the one that is shaken."""

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
        engine = engine_named(self._engine)
        plan = make_plan(build(load_text(f"name: {name}\ntopology: {shape}\n")), engine.name)
        engine.accept(plan)
        return engine.deploy(plan)
