"""Deploy to namespaces: under the network's lock, with signals deferred, rolled back on failure."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from emulator.engines.changing import ChangingEngine, Running
from emulator.engines.deploy_phases import begin, finish
from emulator.engines.namespaced import NamespacedNetwork
from emulator.engines.running import running_network
from emulator.engines.store import remove, require_root, store_of, take_down
from emulator.linux.namespaces.mounts import require_lasting
from emulator.linux.processes.interrupts import deferred
from emulator.network import Progress, silent
from emulator.ovs.controllers import await_controllers
from emulator.ovs.switches import Switches
from emulator.plan import Plan
from emulator.services.control import lead, service_deviations
from emulator.state import NetworkState, Record, state_root
from topologies.openflow_switches import controllers_of


class NamespacedEngine(ChangingEngine[Running]):
    """An engine with networks in a NamespaceStore: subclasses define how to create and change them."""

    name: ClassVar[str]
    needs_root = True

    @abstractmethod
    def accept(self, plan: Plan) -> None:
        """Raise RefusedError with every reason why this machine can't carry `plan` out."""

    @abstractmethod
    def make(self, plan: Plan, state: NetworkState, record: Record, progress: Progress) -> tuple[str, ...]:
        """Create everything; return notes for people, one line each. The caller rolls back."""

    def deploy(self, plan: Plan, file: str = "", progress: Progress = silent) -> Running:
        """Create the network of `plan`, or change the running one; leave nothing new on failure."""
        require_root()
        require_lasting()
        state = NetworkState(state_root(), plan.topology.name)
        with state.locked("up"), deferred() as signals:

            def watched(phase: str, done: int, total: int) -> None:
                signals.check()
                progress(phase, done, total)

            running, lost = self._running(state, plan)
            if running is not None:
                broken = service_deviations(state, running.plan.here)
                started = _start_again(running, plan, state, file)
                repaired = tuple(f"repaired: {words}" for words in running.repair_before(plan))
                changed = self.change(running, plan, state, file, progress=progress, check=signals.check)
                also = tuple(f"repaired: {words}" for words in broken)
                changed.changes = (*repaired, *also, *(changed.changes or ()))
                if started:
                    _await_again(changed, plan, started, progress)
                changed.notes = (*changed.notes, *lead(state, store_of(state), plan.here, file, watched))
                return changed
            remove(state, silent)  # remains of a killed `up` or `down`
            try:
                record, limits = begin(plan, state, file, self.needs(plan))
                notes = (*limits, *self.make(plan, state, record, watched))
                finish(state, record)
                notes = (*notes, *lead(state, store_of(state), plan.here, file, watched))
                signals.check()
            except BaseException:
                remove(state, silent)
                raise
        network = self.handle(state)
        network.notes = (*notes, *lost)
        return network

    def attach(self, name: str) -> Running:
        """Return the running network `name`; UsageError when there is none.

        Raises UnableError, before anything is recorded, where the network can't be reached.
        """
        require_lasting()
        return self.handle(NetworkState(state_root(), name))

    def take_down(self, name: str, progress: Progress = silent) -> None:
        """Remove everything of the network `name`, whatever state it is in."""
        take_down(NetworkState(state_root(), name), progress)

    def _running(self, state: NetworkState, plan: Plan) -> tuple[Running | None, tuple[str, ...]]:
        """Return the network if it is up, and repair what its nodes lack.

        A network with ended controllers counts as up only if `plan` has the same controllers. Returns None if
        it must be created again, with a line that gives the reason; without a line when nothing of it
        exists. UsageError if another engine runs it.
        """
        state.require_engine(self.name)
        return running_network(state, self.handle, lambda network: _ended_and_others(network, plan))


def _ended_and_others(network: NamespacedNetwork, plan: Plan) -> str:
    """Return a reason if controllers have ended and `plan` has others: those can't be started again."""
    if controllers_of(network.topology) == controllers_of(plan.topology):
        return ""
    ended = network.stopped_controllers()
    return f"{', '.join(ended)} had ended, and the file has other controllers" if ended else ""


def _start_again(network: NamespacedNetwork, plan: Plan, state: NetworkState, file: str) -> tuple[str, ...]:
    """Start the controllers that have ended; return a line for each."""
    names = network.stopped_controllers()
    if not names:
        return ()
    controllers = Switches(
        state.folder, store_of(state), plan.topology, file, plan.full.here.nodes
    ).controllers
    controllers.start(names)
    return tuple(f"started {controllers.called(name)} again" for name in names)


def _await_again(network: NamespacedNetwork, plan: Plan, words: tuple[str, ...], progress: Progress) -> None:
    """Wait until the switches are connected to restarted controllers; report both."""
    assert network.switches is not None  # noqa: S101 -- the controllers are theirs
    network.changes = (*words, *(network.changes or ()))
    warning = await_controllers(network.switches, plan, progress, again=True)
    network.notes = tuple(dict.fromkeys(filter(None, (*network.notes, warning))))
