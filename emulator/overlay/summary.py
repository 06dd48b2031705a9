"""Light ports of a plan as JSON: VPCs, ports on hosts, and the namespaces of equal addresses."""

from __future__ import annotations

import ipaddress
from typing import Any

import numpy as np

from emulator.deploy_time import tenant_seconds
from emulator.forecast import TENANT_BYTES
from emulator.overlay.light_ports import LightPorts
from emulator.overlay.plan import Overlay


def light_summary(ports: LightPorts, engine: str) -> dict[str, Any]:
    """Return counts of `ports`, whether they have devices of their own, and each VPC with its subnets.

    `tenants` are the namespaces on compute hosts where VPCs with equal addresses meet, with the forecast
    of their memory in bytes and of the seconds to create them.
    """
    _, each = np.unique(ports.host[ports.light], return_counts=True)
    vpcs, tenants = ports.vpcs, ports.tenants
    subnets: list[list[str]] = [[] for _ in vpcs.names]
    held = np.zeros(len(vpcs.names), dtype=np.int64)
    for subnet, count in zip(vpcs.subnets, vpcs.ports.tolist(), strict=True):
        subnets[subnet.vpc].append(str(ipaddress.IPv4Network((subnet.base, subnet.length))))
        held[subnet.vpc] += count
    return {
        "ports": len(ports) - ports.members,
        "members": ports.members,
        "devices": ports.devices,
        "compute_hosts": len(each),
        "ports_per_host": {"least": int(min(each, default=0)), "most": int(max(each, default=0))},
        "vpcs": [
            {"name": name, "vni": vpcs.vni(vpc), "ports": count, "subnets": subnets[vpc]}
            for vpc, (name, count) in enumerate(zip(vpcs.names, held.tolist(), strict=True))
        ],
        "tenants": {
            "namespaces": len(tenants),
            "compute_hosts": len(np.unique(tenants[:, 0])),
            "memory_bytes": len(tenants) * TENANT_BYTES,
            "seconds": round(len(tenants) * tenant_seconds(engine), 3),
        },
    }


def light_port(overlay: Overlay, node: int) -> dict[str, Any]:
    """Return the port, the address and the VPC of a light node. Its name stands for an interface."""
    ports, names = overlay.ports, overlay.ports.names
    row, vpcs = node - ports.first, overlay.ports.vpcs
    address = ipaddress.IPv4Address(int(ports.address[row]))
    name, mac = names[node], bytes(ports.mac[row]).hex(":")
    host = names[int(ports.host[row])]
    return {
        "vpc": vpcs.names[int(ports.vpc[row])],
        "ports": [{"name": name, "mac": mac, "role": "light", "peer": host, "tunnel": False}],
        "addresses": [{"port": name, "address": f"{address}/{vpcs.subnets[ports.subnet[row]].length}"}],
        "routes": 0,
    }
