"""Deploy plans to the workers of a cluster: refused before anything is made, rolled back on failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from emulator.engines.cluster.changes import change
from emulator.engines.cluster.connection import carrier_of
from emulator.engines.cluster.create import create
from emulator.engines.cluster.examine import examine
from emulator.engines.cluster.facts import known_facts, require_alike, underlay_of, usable_memory
from emulator.engines.cluster.network import ClusterNetwork
from emulator.engines.cluster.refusals import refuse
from emulator.engines.cluster.removal import remove, take_down
from emulator.engines.cluster.running import as_running
from emulator.engines.running import running_network
from emulator.errors import EmulationError
from emulator.linux.processes.interrupts import stoppable
from emulator.network import Progress, silent
from emulator.placement.worker import Worker
from emulator.plan import Plan
from emulator.state import NetworkState, state_root
from emulator.tunnel_mtu import with_domain_mtu
from emulator.worker_finding import WorkerFinding


class ClusterEngine:
    """Deploys plans to the workers of a cluster."""

    name = "cluster"
    needs_root = False

    def workers(self, options: Mapping[str, Any]) -> tuple[Sequence[Worker], Mapping[str, Any]]:
        """Return the cluster's workers with the memory that nodes may take, and the underlay of tunnels."""
        every = known_facts(carrier_of(options), options)
        require_alike(every)
        stated = {str(one["name"]): one for one in options.get("workers", ())}
        found = [
            Worker(
                one.name,
                stated.get(one.name, {}).get("memory") or usable_memory(one),
                stated.get(one.name, {}).get("nodes"),
            )
            for one in every
        ]
        return found, underlay_of(every, options)

    def examine(self, options: Mapping[str, Any]) -> Sequence[WorkerFinding]:
        """Return what all workers have and lack for networks of a cluster."""
        return examine(carrier_of(options), options)

    def placed(self, plan: Plan) -> Plan:
        """Return the plan with running nodes where they are, and no link larger than its tunnels."""
        state = NetworkState(state_root(), plan.topology.name)
        with suppress(EmulationError):
            if state.exists and state.read().engine == self.name:
                plan = as_running(self.handle(state).plan, plan)
        return with_domain_mtu(plan)

    def accept(self, plan: Plan) -> None:
        """Raise RefusedError with every reason why the workers can't carry `plan` out."""
        refuse(plan)

    def handle(self, state: NetworkState) -> ClusterNetwork:
        """Return the handle of the network whose state this is."""
        return ClusterNetwork(state)

    def attach(self, name: str) -> ClusterNetwork:
        """Return the running network `name`; UsageError when there is none."""
        return self.handle(NetworkState(state_root(), name))

    def deploy(self, plan: Plan, file: str = "", progress: Progress = silent) -> ClusterNetwork:
        """Create the network of `plan`, or change the running one; leave nothing new on failure."""
        state = NetworkState(state_root(), plan.topology.name)
        with state.locked("up"), stoppable():
            state.require_engine(self.name)
            running, lost = running_network(state, self.handle)
            if running is not None:
                return change(running, plan, state, file, progress)
            remove(state, silent)  # remains of a killed `up` or `down`
            notes = create(plan, state, file, progress)
        network = self.handle(state)
        network.notes = (*notes, *lost)
        return network

    def take_down(self, name: str, progress: Progress = silent) -> None:
        """Remove all of the network `name` from the workers; BrokenError for what is left, and where."""
        take_down(NetworkState(state_root(), name), progress)
