"""Dry-run engine: a network in memory that answers according to the graph.

It is part of the package and creates nothing in the kernel. Tests of the layers above the engines use it,
and users can try a file without root. Its run record is like any other's: `status`, `check`, `link` and
`down` work on it from another process.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import ClassVar

from emulator.access import Capability, Echo
from emulator.checks.components import expectation
from emulator.checks.crossing_times import LOW
from emulator.checks.round_trips import RoundTrips
from emulator.commands import CommandResult
from emulator.deviation import Deviation
from emulator.engines.dry_run_session import DryRunSession
from emulator.engines.limited_access import LimitedAccess
from emulator.engines.recorded import RecordedNetwork
from emulator.engines.refusals import several_workers
from emulator.errors import RefusedError
from emulator.link_states import links_up
from emulator.network import Health, LinkState, Progress, silent
from emulator.plan import Plan
from emulator.removed_elements import RemovedElements
from emulator.state import NetworkState, Record, state_root
from emulator.stress_lock import left_over


def _would_run(argv: Sequence[str]) -> str:
    return f"dry-run: would run {' '.join(argv)}\n"


class DryRunAccess(LimitedAccess):
    """Access to nodes in memory: commands are printed and not run."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({
        Capability.COMMANDS, Capability.TERMINAL, Capability.PING,
    })  # fmt: skip

    def __init__(self, network: DryRunNetwork) -> None:
        super().__init__(network.engine)
        self._network = network

    def execute(
        self, nodes: Sequence[int], argv: Sequence[str], timeout: float | None = None
    ) -> Sequence[CommandResult]:
        """Run nothing; return the command as text."""
        del timeout
        said = _would_run(argv).encode()
        return [CommandResult(self._network.topology.names[node], 0, said) for node in nodes]

    def interact(self, node: int, argv: Sequence[str], timeout: float | None = None) -> int:
        """Run nothing; say so where the command would have written."""
        del node, timeout
        with suppress(BrokenPipeError):
            os.write(1, _would_run(argv).encode())
        return 0

    def ping(self, echoes: Sequence[Echo], timeout: float) -> Sequence[float | None]:
        """Answer according to the graph, without the links that are down, after the least delay of the rest.

        The times are computed and nobody waits for them.
        """
        del timeout
        network, topology = self._network, self._network.topology
        states = network.link_changes
        up = links_up(topology, states)
        up[list(network.removed.links_down())] = False
        answers = expectation(topology, up)
        owners = {a: node for node in range(topology.node_count) for a in network.addresses(node)}
        asked = [
            (at, (echo.source, owners[echo.target], echo.target))
            for at, echo in enumerate(echoes)
            if echo.target in owners and answers(echo.source, owners[echo.target], echo.target)
        ]
        out: list[float | None] = [None] * len(echoes)
        times = RoundTrips(topology, states, up).of([question for _, question in asked])
        for (at, _), seconds in zip(asked, times[:, LOW].tolist(), strict=True):
            out[at] = seconds
        return out


class DryRunNetwork(RecordedNetwork):
    """A network that exists in its run record only."""

    def __init__(self, state: NetworkState) -> None:
        super().__init__(state)
        self.removed = RemovedElements(self.topology)

    @cached_property
    def access(self) -> DryRunAccess:
        """Access that answers according to the graph."""
        return DryRunAccess(self)

    def health(self) -> Health:
        """Everything always exists, except what a killed stress run removed."""
        problems = tuple(left_over(self._state.folder))
        return Health(running=not problems, nodes=self.topology.node_count, problems=problems)

    def set_link(self, link: int, state: LinkState) -> None:
        """Record the link's new state."""
        self.set_links({link: state})

    def set_links(self, wanted: Mapping[int, LinkState]) -> None:
        """Record the links' new states."""
        for link, state in wanted.items():
            self._record.set_link(link, state)
        self._state.write(self._record)
        self._plan_again()

    def session(self) -> DryRunSession:
        """Return a session that changes nothing but this handle's set of removed elements."""
        return DryRunSession(self.topology, self.removed)

    def deviations(self) -> Sequence[Deviation]:
        """Find nothing: what runs is the graph itself."""
        return ()

    def repair(self) -> list[str]:
        """Find nothing missing: sessions don't record what they remove."""
        return []

    def down(self, progress: Progress = silent) -> None:
        """Remove the network's record."""
        DryRunEngine().take_down(self.name, progress)


class DryRunEngine:
    """Deploys plans to memory."""

    name = "dry-run"
    needs_root = False

    def accept(self, plan: Plan) -> None:
        """Accept any plan for one machine: nothing is created."""
        if reasons := several_workers(plan):
            raise RefusedError(reasons)

    def deploy(self, plan: Plan, file: str = "", progress: Progress = silent) -> DryRunNetwork:
        """Write the run record."""
        state = NetworkState(state_root(), plan.topology.name)
        with state.locked("up"):
            state.require_engine(self.name)
            state.make()
            state.save(plan, hosts=None)
            state.write(Record.of_plan(plan, file, "up"))
        progress("nodes", plan.topology.node_count, plan.topology.node_count)
        return DryRunNetwork(state)

    def attach(self, name: str) -> DryRunNetwork:
        """Return the network `name`."""
        return DryRunNetwork(NetworkState(state_root(), name))

    def take_down(self, name: str, progress: Progress = silent) -> None:
        """Remove the record of the network `name`."""
        del progress
        state = NetworkState(state_root(), name)
        with state.locked("down"):
            state.remove()
