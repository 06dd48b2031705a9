"""Deploy plans to this machine's kernel, and change networks that run."""

from __future__ import annotations

from emulator.engines.deployment import NamespacedEngine
from emulator.engines.limits import global_needs
from emulator.engines.netns.network import NetnsNetwork
from emulator.engines.netns.refusals import refuse
from emulator.engines.netns.switches import start_switches
from emulator.engines.netns.transition import NetnsTransition
from emulator.engines.store import open_store, store_of
from emulator.linux.namespaces.guard import namespace_guard
from emulator.linux.nodes.deploy import create_nodes
from emulator.linux.nodes.own_settings import apply_settings
from emulator.linux.outside.ways import Ways
from emulator.linux.overlay.create import create_ports
from emulator.linux.overlay.devices.network import DeviceNetwork
from emulator.network import Progress
from emulator.plan import Plan
from emulator.state import NetworkState, Record


class NetnsEngine(NamespacedEngine[NetnsNetwork]):
    """Deploys plans to this machine's kernel."""

    name = "netns"

    def accept(self, plan: Plan) -> None:
        """Raise RefusedError with every reason why this machine can't carry `plan` out."""
        refuse(plan)

    def handle(self, state: NetworkState) -> NetnsNetwork:
        """Return the handle of the network whose state this is."""
        return NetnsNetwork(state)

    def needs(self, plan: Plan) -> dict[str, int]:
        """Return {sysctl: least value}."""
        return global_needs(plan.full)

    def make(self, plan: Plan, state: NetworkState, record: Record, progress: Progress) -> tuple[str, ...]:
        """Create everything; return notes for people, one line each."""
        with namespace_guard("net", "mnt"):
            store = open_store(state)
            ways = Ways(state, store)
            ways.prepare(plan.full.here)
            create_nodes(plan.full.here, store, progress)
            apply_settings(plan, store, state.folder)
            if plan.overlay is not None and plan.overlay.ports.devices:
                DeviceNetwork(plan.overlay, plan.ports_up, store).create(progress)
            elif plan.overlay is not None:
                create_ports(plan.overlay, plan.ports_up, store, progress)
        led = ways.lead(plan.full.here)
        return (*led, *start_switches(plan.full, state, store, record.file, progress))

    def settle(self, network: NetnsNetwork, old: Plan, new: Plan, state: NetworkState) -> None:
        """Set the nodes' own sysctls and files."""
        del network, old
        Ways(state, store_of(state)).lead(new.full.here)
        apply_settings(new, store_of(state), state.folder)

    def transition(self, network: NetnsNetwork, new: Plan, state: NetworkState, file: str) -> NetnsTransition:
        """Return the transition of the running network to the plan `new`."""
        return NetnsTransition(network.plan, new, state, (state.read().file, file))
