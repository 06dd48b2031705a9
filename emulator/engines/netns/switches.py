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


def start_switches(
    plan: Plan, state: NetworkState, store: NamespaceStore, file: str, progress: Progress
) -> tuple[str, ...]:
    """Start the Open vSwitch of a network whose nodes are made; return what people should know."""
    topology = plan.topology
    if not ovs_nodes(topology).any():
        return ()
    switches = Switches(state.folder, store, topology, file)
    switches.start(plan, progress)
    with store.entered():
        for node, names in userspace_ports(topology, bridges_of(plan)).items():
            store.go(topology.names[node])
            compute_checksums(names)
    warning = switches.await_controllers(plan, progress)
    chosen = " and ".join(sorted(switches.datapaths()))
    return tuple(filter(None, (f"Open vSwitch: {chosen} datapath", warning)))
