"""Switches of Open vSwitch as part of a network of this engine."""

from __future__ import annotations

from emulator.linux.namespaces import NamespaceStore
from emulator.linux.offload import compute_checksums
from emulator.network import Progress
from emulator.ovs.bridges import userspace_ports
from emulator.ovs.switches import Switches, bridges_of
from emulator.plan import Plan
from emulator.state import NetworkState
from topologies.openflow import ovs_nodes
from topologies.topology import Topology


def switches_of(state: NetworkState, store: NamespaceStore, topology: Topology, file: str) -> Switches | None:
    """Return the Open vSwitch of a network, None when it has none."""
    return Switches(state.folder, store, topology, file) if ovs_nodes(topology).any() else None


def start_switches(
    plan: Plan, state: NetworkState, store: NamespaceStore, file: str, progress: Progress
) -> tuple[str, ...]:
    """Start the Open vSwitch of a network whose nodes are made; return what people should know."""
    topology = plan.topology
    switches = switches_of(state, store, topology, file)
    if switches is None:
        return ()
    switches.start(plan, progress)
    with store.entered():
        for node, names in userspace_ports(topology, bridges_of(plan)).items():
            store.go(topology.names[node])
            compute_checksums(names)
    warning = switches.await_controllers(plan, progress)
    chosen = " and ".join(sorted(switches.datapaths()))
    return tuple(filter(None, (f"Open vSwitch: {chosen} datapath", warning)))
