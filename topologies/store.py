"""Save a topology and read it back exactly: arrays in numpy's format, the rest as JSON beside them.

A running network is known from this copy: the user's file may have changed since. No pickle: a state
file can't run code.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from topologies.names import Block, NameBlock, NameList, Names
from topologies.openflow import Controller, OpenFlow
from topologies.outside import outside_of
from topologies.profiles import LinkProfile, NodeProfile, Shape
from topologies.services import Ready, Service, Setup, Vlan
from topologies.topology import Explicit, Pools, Topology
from topologies.vpcs import Subnet, Vpcs

_ARRAYS = ("kinds", "tiers", "groups", "ends", "ports", "link_profile", "node_profile")
_PLAIN = ("name", "seed", "forwarding", "static_arp")


def save(topology: Topology, path: Path) -> None:
    """Write `topology` to `path` (a .npz file); OSError when that fails."""
    with path.open("wb") as file:
        write(topology, file)


def write(topology: Topology, file: IO[bytes]) -> None:
    """Write `topology` to an open file."""
    arrays: dict[str, Any] = {key: getattr(topology, key) for key in _ARRAYS}
    if topology.positions is not None:
        arrays["positions"] = topology.positions
    if topology.vpcs is not None:
        arrays["subnet"] = topology.vpcs.of_node
    if len(topology.carried):
        arrays["carried"] = topology.carried
    arrays["meta"] = np.frombuffer(json.dumps(_meta(topology)).encode(), dtype=np.uint8)
    np.savez(file, allow_pickle=False, **arrays)


def load(path: Path) -> Topology:
    """Return the topology saved at `path`."""
    with path.open("rb") as file:
        return read(file)


def read(file: IO[bytes]) -> Topology:
    """Return the topology that `write` wrote to `file`."""
    with np.load(file, allow_pickle=False) as arrays:
        meta = json.loads(bytes(arrays["meta"]))
        fields: dict[str, Any] = {key: arrays[key] for key in _ARRAYS}
        if "positions" in arrays:
            fields["positions"] = arrays["positions"]
        if "carried" in arrays:
            fields["carried"] = arrays["carried"]
        if "subnet" in arrays:
            fields["vpcs"] = _vpcs(meta["vpcs"], arrays["subnet"])
    fields |= {key: meta[key] for key in _PLAIN}
    return Topology(
        **fields,
        names=Names(tuple(map(_block, meta["names"]))),
        tier_names=tuple(meta["tier_names"]),
        link_profiles=tuple(map(_link_profile, meta["link_profiles"])),
        node_profiles=tuple(map(_node_profile, meta["node_profiles"])),
        pools=Pools(*meta["pools"]),
        explicit={int(node): _explicit(values) for node, values in meta["explicit"].items()},
    )


def _meta(topology: Topology) -> dict[str, Any]:
    meta: dict[str, Any] = {key: getattr(topology, key) for key in _PLAIN}
    meta["names"] = [asdict(block) for block in topology.names.blocks]  # type: ignore[call-overload]
    meta["tier_names"] = topology.tier_names
    meta["link_profiles"] = [asdict(profile) for profile in topology.link_profiles]
    meta["node_profiles"] = [asdict(profile) for profile in topology.node_profiles]
    meta["pools"] = list(topology.pools)
    if topology.vpcs is not None:
        own = {str(node): value for node, value in topology.vpcs.explicit.items()}
        meta["vpcs"] = [topology.vpcs.names, topology.vpcs.subnets, own]
    meta["explicit"] = {str(node): list(values) for node, values in topology.explicit.items()}
    return meta


def _vpcs(data: list[Any], of_node: npt.NDArray[np.int32]) -> Vpcs:
    names, subnets, explicit = data
    own = {int(node): value for node, value in explicit.items()}
    return Vpcs(tuple(names), tuple(Subnet(*subnet) for subnet in subnets), of_node, own)


def _block(data: dict[str, Any]) -> Block:
    if "names" in data:
        return NameList(tuple(data["names"]))
    return NameBlock(tuple(data["parts"]), tuple(data["shape"]), data["first"])


def _link_profile(data: dict[str, Any]) -> LinkProfile:
    return LinkProfile(Shape(**data["forward"]), Shape(**data["backward"]), data["mtu"])


def _node_profile(data: dict[str, Any]) -> NodeProfile:
    openflow = data.pop("openflow")
    controllers = tuple(
        Controller(**one | {"command": tuple(one["command"])}) for one in openflow.pop("controllers")
    )
    protocols = tuple(openflow.pop("protocols"))
    setup, outside = _setup(data.pop("setup", {})), outside_of(data.pop("outside", {}))
    flows = OpenFlow(controllers, protocols, **openflow)
    return NodeProfile(**data, openflow=flows, setup=setup, outside=outside)


def _setup(data: dict[str, Any]) -> Setup:
    pairs = {
        key: tuple((name, value) for name, value in data.get(key, ()))
        for key in ("environment", "sysctl", "routes", "files")
    }
    services = tuple(map(_service, data.get("run", ())))
    vlans = tuple(Vlan(**one | {"addresses": tuple(one["addresses"])}) for one in data.get("vlans", ()))
    return Setup(
        run=services, gateway=tuple(data.get("gateway", ())), private=tuple(data.get("private", ())),
        vlans=vlans, **pairs,
    )  # fmt: skip


def _service(data: dict[str, Any]) -> Service:
    ready = data["ready"]
    made = Ready(**ready | {"command": tuple(ready["command"])})
    return Service(**data | {"command": tuple(data["command"]), "ready": made})


def _explicit(data: list[Any]) -> Explicit:
    addresses, macs, fidelity, *more = data
    interfaces, dpid = more or ((), None)
    addresses, macs, interfaces = (
        tuple((p, text) for p, text in one) for one in (addresses, macs, interfaces)
    )
    return Explicit(addresses, macs, fidelity, interfaces, dpid)
