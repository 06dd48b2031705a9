"""Rows of OpenFlow switches and controllers in a Mininet script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from topologies.identifiers import dpid
from topologies.openflow import PORT, Controller
from topologies.openflow_switches import OPENFLOW_SWITCHES, controllers_of
from topologies.profiles import NodeProfile
from topologies.topology import Topology

_DATAPATHS = {"kernel": "'kernel'", "userspace": "'user'", "auto": "DATAPATH"}


def is_openflow(topology: Topology, node: int) -> bool:
    """Return whether `node`, a switch, speaks OpenFlow."""
    return topology.node_profile_of(node).switch in OPENFLOW_SWITCHES


def switch_rows(
    topology: Topology, nodes: Sequence[int], name: Callable[[int], str], *, loops: bool
) -> Iterator[str]:
    """Yield a row for each of the OpenFlow switches `nodes`: name, datapath id, kind, options."""
    named = {controller: key for key, controller in controllers_of(topology).items()}
    options = [_options(profile, named, loops=loops) for profile in topology.node_profiles]
    for node in nodes:
        number = int(topology.node_profile[node])
        kind = topology.node_profiles[number].switch
        yield f"    ({name(node)!r}, {dpid(topology, node)!r}, {kind!r}, {options[number]}),\n"


def _options(profile: NodeProfile, named: dict[Controller, str], *, loops: bool) -> str:
    openflow = profile.openflow
    controllers = tuple(named[one] for one in openflow.controllers if one in named)
    out: dict[str, str] = {"controllers": repr(controllers)}
    if profile.switch == "ovs":
        alone = openflow.fail_mode or ("secure" if openflow.controllers else "standalone")
        out |= {
            "failMode": repr(alone),
            "protocols": repr(",".join(openflow.protocols)),
            "datapath": _DATAPATHS[openflow.datapath],
        }
        out |= {"stp": "True"} if loops else {}
    return "{" + ", ".join(f"{key!r}: {text}" for key, text in out.items()) + "}"


def controller_rows(topology: Topology) -> Iterator[str]:
    """Yield a row for each controller: name, kind, address, port, command; started ones differ in port."""
    controllers = controllers_of(topology)
    taken = {controller.port for controller in controllers.values() if controller.kind == "remote"}
    for name, controller in controllers.items():
        port = controller.port
        if controller.kind != "remote":
            while port in taken:
                port = port + 1 if port < 0xFFFF else PORT
            taken.add(port)
        address = f"[{controller.address}]" if ":" in controller.address else controller.address
        row: tuple[Any, ...] = (name, controller.kind, address, port, controller.command)
        yield f"    {row!r},\n"
