"""Change a running network: record the differences, apply them, and roll back on failure.

The engine determines the differences and how to apply them: a `Transition`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from emulator.difference import same_plan
from emulator.engines.deploy_phases import finish, raise_limits
from emulator.engines.hosts_file import hosts_of
from emulator.engines.namespaced import NamespacedNetwork
from emulator.engines.share import claim_vnis
from emulator.network import LinkState, Progress
from emulator.plan import Plan
from emulator.plan_changes import identity_changes, limit_changes
from emulator.state import NetworkState

Running = TypeVar("Running", bound=NamespacedNetwork)


class Transition(Protocol):
    """Transition of a running network from its plan to another."""

    @property
    def is_empty(self) -> bool:
        """True when nothing differs."""
        ...

    def lines(self) -> list[str]:
        """Return the changes for people, one line each."""
        ...

    def carry_out(self, progress: Progress, check: Callable[[], None]) -> tuple[str, ...]:
        """Apply the changes; return notes for people. `check()` raises when a signal asks to stop."""
        ...

    def roll_back(self) -> None:
        """Roll back to the old plan, however far `carry_out` came."""
        ...


class ChangingEngine(ABC, Generic[Running]):
    """An engine that changes only the differences from the running network."""

    @abstractmethod
    def handle(self, state: NetworkState) -> Running:
        """Return the handle of the network whose state this is."""

    @abstractmethod
    def needs(self, plan: Plan) -> dict[str, int]:
        """Return {sysctl: least value}: limits of the machine that the network needs."""

    @abstractmethod
    def transition(self, network: Running, new: Plan, state: NetworkState, file: str) -> Transition:
        """Return the transition of the running network to the plan `new`, loaded from `file`."""

    def refuse_change(self, network: Running, new: Plan) -> None:
        """Raise UsageError when a running network can't follow the change."""

    def settle(self, network: Running, old: Plan, new: Plan, state: NetworkState) -> None:
        """Apply the consequences of a change, even where nothing in the kernel differs."""

    def change(
        self, network: Running, plan: Plan, state: NetworkState, file: str,
        *, progress: Progress, check: Callable[[], None],
    ) -> Running:  # fmt: skip
        """Change the running network to `plan`; roll back on failure."""
        self.refuse_change(network, plan)
        words = network.as_filed()
        network.change_links(dict.fromkeys(network.link_changes, LinkState()))
        old, record = network.plan, state.read()
        transition = self.transition(network, plan, state, file)
        notes: tuple[str, ...] = ()
        if not transition.is_empty:
            claim_vnis(state, old, plan)
            record.phase = "changing"
            state.write(record)
            raise_limits(state, self.needs(old), self.needs(plan))
            try:
                notes = transition.carry_out(progress, check)
            except BaseException:
                transition.roll_back()
                raise_limits(state, self.needs(old))
                claim_vnis(state, old)
                finish(state, record)
                raise
            words += transition.lines()
            if not same_plan(old.full, plan.full):  # else light ports changed alone
                words += identity_changes(old, plan)
        words += limit_changes(old, plan)
        self.settle(network, old, plan, state)
        record.file = file
        record.set_plan(plan)
        state.save(plan, hosts_of(plan))
        claim_vnis(state, plan)
        finish(state, record)
        changed = self.handle(state)
        changed.changes = tuple(words)
        changed.notes = (*raise_limits(state, self.needs(plan)), *notes)
        return changed
