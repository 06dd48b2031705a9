"""Why nodes can't have their way to this machine, found before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import product

from emulator.linux.machine.address_translation import FIX, lacking_nat
from emulator.linux.outside.lent_refusals import refused_interfaces
from emulator.linux.outside.machine_networks import networks_here, networks_of, reached_networks
from emulator.linux.outside.uplinks import PREFIX
from topologies.counting import some_names
from topologies.outside import OUTSIDE
from topologies.outside_nodes import outside_nodes, uplinked_nodes
from topologies.topology import Topology


def refused_ways(topology: Topology) -> list[str]:
    """Return why nodes can't have their uplinks, or interfaces of the machine, here; each with a fix."""
    nodes, lent = uplinked_nodes(topology), refused_interfaces(topology)
    if not nodes:
        return lent
    which = some_names([topology.names[node] for node in nodes])
    lacking = lacking_nat()
    if lacking:
        return [f"{which}: addresses can't be translated here: {lacking}; {FIX}", *lent]
    return [*_overlapping(topology, nodes), *_several(topology), *lent]


def _overlapping(topology: Topology, nodes: list[int]) -> Iterator[str]:
    """Yield networks that are on the machine and in the network, or given twice."""
    machine, ours = networks_here(), networks_of(topology)
    here = {network: f"{network} of the machine's {name}" for network, name in machine.items()
            if not name.startswith(PREFIX)}  # fmt: skip
    taken = here | {network: f"{network} of the emulated network" for network in ours}
    for node in nodes:
        if text := topology.node_profile_of(node).outside.uplink:
            network, name = IPv4Network(text), topology.names[node]
            for other in filter(network.overlaps, taken):
                words = f"`{name}`: uplink {network} overlaps {taken[other]}"
                yield f"{words}; write another, or leave `uplink` out"
            taken[network] = f"{network} of `{name}`"
    if outside_nodes(topology):
        for network, other in product(reached_networks(topology), machine):
            if network.overlaps(other):
                words = f"the machine has {other} on {machine[other]}, and needs a route to {network} there"
                yield f"kind: {OUTSIDE}: {words}; choose other addresses by `addressing: {{ipv4: …}}`"


def _several(topology: Topology) -> Iterator[str]:
    """Yield that the machine has one place in a network: its routes lead by one node."""
    nodes = outside_nodes(topology)
    if len(nodes) > 1:
        which = some_names([topology.names[node] for node in nodes])
        yield f"{which}: the machine's routes lead by one node of `kind: {OUTSIDE}`; leave one"
