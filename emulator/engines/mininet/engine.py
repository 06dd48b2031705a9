"""Deploy plans to Mininet, and change networks that run on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from emulator.engines.deployment import NamespacedEngine
from emulator.engines.driven.client import Driver
from emulator.engines.driven.node_lines import program_name
from emulator.engines.limits import global_needs
from emulator.engines.mininet import launch, openflow
from emulator.engines.mininet.create import Creator
from emulator.engines.mininet.document import document
from emulator.engines.mininet.launch import ROOT, TITLE, paths_of
from emulator.engines.mininet.local import LocalNodes
from emulator.engines.mininet.network import DRIVER, MininetNetwork
from emulator.engines.mininet.refusals import refuse
from emulator.engines.mininet.transition import MininetTransition, refuse_change
from emulator.engines.store import open_store, store_of
from emulator.linux.namespaces.guard import namespace_guard
from emulator.linux.nodes.own_settings import apply_settings
from emulator.linux.nodes.pin_namespace import ready_root
from emulator.network import Progress
from emulator.ovs.planned_bridges import bridges_of
from emulator.ovs.switches import Switches
from emulator.plan import Plan
from emulator.state import NetworkState, Record

_OWN_TERMINALS = 1_100
"""Spare terminals: 1,024 are reserved for the first devpts (drivers/tty/pty.c), and some are in use."""


class MininetEngine(NamespacedEngine[MininetNetwork]):
    """Deploys plans to Mininet, in namespaces of the network's own."""

    name = "mininet"

    def accept(self, plan: Plan) -> None:
        """Raise RefusedError with every reason why Mininet can't carry `plan` out here."""
        refuse(plan)

    def handle(self, state: NetworkState) -> MininetNetwork:
        """Return the handle of the network whose state this is."""
        return MininetNetwork(state)

    def needs(self, plan: Plan) -> dict[str, int]:
        """Return {sysctl: least value}: the needs of all networks, and a terminal per shell."""
        return global_needs(plan) | {"kernel.pty.max": plan.topology.node_count + _OWN_TERMINALS}

    def make(self, plan: Plan, state: NetworkState, record: Record, progress: Progress) -> tuple[str, ...]:
        """Create everything; return notes for people, one line each."""
        with namespace_guard("net", "mnt"):
            store = open_store(state)
            ready_root(store, ROOT, ipv6=plan.topology.pools.ipv6 is not None)
        switches = Switches(state.folder, store, plan.topology, record.file)
        environment = openflow.start(switches, store, plan)
        _create(plan, state, record, environment, progress)
        apply_settings(plan, store_of(state), state.folder)
        return openflow.verify(switches, plan, progress)

    def refuse_change(self, network: MininetNetwork, new: Plan) -> None:
        """Raise UsageError when the running Mininet can't follow the change."""
        refuse_change(network.name, network.topology, new.topology)

    def transition(
        self, network: MininetNetwork, new: Plan, state: NetworkState, file: str
    ) -> MininetTransition:
        """Return the transition of the running network to the plan `new`."""
        return MininetTransition(network, new, state, file)

    def settle(self, network: MininetNetwork, old: Plan, new: Plan, state: NetworkState) -> None:
        """Set the nodes' own sysctls and files; put shells of remaining nodes under limits that differ."""
        apply_settings(new, store_of(state), state.folder)
        before = {name: old.topology.node_profile_of(node) for node, name in enumerate(old.topology.names)}
        nodes = [
            node
            for node, name in enumerate(new.topology.names)
            if (was := before.get(name))
            and (was.cpu, was.memory) != ((now := new.topology.node_profile_of(node)).cpu, now.memory)
        ]
        if nodes:
            names = [program_name(new, node) for node in nodes]
            (pids,) = network.driver.ask(("shells", {"names": names}))
            local = LocalNodes(new, store_of(state))
            for node, pid in zip(nodes, pids, strict=True):
                local.confine(node, pid)


def _create(
    plan: Plan, state: NetworkState, record: Record, environment: Mapping[str, str], progress: Progress
) -> None:
    """Start Mininet and let it create all nodes and links."""
    store = store_of(state)
    user = any(profile.switch == "user" for profile in plan.topology.node_profiles)
    process = launch.start(state, environment, own_tmp=user)
    record.options[DRIVER] = asdict(process)
    state.write(record)
    wanted = document(plan, bridges_of(plan))
    driver = Driver(state.name, TITLE, paths_of(state), process)
    with store.entered():
        driver.ask(("controllers", {"documents": wanted.controllers}))
        creator = Creator(plan, wanted, driver, LocalNodes(plan, store), progress)
        creator.create(range(plan.topology.node_count), list(wanted.links))
