"""Deploy plans to Mininet."""

from __future__ import annotations

from dataclasses import asdict

from emulator.engines.hosts_file import hosts_text
from emulator.engines.limits import global_needs
from emulator.engines.mininet import launch
from emulator.engines.mininet.client import Driver
from emulator.engines.mininet.document import document
from emulator.engines.mininet.making import Maker
from emulator.engines.mininet.network import DRIVER, MininetNetwork
from emulator.engines.mininet.place import ROOT, place_of
from emulator.engines.netns.removal import remove
from emulator.engines.place import require_root, store_of
from emulator.linux.adopt import ready_root
from emulator.linux.interrupts import deferred
from emulator.linux.namespaces import ensure_private, restored
from emulator.linux.sysctl import Ledger
from emulator.network import Progress, silent
from emulator.plan import Plan
from emulator.state import NetworkState, Record, state_root


class MininetEngine:
    """Deploys plans to Mininet, in namespaces of the network's own."""

    name = "mininet"
    needs_root = True

    def accept(self, plan: Plan) -> None:
        """Raise RefusedError with every reason why Mininet can't carry `plan` out here."""

    def deploy(self, plan: Plan, file: str = "", progress: Progress = silent) -> MininetNetwork:
        """Make the network of `plan`; on any failure roll back and leave nothing."""
        require_root()
        state = NetworkState(state_root(), plan.topology.name)
        with state.locked("up"), deferred() as signals:

            def watched(phase: str, done: int, total: int) -> None:
                signals.check()
                progress(phase, done, total)

            state.require_engine(self.name)
            remove(state, silent)  # what an `up` or `down` that was killed left behind
            try:
                _deploy(plan, state, file, watched)
                signals.check()
            except BaseException:
                remove(state, silent)
                raise
        return MininetNetwork(state)

    def attach(self, name: str) -> MininetNetwork:
        """Return the network `name` that runs; UsageError when there is none."""
        return MininetNetwork(NetworkState(state_root(), name))


def _deploy(plan: Plan, state: NetworkState, file: str, progress: Progress) -> None:
    state.make()
    record = Record(name=plan.topology.name, engine=MininetEngine.name, file=file)
    state.write(record)
    state.save(plan.topology, hosts_text(plan))
    Ledger(state.root).require(state.name, global_needs(plan))
    store = store_of(state)
    store.folder.mkdir(mode=0o700)
    with restored("net", "mnt"):
        with state.shared_lock():
            ensure_private(store.pin.parent)
            store.pin.touch(mode=0o600)
            store.create()
        ready_root(store, ROOT, ipv6=plan.topology.pools.ipv6 is not None)
    place = place_of(state)
    running = launch.start(store, place, state.hosts_path, {})
    record.options[DRIVER] = asdict(running)
    state.write(record)
    wanted = document(plan)
    with Driver(state.name, place, running) as driver, store.entered():
        Maker(plan, wanted, driver, store, progress).make(range(plan.topology.node_count), list(wanted.links))
    record.phase = "up"
    state.write(record)
