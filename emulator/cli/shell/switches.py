"""Switches: `switch S start|stop` and `dpctl`."""

from __future__ import annotations

import shlex
import sys

from emulator.errors import UsageError
from emulator.interface.finding import found_node
from emulator.interface.network import Network as Handle
from emulator.network import LinkState, Network
from topologies.identifiers import bridge_name
from topologies.openflow_switches import ovs_nodes
from topologies.topology import Kind

_UP = {"start": True, "stop": False}


def _switch(handle: Handle, network: Network, rest: str) -> int:
    """Bring all links of a switch down or up: nothing passes it, and its settings stay."""
    del handle
    words = rest.split()
    if len(words) != 2 or words[1] not in _UP:
        raise UsageError("write `switch NAME stop`, or `switch NAME start`")
    up, node = _UP[words[1]], found_node(network, words[0])
    if network.topology.kinds[node] == Kind.HOST:
        raise UsageError(f"`{words[0]}` is a host; `link A B down` cuts one of its links")
    for link, _, _ in network.topology.incident(node):
        state = network.link_changes.get(link, LinkState())
        if state.up != up:
            network.set_link(link, LinkState(up, state.forward, state.backward))
    return 0


def _dpctl(handle: Handle, network: Network, rest: str) -> int:
    """Run `ovs-ofctl COMMAND BRIDGE ARGUMENTS` for every switch of Open vSwitch."""
    words = shlex.split(rest)
    if not words:
        raise UsageError("write a command of ovs-ofctl, for example `dpctl dump-flows`")
    topology, worst = network.topology, 0
    switches = ovs_nodes(topology).nonzero()[0].tolist()
    if not switches:
        raise UsageError(f"`{network.name}` has no switch of Open vSwitch; write `switch: ovs` in its file")
    for node in switches:
        name = topology.names[node]
        print(f"*** {name} {'-' * 72}")
        bridge = bridge_name(topology, node)
        version = f"--protocols={','.join(topology.node_profile_of(node).openflow.protocols)}"
        result = handle[name].run(["ovs-ofctl", version, words[0], bridge, *words[1:]])
        print(result.output, end="")
        print(result.errors, end="", file=sys.stderr)
        worst = max(worst, result.code)
    return worst


SWITCHES = {"switch": _switch, "dpctl": _dpctl}
"""Command -> function of the network's handle, the network and the rest of the line."""
