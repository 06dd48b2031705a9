"""Controllers of Open vSwitch switches: wait for connections, and forget learned addresses."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from emulator.errors import BrokenError
from emulator.network import Progress, silent
from emulator.ovs.connections import refresh, unconnected
from emulator.ovs.flows import remove_flows
from emulator.ovs.planned_bridges import bridges_of
from emulator.ovs.status import not_connected
from emulator.ovs.switches import Switches
from emulator.plan import Plan
from topologies.counting import some_names
from topologies.openflow import Controller
from topologies.openflow_switches import controllers_of

CONNECTED_WITHIN = 30.0
"""Seconds that `up` waits for switches to be connected to their controllers."""
_NOTICED_WITHIN = 2.0


def forget_learned(switches: Switches, plan: Plan) -> None:
    """Make all bridges, and learning controllers that the engine started, forget all addresses.

    Such a controller must restart to forget. Its switches' flows are removed, and the switches connect
    again before this returns.
    """
    switches.servers.require_running()
    switches.servers.appctl("fdb/flush")
    controllers = controllers_of(switches.topology)
    learning = [name for name, controller in controllers.items() if controller.kind == "learning"]
    running = switches.controllers.running()
    learning = [name for name in learning if running[name] or switches.controllers.half_restarted(name)]
    if not learning:
        return
    switches.controllers.will_start_again(learning)
    bridges = stop_controllers(switches, plan, learning)
    deadline = time.monotonic() + _NOTICED_WITHIN
    while len(unconnected(switches.servers, bridges, 0, silent)) < len(bridges):  # the database lags behind
        if time.monotonic() > deadline:
            break
        with switches.servers.database() as database:
            refresh(database)
        time.sleep(_NOTICED_WITHIN / 100)
    switches.controllers.start(learning)
    lost = unconnected(switches.servers, bridges, CONNECTED_WITHIN, silent)
    if lost and all(switches.controllers.running()[name] for name in learning):
        words = f"{not_connected(len(lost), len(bridges))} to its controller, which was started again"
        raise BrokenError(f"{words}: {some_names(lost)}")


def stop_controllers(switches: Switches, plan: Plan, names: Collection[str]) -> list[str]:
    """Stop controllers, and remove the flows of their switches: other controllers wouldn't know of them.

    Returns the names of these switches' bridges, as far as they exist.
    """
    there = switches.present() if switches.servers.running() else {}
    controllers = controllers_of(switches.topology)
    stopped = {controllers[name] for name in names}
    taught = [
        (bridge.name, there[bridge.name].protocols)
        for node, bridge in bridges_of(plan).items()
        if bridge.name in there
        and stopped.intersection(switches.topology.node_profile_of(node).openflow.controllers)
    ]
    switches.controllers.stop(names)
    remove_flows(switches.servers, taught)
    return [name for name, _ in taught]


def await_controllers(
    switches: Switches, plan: Plan, progress: Progress = silent, *, again: bool = False
) -> str:
    """Wait until all switches with controllers are connected; return a line about those that aren't.

    `again`: the network runs, and some controllers were restarted; those that are away aren't waited for.
    Raises BrokenError if the engine started the controller of one that isn't.
    """
    found = bridges_of(plan)
    node_of = {bridge.name: node for node, bridge in found.items() if bridge.controllers}
    if not node_of:
        return ""

    def told(phase: str, done: int, total: int) -> None:
        del phase
        away = switches.controllers.away() if done < total else {}
        called = some_names([switches.controllers.called(name) for name in away or controllers])
        why = f" ({', '.join(dict.fromkeys(away.values()))})" if away else ""
        progress(f"waiting for {called}{why}, switches connected:", done, total)

    controllers = controllers_of(switches.topology)

    def own(node: int) -> tuple[Controller, ...]:
        return switches.topology.node_profile_of(node).openflow.controllers

    def hopeless(waiting: Sequence[str]) -> bool:
        away = {controllers[name] for name in switches.controllers.away()} if again else set()
        return again and all(away.issuperset(own(node_of[name])) for name in waiting)

    names = unconnected(switches.servers, list(node_of), CONNECTED_WITHIN, told, hopeless)
    lost = [node_of[name] for name in names]
    # Otherwise frames dropped meanwhile would be dropped as long as they are sent (OpenFlow10).
    switches.servers.appctl("revalidator/purge")
    if not lost:
        return ""
    ours = [one.words for node in lost for one in own(node) if one.kind != "remote"]
    listed = some_names([switches.topology.names[node] for node in lost])
    words = f"{not_connected(len(lost), len(node_of))} to a controller: {listed}"
    if ours:
        raise BrokenError(f"{words}; `{ours[0]}` runs, see its log in {switches.folder / 'controllers'}")
    why = [
        f"{switches.controllers.called(name)}: {reason}"
        for name, reason in switches.controllers.away().items()
    ]
    return "; ".join((words, *why, "they connect when it answers"))
