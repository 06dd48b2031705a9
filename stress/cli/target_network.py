"""The network under stress: one that is up, or one brought up and taken down again."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from emulator.cli.elevate import ensure_root
from emulator.cli.progress import shown
from emulator.errors import UsageError
from emulator.network import Engine, Network
from emulator.plan import Plan
from emulator.signals import handled
from topologies.topology import Topology


class TargetNetwork(NamedTuple):
    """Network for a scenario. All refusals come before `opened` is entered."""

    topology: Topology
    engine: Engine
    addresses: Callable[[int], Sequence[str]]
    opened: AbstractContextManager[Network]
    """Context of the network; it always takes down what it brought up."""


def target_network(options: Mapping[str, Any]) -> TargetNetwork:
    """Return the network of `--net` or `--up`; refuse an impossible one. Nothing is brought up yet."""
    from emulator.engines.registry import engine_named

    if options["file"] is None:
        from emulator.cli.networks import chosen_network

        network = chosen_network(options["net"], change=True)
        _require_folder(options["folder"])
        return TargetNetwork(
            network.topology, engine_named(network.engine), network.addresses, nullcontext(network)
        )
    from emulator.engines.planning import planned
    from emulator.state import names
    from topologies.given import describe

    description = describe(options["file"])
    document, topology = description.document, description.topology
    engine = engine_named(options["engine"] or document.spec.engine_name)
    if engine.needs_root:
        ensure_root()
    _require_folder(options["folder"])
    name = topology.name
    if name in names():
        raise UsageError(f"`{name}` is already up; use it with `--net {name}`, or take it down first")
    plan = planned(document, topology, engine)
    engine.accept(plan)

    def addresses(node: int) -> list[str]:
        return [address.text for address in plan.forwarding.addresses(node)]

    return TargetNetwork(topology, engine, addresses, _brought_up(engine, plan, description.file))


@contextmanager
def _brought_up(engine: Engine, plan: Plan, file: str) -> Iterator[Network]:
    from emulator.engines.registry import take_down

    name = plan.topology.name
    with _terminated():
        with shown(f"up {name}") as progress:
            network = engine.deploy(plan, file, progress)
        try:
            yield network
        finally:
            with shown(f"down {name}") as progress:
                take_down(name, progress)


def _require_folder(folder: Path | None) -> None:
    """Refuse a report's folder that isn't writable for the user who will write it, before anything is run."""
    if folder is not None:
        from stress import report

        report.require_writable(folder)


@contextmanager
def _terminated() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP as Ctrl-C: what was brought up is taken down."""

    def stop(number: int) -> None:
        del number
        raise KeyboardInterrupt

    with handled((signal.SIGTERM, signal.SIGHUP), stop):
        yield
