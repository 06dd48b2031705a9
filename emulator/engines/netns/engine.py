"""Deploy plans to this machine's kernel, and change networks that run."""

from __future__ import annotations

from collections.abc import Callable

from emulator.difference import Difference, difference
from emulator.engines.hosts_file import hosts_text
from emulator.engines.limits import global_needs
from emulator.engines.netns.network import NetnsNetwork
from emulator.engines.netns.removal import remove
from emulator.engines.netns.switches import SwitchChange, start_switches
from emulator.engines.place import require_root, store_of
from emulator.engines.refusals import refuse
from emulator.errors import EmulationError
from emulator.linux.converge import converge, keep_going
from emulator.linux.deploy import make_nodes
from emulator.linux.interrupts import deferred
from emulator.linux.namespaces import NamespaceStore, ensure_private, restored
from emulator.linux.sysctl import Ledger
from emulator.network import LinkState, Progress, silent
from emulator.plan import Plan
from emulator.state import NetworkState, Record, state_root


class NetnsEngine:
    """Deploys plans to this machine's kernel."""

    name = "netns"
    needs_root = True

    def accept(self, plan: Plan) -> None:
        """Raise RefusedError with every reason why this machine can't carry `plan` out."""
        refuse(plan)

    def deploy(self, plan: Plan, file: str = "", progress: Progress = silent) -> NetnsNetwork:
        """Make the network of `plan`; on any failure roll back and leave nothing."""
        require_root()
        state = NetworkState(state_root(), plan.topology.name)
        with state.locked("up"), deferred() as signals:

            def watched(phase: str, done: int, total: int) -> None:
                signals.check()
                progress(phase, done, total)

            running = _running(state)
            if running is not None:
                return _change(running, plan, state, file, signals.check)
            remove(state, silent)  # what an `up` or `down` that was killed left behind
            try:
                notes = _deploy(plan, state, file, watched)
                signals.check()
            except BaseException:
                remove(state, silent)
                raise
        network = NetnsNetwork(state)
        network.notes = notes
        return network

    def attach(self, name: str) -> NetnsNetwork:
        """Return the network `name` that runs; UsageError when there is none."""
        return NetnsNetwork(NetworkState(state_root(), name))


def _running(state: NetworkState) -> NetnsNetwork | None:
    """Return the network if it is wholly up; UsageError if another engine runs it."""
    state.require_engine(NetnsEngine.name)
    try:
        network = NetnsNetwork(state)
        return network if network.health().running else None
    except EmulationError:  # no record, or a damaged one
        return None


def _change(
    network: NetnsNetwork, plan: Plan, state: NetworkState, file: str, check: Callable[[], None]
) -> NetnsNetwork:
    """Make the running network be as `plan` says; on failure change it back."""
    words = []
    for link in list(network.links):
        a, b = (network.topology.names[int(end)] for end in network.topology.ends[link])
        words.append(f"link {a} -- {b} is as the file says again")
    network.change_links(dict.fromkeys(network.links, LinkState()))
    old = Plan(network.topology, plan.engine, plan.placement)
    change = difference(old, plan)
    record = state.read()
    store, files = store_of(state), (record.file, file)
    switches = SwitchChange(old, plan, state, store, files)
    record.file = file
    notes: tuple[str, ...] = ()
    if not (change.is_empty and switches.is_empty):
        record.phase = "changing"
        state.write(record)
        Ledger(state.root).require(state.name, global_needs(plan))
        try:
            notes = _carry_out(plan, change, store, switches, check)
        except BaseException:
            back = SwitchChange(plan, old, state, store, files[::-1])
            _carry_out(old, difference(plan, old), store, back, keep_going)
            record.phase = "up"
            state.write(record)
            raise
        if not switches.is_empty:
            words.append("changed switches of Open vSwitch")
        words += change.words(plan.topology.names[node] for node in change.new_nodes)
    state.save(plan.topology, hosts_text(plan))
    record.phase = "up"
    state.write(record)
    changed = NetnsNetwork(state)
    changed.changes = tuple(words)
    changed.notes = notes
    return changed


def _carry_out(
    plan: Plan, change: Difference, store: NamespaceStore, switches: SwitchChange, check: Callable[[], None]
) -> tuple[str, ...]:
    """Carry out a change of what the kernel and Open vSwitch hold; return what people should know."""
    switches.begin(change)
    with store.entered():
        converge(plan, change, store, check)
    return switches.finish(lambda *_: check())


def _deploy(plan: Plan, state: NetworkState, file: str, progress: Progress) -> tuple[str, ...]:
    """Make everything; return what people should know of it, a line each."""
    state.make()
    record = Record(name=plan.topology.name, engine="netns", file=file)
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
        make_nodes(plan, store, progress)
    notes = start_switches(plan, state, store, file, progress)
    record.phase = "up"
    state.write(record)
    return notes
