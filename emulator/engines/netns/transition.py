"""Transition of a running network of this engine to another plan."""

from __future__ import annotations

from collections.abc import Callable

from emulator.difference import Difference, difference
from emulator.engines.netns.switches import SwitchChange
from emulator.engines.store import store_of
from emulator.linux.nodes.converge import converge, keep_going
from emulator.network import Progress
from emulator.plan import Plan
from emulator.state import NetworkState


class NetnsTransition:
    """Transition from the plan `old` to `new`; `files` are the topology files of both."""

    def __init__(self, old: Plan, new: Plan, state: NetworkState, files: tuple[str, str]) -> None:
        self._old, self._new = old, new
        self._state, self._store, self._files = state, store_of(state), files
        self._change = difference(old, new)
        self._switches = SwitchChange(old, new, state, self._store, files)

    @property
    def is_empty(self) -> bool:
        """True when nothing differs in the kernel and in Open vSwitch."""
        return self._change.is_empty and self._switches.is_empty

    def lines(self) -> list[str]:
        """Return the changes for people, one line each."""
        names = self._new.topology.names
        switches = [] if self._switches.is_empty else ["changed switches of Open vSwitch"]
        return [*switches, *self._change.lines(names[node] for node in self._change.new_nodes)]

    def carry_out(self, progress: Progress, check: Callable[[], None]) -> tuple[str, ...]:
        """Apply the changes; return notes for people."""
        del progress
        return self._lead(self._new, self._change, self._switches, check)

    def roll_back(self) -> None:
        """Roll back to the old plan."""
        back = SwitchChange(self._new, self._old, self._state, self._store, self._files[::-1])
        self._lead(self._old, difference(self._new, self._old), back, keep_going)

    def _lead(
        self, plan: Plan, change: Difference, switches: SwitchChange, check: Callable[[], None]
    ) -> tuple[str, ...]:
        switches.begin(change)
        with self._store.entered():
            converge(plan.whole, change, self._store, check)
        return switches.finish(lambda *_: check())
