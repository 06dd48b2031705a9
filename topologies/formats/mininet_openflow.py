"""Rows of OpenFlow switches and controllers in a Mininet script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from topologies.formats.mininet_routers import mininet_name
from topologies.identifiers import dpid
from topologies.openflow import PORT, Controller
from topologies.openflow_switches import OPENFLOW_SWITCHES, controllers_of
from topologies.profiles import NodeProfile
from topologies.topology import Topology


def is_openflow(topology: Topology, node: int) -> bool:
    """Return whether `node`, a switch, speaks OpenFlow."""
    return topology.node_profile_of(node).switch in OPENFLOW_SWITCHES


class _Expression(str):
    """Python expression in a row: its literal is the expression itself."""

    __slots__ = ()
    __repr__ = str.__str__


_DATAPATHS = {"kernel": "kernel", "userspace": "user", "auto": _Expression("DATAPATH")}


def switch_rows(
    topology: Topology, nodes: Sequence[int], *, loops: bool
) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield a row for each of the OpenFlow switches `nodes`: name, datapath id, kind, options."""
    named = {controller: key for key, controller in controllers_of(topology).items()}
    options = [_options(profile, named, loops=loops) for profile in topology.node_profiles]
    for node in nodes:
        number = int(topology.node_profile[node])
        kind = topology.node_profiles[number].switch
        yield mininet_name(topology, node), dpid(topology, node), kind, options[number]


def _options(profile: NodeProfile, named: dict[Controller, str], *, loops: bool) -> dict[str, Any]:
    openflow = profile.openflow
    out: dict[str, Any] = {"controllers": tuple(named[one] for one in openflow.controllers if one in named)}
    if profile.switch == "ovs":
        out |= {
            "failMode": openflow.fail_mode or ("secure" if openflow.controllers else "standalone"),
            "protocols": ",".join(openflow.protocols),
            "datapath": _DATAPATHS[openflow.datapath],
        }
        out |= {"stp": True} if loops else {}
    return out


def controller_rows(topology: Topology) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each controller: name, kind, address, port, command; started ones differ in port."""
    controllers = controllers_of(topology)
    used = {controller.port for controller in controllers.values() if controller.kind == "remote"}
    for name, controller in controllers.items():
        port = controller.port
        if controller.kind != "remote":
            while port in used:
                port = port + 1 if port < 0xFFFF else PORT
            used.add(port)
        address = f"[{controller.address}]" if ":" in controller.address else controller.address
        yield name, controller.kind, address, port, controller.command
