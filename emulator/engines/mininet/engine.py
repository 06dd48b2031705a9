"""Deploy plans to Mininet, and change networks that run on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict

from emulator.change_words import identity_words, limit_words
from emulator.engines.deployment import (
    NamespacedEngine,
    as_filed,
    begin,
    finish,
    raise_limits,
)
from emulator.engines.driven.client import Driver
from emulator.engines.hosts_file import hosts_text
from emulator.engines.limits import global_needs
from emulator.engines.mininet import launch, openflow
from emulator.engines.mininet.converge import converge, difference, take_back
from emulator.engines.mininet.create import Maker
from emulator.engines.mininet.document import document, mininet_name
from emulator.engines.mininet.launch import ROOT, TITLE, paths_of
from emulator.engines.mininet.local import LocalNodes
from emulator.engines.mininet.network import DRIVER, MininetNetwork
from emulator.engines.mininet.refusals import refuse
from emulator.engines.store import open_store, store_of
from emulator.errors import UsageError
from emulator.linux.namespace_guard import namespace_guard
from emulator.linux.namespaces import NamespaceStore
from emulator.linux.pin_namespace import ready_root
from emulator.network import LinkState, Progress, silent
from emulator.ovs.moved import tell_moved
from emulator.ovs.planned_bridges import bridges_of
from emulator.ovs.switches import Switches
from emulator.plan import Plan
from emulator.state import NetworkState, Record
from topologies.openflow_switches import controllers_of, ovs_nodes

_OWN_TERMINALS = 1_100
"""Terminals that others need: 1,024 are kept for the first devpts (drivers/tty/pty.c), and some in use."""


class MininetEngine(NamespacedEngine[MininetNetwork]):
    """Deploys plans to Mininet, in namespaces of the network's own."""

    name = "mininet"

    def accept(self, plan: Plan) -> None:
        """Raise RefusedError with every reason why Mininet can't carry `plan` out here."""
        refuse(plan)

    def handle(self, state: NetworkState) -> MininetNetwork:
        """Return the handle of the network whose state this is."""
        return MininetNetwork(state)

    def make(self, plan: Plan, state: NetworkState, file: str, progress: Progress) -> tuple[str, ...]:
        """Make everything; return what people should know of it, a line each."""
        record, limits = begin(plan, state, file, needs(plan))
        with namespace_guard("net", "mnt"):
            store = open_store(state)
            ready_root(store, ROOT, ipv6=plan.topology.pools.ipv6 is not None)
        switches = Switches(state.folder, store, plan.topology, file)
        environment = openflow.start(switches, store, plan)
        _make(plan, state, record, environment, progress)
        notes = openflow.verify(switches, plan, progress)
        finish(state, record)
        return (*limits, *notes)

    def change(
        self, network: MininetNetwork, plan: Plan, state: NetworkState, file: str, *,
        progress: Progress, check: Callable[[], None],
    ) -> MininetNetwork:  # fmt: skip
        """Make the running network be as `plan` says, uninterrupted; on failure change it back."""
        del check
        _refuse_change(network, plan)
        words = as_filed(network)
        network.change_links(dict.fromkeys(network.links, LinkState()))
        old = network.plan
        change = difference(old, plan)
        record = state.read()
        notes: tuple[str, ...] = ()
        if not change.is_empty:
            record.phase = "changing"
            state.write(record)
            store = store_of(state)
            switches = Switches(state.folder, store, plan.topology, file)
            raise_limits(state, needs(old), needs(plan))
            try:
                openflow.change_controllers(network.switches, switches, old)
                with store.entered():
                    converge((old, plan), change, network.driver, store, progress)
                if change.moves:
                    openflow.forget(switches, plan)
                notes = openflow.verify(switches, plan, progress)
                if change.moves and switches.there:
                    tell_moved(switches, store, old, plan)
            except BaseException:
                with store.entered():
                    take_back(old, plan, network.driver, store)
                openflow.change_controllers(switches, network.switches, plan)
                openflow.forget(network.switches, old)
                openflow.verify(network.switches, old, silent)
                raise_limits(state, needs(old))
                finish(state, record)
                raise
            words += change.words(old, plan)
            words += identity_words(old, plan)
        words += limit_words(old, plan)
        _confine_anew(old, plan, network.driver, store_of(state))
        record.file = file
        state.save(plan.topology, hosts_text(plan.whole))
        finish(state, record)
        changed = MininetNetwork(state)
        changed.changes = tuple(words)
        changed.notes = (*raise_limits(state, needs(plan)), *notes)
        return changed


def needs(plan: Plan) -> dict[str, int]:
    """Return {sysctl: least value}: what all networks need, and a terminal for each of Mininet's shells."""
    return global_needs(plan) | {"kernel.pty.max": plan.topology.node_count + _OWN_TERMINALS}


def _make(
    plan: Plan, state: NetworkState, record: Record, environment: Mapping[str, str], progress: Progress
) -> None:
    """Start Mininet and have it make all nodes and links."""
    store = store_of(state)
    user = any(profile.switch == "user" for profile in plan.topology.node_profiles)
    running = launch.start(state, environment, own_tmp=user)
    record.options[DRIVER] = asdict(running)
    state.write(record)
    wanted = document(plan, bridges_of(plan))
    driver = Driver(state.name, TITLE, paths_of(state), running)
    with store.entered():
        driver.ask(("controllers", {"documents": wanted.controllers}))
        maker = Maker(plan, wanted, driver, LocalNodes(plan, store), progress)
        maker.make(range(plan.topology.node_count), list(wanted.links))


def _confine_anew(old: Plan, new: Plan, driver: Driver, store: NamespaceStore) -> None:
    """Put the shells of nodes that stay under the limits of `new` where `old` has others."""
    before = {name: old.topology.node_profile_of(node) for node, name in enumerate(old.topology.names)}
    nodes = [
        node
        for node, name in enumerate(new.topology.names)
        if (was := before.get(name))
        and (was.cpu, was.memory) != ((now := new.topology.node_profile_of(node)).cpu, now.memory)
    ]
    if nodes:
        (pids,) = driver.ask(("shells", {"names": [mininet_name(new, node) for node in nodes]}))
        for node, pid in zip(nodes, pids, strict=True):
            LocalNodes(new, store).confine(node, pid)


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
