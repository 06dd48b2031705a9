"""Deploy plans to Mininet, and change networks that run on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from emulator.engines.hosts_file import hosts_text
from emulator.engines.limits import global_needs
from emulator.engines.mininet import launch, openflow
from emulator.engines.mininet.client import Driver
from emulator.engines.mininet.converge import converge, difference
from emulator.engines.mininet.document import document
from emulator.engines.mininet.making import Maker
from emulator.engines.mininet.network import DRIVER, MininetNetwork
from emulator.engines.mininet.place import ROOT, place_of
from emulator.engines.mininet.refusals import refuse
from emulator.engines.netns.removal import remove
from emulator.engines.place import require_root, store_of
from emulator.errors import EmulationError, UsageError
from emulator.linux.adopt import ready_root
from emulator.linux.interrupts import deferred
from emulator.linux.namespaces import ensure_private, restored
from emulator.linux.sysctl import Ledger
from emulator.network import LinkState, Progress, silent
from emulator.ovs.switches import Switches, bridges_of
from emulator.plan import Plan
from emulator.state import NetworkState, Record, state_root
from topologies.openflow import controllers_of, ovs_nodes

_OWN_TERMINALS = 1_100
"""Terminals that others need: 1,024 are kept for the first devpts (drivers/tty/pty.c), and some in use."""


class MininetEngine:
    """Deploys plans to Mininet, in namespaces of the network's own."""

    name = "mininet"
    needs_root = True

    def accept(self, plan: Plan) -> None:
        """Raise RefusedError with every reason why Mininet can't carry `plan` out here."""
        refuse(plan)

    def deploy(self, plan: Plan, file: str = "", progress: Progress = silent) -> MininetNetwork:
        """Make the network of `plan`; on any failure roll back and leave nothing."""
        require_root()
        state = NetworkState(state_root(), plan.topology.name)
        with state.locked("up"), deferred() as signals:

            def watched(phase: str, done: int, total: int) -> None:
                signals.check()
                progress(phase, done, total)

            running = _running(state)
            if running is not None:
                return _change(running, plan, state, file, progress)
            remove(state, silent)  # what an `up` or `down` that was killed left behind
            try:
                notes = _deploy(plan, state, file, watched)
                signals.check()
            except BaseException:
                remove(state, silent)
                raise
        network = MininetNetwork(state)
        network.notes = notes
        return network

    def attach(self, name: str) -> MininetNetwork:
        """Return the network `name` that runs; UsageError when there is none."""
        return MininetNetwork(NetworkState(state_root(), name))


def needs(plan: Plan) -> dict[str, int]:
    """Return {sysctl: least value}: what all networks need, and a terminal for each of Mininet's shells."""
    return global_needs(plan) | {"kernel.pty.max": plan.topology.node_count + _OWN_TERMINALS}


def _running(state: NetworkState) -> MininetNetwork | None:
    """Return the network if it is wholly up; UsageError if another engine runs it."""
    state.require_engine(MininetEngine.name)
    try:
        network = MininetNetwork(state)
        return network if network.health().running else None
    except EmulationError:  # no record, or a damaged one
        return None


def _deploy(plan: Plan, state: NetworkState, file: str, progress: Progress) -> tuple[str, ...]:
    """Make everything; return what people should know of it, a line each."""
    state.make()
    record = Record(name=plan.topology.name, engine=MininetEngine.name, file=file)
    state.write(record)
    state.save(plan.topology, hosts_text(plan))
    Ledger(state.root).require(state.name, needs(plan))
    store = store_of(state)
    store.folder.mkdir(mode=0o700)
    with restored("net", "mnt"):
        with state.shared_lock():
            ensure_private(store.pin.parent)
            store.pin.touch(mode=0o600)
            store.create()
        ready_root(store, ROOT, ipv6=plan.topology.pools.ipv6 is not None)
    switches = Switches(state.folder, store, plan.topology, file)
    environment = openflow.start(switches, store, plan)
    _make(plan, state, record, environment, progress)
    notes = openflow.verify(switches, plan, progress)
    record.phase = "up"
    state.write(record)
    return notes


def _make(
    plan: Plan, state: NetworkState, record: Record, environment: Mapping[str, str], progress: Progress
) -> None:
    """Start Mininet and have it make all nodes and links."""
    place, store = place_of(state), store_of(state)
    user = any(profile.switch == "user" for profile in plan.topology.node_profiles)
    running = launch.start(store, place, state.hosts_path, environment, own_tmp=user)
    record.options[DRIVER] = asdict(running)
    state.write(record)
    wanted = document(plan, bridges_of(plan))
    driver = Driver(state.name, place, running)
    with store.entered():
        driver.ask(("controllers", {"documents": wanted.controllers}))
        maker = Maker(plan, wanted, driver, store, progress)
        maker.make(range(plan.topology.node_count), list(wanted.links))


def _change(
    network: MininetNetwork, plan: Plan, state: NetworkState, file: str, progress: Progress
) -> MininetNetwork:
    """Make the running network be as `plan` says. What fails half-way is said, and taken down by `down`."""
    _refuse_change(network, plan)
    words = []
    for link in list(network.links):
        a, b = (network.topology.names[int(end)] for end in network.topology.ends[link])
        words.append(f"link {a} -- {b} is as the file says again")
    network.change_links(dict.fromkeys(network.links, LinkState()))
    old = Plan(network.topology, plan.engine, plan.placement)
    change = difference(old, plan)
    record = state.read()
    record.file = file
    notes: tuple[str, ...] = ()
    if not change.is_empty:
        record.phase = "changing"
        state.write(record)
        store = store_of(state)
        Ledger(state.root).require(state.name, needs(plan))
        with store.entered():
            converge((old, plan), change, network.driver, store, progress)
        notes = openflow.verify(Switches(state.folder, store, plan.topology, file), plan, progress)
        words += change.words(old, plan)
    state.save(plan.topology, hosts_text(plan))
    record.phase = "up"
    state.write(record)
    changed = MininetNetwork(state)
    changed.changes = tuple(words)
    changed.notes = notes
    return changed


def _refuse_change(network: MininetNetwork, plan: Plan) -> None:
    """Raise UsageError when the change is one that the running Mininet can't follow."""
    old, new = network.topology, plan.topology
    words = []
    if controllers_of(old) != controllers_of(new):
        words.append("its controllers differ")
    if ovs_nodes(new).any() and not ovs_nodes(old).any():
        words.append("it had no Open vSwitch and has some now")
    if (old.pools.ipv6 is None) != (new.pools.ipv6 is None):
        words.append("it changes between with and without IPv6")
    if words:
        name = network.name
        raise UsageError(f"`{name}` is up, and {'; '.join(words)}: `emulator down {name}` first")
