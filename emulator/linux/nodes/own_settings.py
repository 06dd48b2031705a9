"""Settings of the file that programs in a node see: its sysctls, files and directories; also its VLANs.

They belong to the node's namespace, whoever made it: this engine, or Mininet.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from emulator.deviation import Deviation
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.node_files import file_deviations, refused_files, write_files
from emulator.linux.nodes.own_sysctls import (
    refused_sysctls,
    restore_sysctls,
    set_sysctls,
    sysctl_deviations,
)
from emulator.linux.nodes.own_vlans import refused_vlans, restore_vlans, set_vlans, vlan_deviations
from emulator.linux.outside.restore import restore_ways
from emulator.plan import Plan
from emulator.plan_part import PlanPart
from topologies.topology import Topology


def apply_settings(plan: Plan, store: NamespaceStore, folder: Path) -> None:
    """Give the nodes on this machine what the plan has for them; `folder` is the network's.

    What only an earlier plan had is taken back. UnableError if the kernel refuses a value.
    """
    set_vlans(plan.full.here, store, folder)
    set_sysctls(plan.full.here, store, folder)
    write_files(plan.here, folder)


def restore_settings(part: PlanPart, store: NamespaceStore, nodes: Iterable[int]) -> None:
    """Give `nodes` what went with interfaces that were made again; call it inside the store's mounts."""
    again = list(nodes)
    restore_vlans(part, store, again)
    restore_sysctls(part, store, again)
    restore_ways(part, store, again)


def setting_deviations(plan: Plan, store: NamespaceStore, folder: Path) -> list[Deviation]:
    """Return the settings that differ from the plan."""
    here = plan.full.here
    return [
        *vlan_deviations(here, store),
        *sysctl_deviations(here, store),
        *file_deviations(plan.here, folder),
    ]


def refused_settings(topology: Topology) -> list[str]:
    """Return the settings that nodes can't have on this machine, each with the reason."""
    return refused_vlans(topology) + refused_sysctls(topology) + refused_files(topology)
