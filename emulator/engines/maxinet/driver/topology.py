"""A document as MaxiNet's input: one Mininet topology for each worker, and the tunnels between them.

The cut is ours. MaxiNet's partitioner is left out: it gives parallel links the settings of the first, drops
hosts without links, and moves hosts that are linked to two workers.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from MaxiNet.Frontend.partitioner import Clustering
from mininet.node import OVSSwitch
from mininet.nodelib import LinuxBridge
from mininet.topo import Topo

Document = dict[str, Any]
CLASSES = {"bridge": LinuxBridge, "ovs": OVSSwitch}
"""Classes of Mininet: workers import them by name, so none can be ours."""

NOWHERE = "127.0.0.1:1"
"""MaxiNet gives every switch one controller. Nothing listens here; each switch then gets its own."""


def clustering(document: Document, count: int, held: AbstractSet[str]) -> Any:
    """Return the parts of `count` workers, and the tunnels, as MaxiNet takes them; `held` see `Switching`."""
    topologies = [Topo() for _ in range(count)]
    worker = {node["name"]: node["worker"] for node in document["nodes"]}
    for node in document["nodes"]:
        topology = topologies[node["worker"]]
        if node["kind"] == "host":
            topology.addHost(node["name"], **host_options(node))
        else:
            topology.addSwitch(node["name"], **switch_options(node, held))
    tunnels = []
    soft = has_soft_switch(document)
    for link in document["links"]:
        first, second = (end["node"] for end in link["ends"])
        if link["tunnel"]:
            tunnels.append([first, second, {"node1": first, "node2": second, **tunnel_options(link)}])
        else:
            topologies[worker[first]].addLink(first, second, **link_options(link, soft=soft))
    return Clustering(topologies, tunnels)


def host_options(node: Document) -> Document:
    """Return a host's options: always an address, as each worker would count from 10.0.0.1."""
    return {"ip": node.get("ip")}


def switch_options(node: Document, held: AbstractSet[str]) -> Document:
    """Return a switch's options. Bridges need a datapath id too: Mininet would derive one from the name.

    A bridge of `held` doesn't forward for 30 s, by its spanning tree protocol; an Open vSwitch not at all.
    """
    out: Document = {"cls": CLASSES[node["kind"]], "dpid": node["dpid"]}
    if node["kind"] == "bridge":
        return {**out, "stp": node["name"] in held}
    out.update({key: node[key] for key in ("protocols", "failMode", "datapath") if node.get(key)})
    return {**out, "failMode": "secure"} if node["name"] in held else out


def has_soft_switch(document: Document) -> bool:
    """Return whether packets pass a switch in user space, which needs complete checksums."""
    return any(node["kind"] == "ovs" and node.get("datapath") == "user" for node in document["nodes"])


def link_options(link: Document, *, soft: bool) -> Document:
    """Return the options of a link on one worker. MaxiNet reads shapes from `params1` and `params2` only."""
    out: Document = {}
    for number, end in enumerate(link["ends"], 1):
        out[f"port{number}"] = end["port"]
        out[f"intfName{number}"] = end["name"]
        out[f"addr{number}"] = end["mac"]
        out[f"params{number}"] = {**end["shape"], **({"txo": False} if soft else {})}
    return out


def tunnel_options(link: Document) -> Document:
    """Return the options of a tunnel: both ends get the shape of the first, here and nowhere else."""
    return {**link["ends"][0]["shape"], "port1": link["ends"][0]["port"], "port2": link["ends"][1]["port"]}
