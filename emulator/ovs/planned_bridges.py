"""Bridges of a plan, with the datapath that this machine has."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.linux.machine.features import has_openvswitch
from emulator.ovs.bridges import KERNEL, USERSPACE, Bridge, bridges
from emulator.plan import Plan
from topologies.openflow import OpenFlow


def datapath_of(openflow: OpenFlow) -> str:
    """Return the datapath of a switch: the file's choice, else the kernel's if it has one."""
    if openflow.datapath == "auto":
        return KERNEL if has_openvswitch() else USERSPACE
    return KERNEL if openflow.datapath == "kernel" else USERSPACE


def bridges_of(plan: Plan) -> dict[int, Bridge]:
    """Return the bridges of `plan` by node, with this machine's datapath."""
    return bridges(plan, datapath_of)


def by_name(found: Mapping[int, Bridge]) -> dict[str, Bridge]:
    """Return bridges by their names instead of by node."""
    return {bridge.name: bridge for bridge in found.values()}
