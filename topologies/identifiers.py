"""Identifiers computed from indices: interface names, MACs, datapath ids.

Interface names follow Mininet's convention (`h1-eth0`, `s1-eth1`) as long as Linux's 15
characters (IFNAMSIZ - 1) allow; longer ones become `_<index>-eth<port>` in hexadecimal. No node
name starts with `_`, so the two kinds can't collide.
"""

from __future__ import annotations

from topologies.numbered_names import number_of
from topologies.topology import Kind, Topology

IFNAME_MAX = 15


def interface_name(topology: Topology, node: int, port: int) -> str:
    """Return the name of `port` on `node`: the file's if it states one, else the computed one.

    It has at most 15 characters. Computed ones are unique in the network.
    """
    return port_name(topology, topology.names[node], node, port)


def port_name(topology: Topology, node_name: str, node: int, port: int) -> str:
    """Return the same from a node name that the caller already has."""
    explicit = topology.explicit.get(node) if topology.explicit else None
    if explicit:
        for at, text in explicit.interfaces:
            if at == port:
                return text
    name = f"{node_name}-eth{port}"
    if len(name) <= IFNAME_MAX:
        return name
    name = f"_{node:x}-eth{port}"
    return name if len(name) <= IFNAME_MAX else f"_{node:x}.{port:x}"


def has_interface(topology: Topology, link: int, end: int) -> bool:
    """Return whether an end of a link is an interface: a compute host has none for a light port's link."""
    here, other = topology.ends[link, end], topology.ends[link, 1 - end]
    return bool(topology.light[here] or not topology.light[other])


def bridge_name(topology: Topology, node: int) -> str:
    """Return the name of the bridge device inside `node`."""
    name = topology.names[node]
    return name if len(name) <= IFNAME_MAX and name not in {"lo", "all", "default"} else f"_{node:x}"


def mac(topology: Topology, node: int, port: int) -> bytes:
    """Return the 6-byte MAC of `port` on `node`.

    The file's if it states one, else 02:NN:NN:NN:PP:PP, locally administered (IEEE 802, section 8.4),
    with NN the node's index + 1 and PP the port; port 0xffff is the node's bridge. Ports of VPCs have
    their own kind (`Vpcs.mac`).
    """
    explicit = topology.explicit.get(node) if topology.explicit else None
    if explicit:
        for at, text in explicit.macs:
            if at == port:
                return bytes.fromhex(text.replace(":", ""))
    if topology.vpcs is not None and topology.vpcs.of_node[node] >= 0:
        return topology.vpcs.mac(node)
    return b"\x02" + (node + 1).to_bytes(3, "big") + port.to_bytes(2, "big")


def dpid(topology: Topology, node: int) -> str:
    """Return the OpenFlow datapath id of switch `node`: 16 hexadecimal digits.

    The file's if it states one. Else the number in its name (s3: 3) where the names of all switches are one
    word and different numbers, otherwise its index + 1. `dpid_base` of the file is added to either.
    """
    if topology.kinds[node] != Kind.SWITCH:
        raise ValueError(f"{topology.names[node]} is a {Kind(topology.kinds[node]).word}, not a switch")
    explicit = topology.explicit.get(node) if topology.explicit else None
    if explicit and explicit.dpid is not None:
        return f"{explicit.dpid:016x}"
    number = number_of(topology.names[node]) if topology.has_numbered_switches else node + 1
    return f"{topology.node_profile_of(node).openflow.dpid_base + number:016x}"
