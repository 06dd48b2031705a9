"""Deploy plans to this machine's kernel, and change networks that run."""

from __future__ import annotations

from collections.abc import Callable

from emulator.change_words import identity_words, limit_words
from emulator.difference import Difference, difference
from emulator.engines.deployment import (
    NamespacedEngine,
    as_filed,
    begin,
    finish,
    raise_limits,
)
from emulator.engines.hosts_file import hosts_text
from emulator.engines.limits import global_needs
from emulator.engines.netns.network import NetnsNetwork
from emulator.engines.netns.switches import SwitchChange, start_switches
from emulator.engines.refusals import refuse
from emulator.engines.store import open_store, store_of
from emulator.linux.converge import converge, keep_going
from emulator.linux.deploy import make_nodes
from emulator.linux.namespace_guard import namespace_guard
from emulator.linux.namespaces import NamespaceStore
from emulator.network import LinkState, Progress
from emulator.plan import Plan
from emulator.state import NetworkState


class NetnsEngine(NamespacedEngine[NetnsNetwork]):
    """Deploys plans to this machine's kernel."""

    name = "netns"

    def accept(self, plan: Plan) -> None:
        """Raise RefusedError with every reason why this machine can't carry `plan` out."""
        refuse(plan)

    def handle(self, state: NetworkState) -> NetnsNetwork:
        """Return the handle of the network whose state this is."""
        return NetnsNetwork(state)

    def make(self, plan: Plan, state: NetworkState, file: str, progress: Progress) -> tuple[str, ...]:
        """Make everything; return what people should know of it, a line each."""
        record, limits = begin(plan, state, file, global_needs(plan))
        with namespace_guard("net", "mnt"):
            store = open_store(state)
            make_nodes(plan.whole, store, progress)
        notes = start_switches(plan, state, store, file, progress)
        finish(state, record)
        return (*limits, *notes)

    def change(
        self, network: NetnsNetwork, plan: Plan, state: NetworkState, file: str, *,
        progress: Progress, check: Callable[[], None],
    ) -> NetnsNetwork:  # fmt: skip
        """Make the running network be as `plan` says; on failure change it back."""
        del progress
        words = as_filed(network)
        network.change_links(dict.fromkeys(network.links, LinkState()))
        old = network.plan
        change = difference(old, plan)
        record = state.read()
        store, files = store_of(state), (record.file, file)
        switches = SwitchChange(old, plan, state, store, files)
        notes: tuple[str, ...] = ()
        if not (change.is_empty and switches.is_empty):
            record.phase = "changing"
            state.write(record)
            raise_limits(state, global_needs(old), global_needs(plan))
            try:
                notes = _carry_out(plan, change, store, switches, check)
            except BaseException:
                back = SwitchChange(plan, old, state, store, files[::-1])
                _carry_out(old, difference(plan, old), store, back, keep_going)
                raise_limits(state, global_needs(old))
                finish(state, record)
                raise
            if not switches.is_empty:
                words.append("changed switches of Open vSwitch")
            words += change.words(plan.topology.names[node] for node in change.new_nodes)
            words += identity_words(old, plan)
        words += limit_words(old, plan)
        record.file = file
        state.save(plan.topology, hosts_text(plan.whole))
        finish(state, record)
        changed = NetnsNetwork(state)
        changed.changes = tuple(words)
        changed.notes = (*raise_limits(state, global_needs(plan)), *notes)
        return changed


def _carry_out(
    plan: Plan, change: Difference, store: NamespaceStore, switches: SwitchChange, check: Callable[[], None]
) -> tuple[str, ...]:
    """Carry out a change of what the kernel and Open vSwitch hold; return what people should know."""
    switches.begin(change)
    with store.entered():
        converge(plan, change, store, check)
    return switches.finish(lambda *_: check())
