"""Why nodes can't have interfaces of this machine, found before anything is made."""

from __future__ import annotations

from pathlib import Path

from emulator.linux.netlink import dumps
from emulator.linux.netlink.connection import Netlink, attributes
from emulator.linux.observed import parse
from emulator.linux.observed.parse import FoundInterface
from emulator.linux.outside.note import read_note
from emulator.linux.outside.uplinks import PREFIX
from emulator.state import names, state_root
from topologies.outside_nodes import lent_interfaces
from topologies.topology import Topology

_LINK_SIZE, _IFLA_NETNS_IMMUTABLE = 16, 67
_STAYS = frozenset({"bridge", "bond", "team", "vrf"})
"""Kinds that the kernel moves to no namespace; kernels before 6.15 don't tell it of an interface."""


def refused_interfaces(topology: Topology) -> list[str]:
    """Return why nodes can't have the interfaces of the machine that the file gives them."""
    wanted = {
        one.name: topology.names[node]
        for node, interfaces in lent_interfaces(topology).items()
        for one in interfaces
    }
    if not wanted:
        return []
    with Netlink() as netlink:
        bodies = [body for _, body in netlink.dump(dumps.LINKS)]
        routes = [parse.route(body) for request in dumps.ROUTES.values() for _, body in netlink.dump(request)]
    ways_out = {hop[0] for route in routes if route is not None and not route.length for hop in route.hops}
    links = dict(map(parse.interface, bodies))
    named = zip(bodies, links.items(), strict=True)
    bound = {name for body, (name, link) in named if _is_bound(body, name, link)}
    holders = _holders()
    out = []
    for name, node in wanted.items():
        if holders.get(name) == topology.name:
            continue  # it is in its node, or was taken away there, which `status` tells
        reason = _reason(name, links, ways_out, holders.get(name, ""))
        if not reason and name in bound:
            reason = "the kernel moves it to no other namespace; choose a network card or a veth"
        if reason:
            out.append(f"`{node}` can't have the machine's interface {name}: {reason}")
    return out


def _holders() -> dict[str, str]:
    """Return the networks that have interfaces of the machine, by interface."""
    return {
        lent.name: network
        for network in names()
        for lent in read_note(state_root() / network).lent
        if lent.settings is not None
    }


def _is_bound(body: bytes, name: str, link: FoundInterface) -> bool:
    """Return whether an interface can't leave the machine's namespace; a wireless one only as a whole phy."""
    told = any(number == _IFLA_NETNS_IMMUTABLE and value[0] for number, value in attributes(body, _LINK_SIZE))
    return told or link.kind in _STAYS or Path(f"/sys/class/net/{name}/phy80211").exists()


def _reason(name: str, links: dict[str, FoundInterface], ways_out: set[int], holder: str) -> str:
    """Return why an interface can't be given away; "" if it can."""
    if holder:
        return f"network `{holder}` has it; `emulator down {holder}` gives it back"
    found = links.get(name)
    if found is None:
        others = ", ".join(sorted(one for one in links if one != "lo" and not one.startswith(PREFIX)))
        return f"there is none; the machine has {others or 'no other'}"
    if name.startswith(PREFIX):
        return "a network made it for its own uplink"
    if found.master:
        master = next((one for one, link in links.items() if link.ifindex == found.master), "another")
        return f"it is a port of {master}; take it out first: `ip link set {name} nomaster`"
    if found.ifindex in ways_out:
        return "the machine's default route leads by it, so the machine would be cut off; choose another one"
    above = [one for one, link in links.items() if link.peer == found.ifindex and link.kind != "veth"]
    if above:
        return f"{above[0]} is made on it; delete that first: `ip link delete {above[0]}`"
    return ""
