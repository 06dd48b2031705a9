"""Write a plain Mininet script: `python3 FILE` starts it, `mn --custom FILE --topo NAME` too.

The script is `templates/mininet.py.j2`. Names go in as Python literals (`repr`), so that no name is ever
code. Node names longer than Linux allows for a bridge become `_<index>`, as in our own engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from topologies.counting import counted
from topologies.errors import ParameterError
from topologies.formats.addresses import Addresses
from topologies.formats.mininet_openflow import controller_rows, is_openflow, switch_rows
from topologies.formats.mininet_routers import Routers, mininet_name
from topologies.formats.naming import sanitised
from topologies.formats.rows import joined, links
from topologies.formats.static_routes import Routes
from topologies.identifiers import dpid, interface_name, mac
from topologies.profiles import Shape
from topologies.topology import Kind, Topology

_OPENFLOW_CLASSES = ("Controller", "OVSController", "OVSSwitch", "RemoteController", "UserSwitch")


def chunks(topology: Topology, routes: Routes | None = None) -> Iterator[str]:
    """Yield the script. `routes` are those of the routers; without them its switches don't route.

    ParameterError for a topology with light hosts.
    """
    if topology.light.any():
        first = topology.names[topology.full.node_count]
        raise ParameterError(
            ("to",),
            f"mininet has no light hosts, such as `{first}`: each of its hosts is a namespace; export to "
            "graphml or json, or make them full",
        )
    import jinja2  # only here: half of the commands need no template

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("topologies.formats"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  # it is Python, not HTML: names go through the filter `literal`
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["literal"] = repr
    if routes is None:
        topology = replace(topology, forwarding="bridged")
    yield from joined(environment.get_template("mininet.py.j2").generate(_values(topology, routes)))


def _values(topology: Topology, routes: Routes | None) -> dict[str, Any]:
    """Return the values of the template; rows are iterators, so that a million links are never in memory."""
    routers = Routers(topology, routes)
    switches = np.flatnonzero((topology.kinds == Kind.SWITCH) & ~routers.mask).tolist()
    openflow = [node for node in switches if is_openflow(topology, node)]
    loops = has_loops(topology, ~routers.mask & (topology.kinds != Kind.HOST))
    addresses = Addresses(topology)
    return {
        "name": sanitised(topology.name) or "topology",
        "counts": ", ".join(counted(count, kind) for kind, count in topology.kind_counts().items()),
        "loops": loops,
        "routed": routes is not None,
        "computed_flows": any(topology.node_profile_of(node).openflow.flows != "normal" for node in openflow),
        "classes": [
            "OVSBridge",
            *(["Node"] if routers.nodes else []),
            *(_OPENFLOW_CLASSES if openflow else []),
        ],
        "hosts": _host_rows(topology, routers, addresses),
        "routers": list(routers.rows()),
        "bridges": (
            (mininet_name(topology, node), dpid(topology, node))
            for node in switches
            if not is_openflow(topology, node)
        ),
        "openflow_switches": list(switch_rows(topology, openflow, loops=loops)),
        "controllers": controller_rows(topology),
        "profiles": [_options(profile.forward, profile.backward) for profile in topology.link_profiles],
        "links": _link_rows(topology, routers, addresses),
    }


def _host_rows(topology: Topology, routers: Routers, addresses: Addresses) -> Iterator[tuple[Any, ...]]:
    """Yield (name, address, MAC, gateway) of each host that doesn't route."""
    for node in topology.hosts.tolist():
        if routers.mask[node]:
            continue
        text = next((text for _, text in addresses.of(node) if ":" not in text), None)
        yield (
            mininet_name(topology, node), text, mac(topology, node, 0).hex(":"), addresses.gateway(node),
        )  # fmt: skip


def _link_rows(topology: Topology, routers: Routers, addresses: Addresses) -> Iterator[tuple[Any, ...]]:
    """Yield (first node, second node, their ports, profile, options) of each link."""
    shapes = [_options(profile.forward, profile.backward) for profile in topology.link_profiles]
    for a, b, p, q, number in links(topology):
        options: dict[str, Any] = {}
        for end, node, port in ((1, a, p), (2, b, q)):
            name = interface_name(topology, node, port)
            if name != f"{mininet_name(topology, node)}-eth{port}":
                options[f"intfName{end}"] = name
            if text := _link_address(topology, routers, addresses, node, port):
                options[f"params{end}"] = {**shapes[number].get(f"params{end}", {}), "ip": text}
        yield mininet_name(topology, a), mininet_name(topology, b), p, q, number, options


def _link_address(
    topology: Topology, routers: Routers, addresses: Addresses, node: int, port: int
) -> str | None:
    """Return the IPv4 address that a link brings to its end: a router's, or a host's second."""
    if topology.kinds[node] == Kind.SWITCH and not routers.mask[node]:
        return None
    own = [(at, text) for at, text in addresses.of(node) if ":" not in text]
    if routers.mask[node]:
        return dict(own).get(routers.addressed(node, port))
    return dict(own[1:]).get(port)


def has_loops(topology: Topology, bridging: npt.NDArray[np.bool_]) -> bool:
    """Return whether links between `bridging` nodes (bool[n]) close a loop: these need a spanning tree.

    Leaves are removed until none is left: the rest of a graph that isn't a forest has loops.
    """
    ends = topology.ends[bridging[topology.ends].all(axis=1)]
    while len(ends):
        degrees = np.bincount(ends.ravel(), minlength=topology.node_count)
        leaf = (degrees[ends] == 1).any(axis=1)
        if not leaf.any():
            return True
        ends = ends[~leaf]
    return False


def _options(forward: Shape, backward: Shape) -> dict[str, Any]:
    """Return TCLink's options for a profile, in params1 and params2 when the directions differ."""
    if forward == backward:
        return _one_way(forward)
    return {"params1": _one_way(forward), "params2": _one_way(backward)}


def _one_way(shape: Shape) -> dict[str, Any]:
    """Return the options of TCIntf for `shape`; it has no duplicate, reorder and corrupt."""
    out: dict[str, Any] = {}
    if shape.bandwidth:
        out["bw"] = shape.bandwidth / 1e6
    for key in ("delay", "jitter"):
        value = getattr(shape, key)
        if value:
            out[key] = f"{round(value * 1e6, 3):g}us"
    if shape.loss:
        out["loss"] = round(shape.loss * 100, 6)
    if shape.queue:
        out["max_queue_size"] = shape.queue
    return out
