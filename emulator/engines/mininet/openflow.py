"""The Open vSwitch and the controllers of a Mininet network: ours to start, Mininet's to use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from emulator.errors import BrokenError
from emulator.linux.namespaces import SHARED, NamespaceStore
from emulator.network import Progress
from emulator.ovs.faults import require_ports
from emulator.ovs.flows import flow_lines, install
from emulator.ovs.switches import Switches, bridges_of
from emulator.plan import Plan
from topologies.openflow_switches import controllers_of


def start(switches: Switches, store: NamespaceStore, plan: Plan) -> Mapping[str, str]:
    """Start the controllers and Open vSwitch; return what Mininet needs in its environment."""
    if controllers_of(plan.topology):
        switches.controllers.start()
    if not switches.there:
        return {}
    with store.entered():
        store.go(SHARED)
        switches.servers.start()
    return switches.servers.environment


def change_controllers(was: Switches, will_be: Switches, old: Plan) -> None:
    """Start anew the learning controllers that the changed network outgrows."""
    names = was.controllers.outgrown(will_be.controllers)
    if names:
        was.stop_controllers(old, names)
        will_be.controllers.start(names)


def verify(switches: Switches, plan: Plan, progress: Progress) -> tuple[str, ...]:
    """Look whether Mininet's Open vSwitches are as they should be; return what people should know.

    Mininet doesn't look at what ovs-vsctl says when it starts many switches at once. Raises
    BrokenError.
    """
    if not switches.there:
        return ()
    wanted = {bridge.name for bridge in bridges_of(plan).values()}
    with switches.servers.database() as database:
        missing = wanted - {row["name"] for row in database.select("Bridge", ["name"])}
    if missing:
        raise BrokenError(
            f"Open vSwitch didn't make {len(missing):,} switches: {', '.join(sorted(missing)[:8])}"
        )
    require_ports(switches.servers)
    switches.install(plan)
    warning = switches.await_controllers(plan, progress)
    chosen = " and ".join(sorted(switches.datapaths()))
    return tuple(filter(None, (f"Open vSwitch: {chosen} datapath", warning)))


def forget(switches: Switches, plan: Plan) -> None:
    """Have switches and controllers forget what they learned: a host may be behind another port now."""
    if switches.there:
        switches.forget(plan)


def follow(switches: Switches, old: Plan, new: Plan) -> None:
    """Have computed flows go around the links that are down in `new`, and forget what was learned."""
    if switches.there:
        switches.install(new, old)
    forget(switches, new)


def give_flows(switches: Switches, plan: Plan, nodes: Iterable[int]) -> None:
    """Give switches that were made anew their computed flows."""
    found = bridges_of(plan)
    new = [node for node in nodes if node in found]
    if new:
        wanted = flow_lines(plan)
        install(switches.servers, {found[node].name: wanted[node] for node in new if node in wanted})
