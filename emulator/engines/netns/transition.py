"""Transition of a running network of this engine to another plan."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from emulator.difference import Difference, difference, same_plan
from emulator.engines.netns.switches import SwitchChange
from emulator.engines.store import store_of
from emulator.linux.nodes.converge import converge, keep_going
from emulator.linux.nodes.forget_learned import forget_learned
from emulator.linux.overlay.change import OverlayChange
from emulator.linux.overlay.devices.changed import DeviceChange
from emulator.network import Progress
from emulator.overlay.difference import OverlayDifference
from emulator.plan import Plan
from emulator.state import NetworkState


class NetnsTransition:
    """Transition from the plan `old` to `new`; `files` are the topology files of both."""

    def __init__(self, old: Plan, new: Plan, state: NetworkState, files: tuple[str, str]) -> None:
        self._old, self._new = old, new
        self._state, self._store, self._files = state, store_of(state), files
        self._change = difference(old.full, new.full)
        self._elsewhere = new.share is not None and not same_plan(old.full, new.full)
        self._switches = SwitchChange(old.full, new.full, state, self._store, files)
        self._ports = OverlayDifference(old.overlay, new.overlay)

    @property
    def is_empty(self) -> bool:
        """True when nothing differs in the kernel and in Open vSwitch."""
        empty = self._change.is_empty and self._switches.is_empty and self._ports.is_empty
        return empty and not self._elsewhere

    def lines(self) -> list[str]:
        """Return the changes for people, one line each."""
        names = self._new.topology.names
        switches = [] if self._switches.is_empty else ["changed switches of Open vSwitch"]
        full = self._change.lines(names[node] for node in self._change.new_nodes)
        return [*switches, *full, *self._ports.lines()]

    def carry_out(self, progress: Progress, check: Callable[[], None]) -> tuple[str, ...]:
        """Apply the changes; return notes for people."""
        del progress
        return self._lead(self._new.full, self._change, self._switches, self._ports, check)

    def roll_back(self) -> None:
        """Roll back to the old plan."""
        back = SwitchChange(self._new.full, self._old.full, self._state, self._store, self._files[::-1])
        change = difference(self._new.full, self._old.full)
        ports = OverlayDifference(self._new.overlay, self._old.overlay)
        self._lead(self._old.full, change, back, ports, keep_going)

    def _lead(
        self, plan: Plan, change: Difference, switches: SwitchChange, ports: OverlayDifference,
        check: Callable[[], None],
    ) -> tuple[str, ...]:  # fmt: skip
        switches.begin(change)
        ends = plan.topology.ends[change.new_links]
        names = plan.topology.names
        renumbered = [names.index(new.name) for old, new in change.kept if old.addresses != new.addresses]
        again = frozenset(np.unique(ends).tolist()).union(change.new_nodes, renumbered)
        with self._store.entered():
            if ports.is_empty and not (ports.new and again & ports.new.hosts.keys()):
                converge(plan.here, change, self._store, check)
            else:
                with self._of_ports(ports, again) as overlay:
                    overlay.begin()
                    converge(plan.here, change, self._store, check)
                    overlay.finish(check)
            forget_learned(plan.here, change, self._store, elsewhere=self._elsewhere)
        return switches.finish(lambda *_: check())

    def _of_ports(self, ports: OverlayDifference, again: frozenset[int]) -> OverlayChange | DeviceChange:
        if any(overlay is not None and overlay.ports.devices for overlay in (ports.old, ports.new)):
            return DeviceChange(ports, self._store)
        return OverlayChange(ports, self._store, again)
