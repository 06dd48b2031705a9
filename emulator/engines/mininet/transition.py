"""Transition of a running Mininet network to another plan, without interruption."""

from __future__ import annotations

from collections.abc import Callable

from emulator.engines.mininet import openflow
from emulator.engines.mininet.converge import converge, difference, roll_back
from emulator.engines.mininet.network import MininetNetwork
from emulator.engines.store import store_of
from emulator.errors import UsageError
from emulator.network import Progress, silent
from emulator.ovs.moved import announce_moved
from emulator.ovs.switches import Switches
from emulator.plan import Plan
from emulator.state import NetworkState
from topologies.openflow_switches import controllers_of, ovs_nodes
from topologies.topology import Topology


class MininetTransition:
    """Transition of a running network to the plan `new`, loaded from `file`."""

    def __init__(self, network: MininetNetwork, new: Plan, state: NetworkState, file: str) -> None:
        self._old, self._new = network.plan, new
        self._store, self._driver = store_of(state), network.driver
        self._was = network.switches
        self._will_be = Switches(state.folder, self._store, new.topology, file)
        self._change = difference(self._old, new)

    @property
    def is_empty(self) -> bool:
        """True when nothing differs."""
        return self._change.is_empty

    def lines(self) -> list[str]:
        """Return the changes for people, one line each."""
        return self._change.lines(self._old, self._new)

    def carry_out(self, progress: Progress, check: Callable[[], None]) -> tuple[str, ...]:
        """Apply the changes; return notes for people."""
        del check
        old, new, switches = self._old, self._new, self._will_be
        openflow.change_controllers(self._was, switches, old)
        with self._store.entered():
            converge((old, new), self._change, self._driver, self._store, progress)
        if self._change.moves:
            openflow.forget(switches, new)
        notes = openflow.verify(switches, new, progress)
        if self._change.moves and switches.there:
            announce_moved(switches, self._store, old, new)
        return notes

    def roll_back(self) -> None:
        """Roll back to the old plan, however far the change came."""
        with self._store.entered():
            roll_back(self._old, self._new, self._driver, self._store)
        openflow.change_controllers(self._will_be, self._was, self._new)
        openflow.forget(self._was, self._old)
        openflow.verify(self._was, self._old, silent)


def refuse_change(name: str, old: Topology, new: Topology) -> None:
    """Raise UsageError when the running Mininet of `name` can't follow a change to `new`."""
    words = []
    if controllers_of(old) != controllers_of(new):
        words.append("its controllers differ")
    if ovs_nodes(new).any() and not ovs_nodes(old).any():
        words.append("it had no Open vSwitch and has some now")
    if (old.pools.ipv6 is None) != (new.pools.ipv6 is None):
        words.append("it changes between with and without IPv6")
    if words:
        raise UsageError(f"`{name}` is up, and {'; '.join(words)}: `emulator down {name}` first")
