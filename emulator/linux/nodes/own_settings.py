"""Settings of the file that programs in a node see: its sysctls, files and directories.

They belong to the node's namespace, whoever made it: this engine, or Mininet.
"""

from __future__ import annotations

from pathlib import Path

from emulator.deviation import Deviation
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.node_files import file_deviations, refused_files, write_files
from emulator.linux.nodes.own_sysctls import refused_sysctls, set_sysctls, sysctl_deviations
from emulator.plan import Plan
from topologies.topology import Topology


def apply_settings(plan: Plan, store: NamespaceStore, folder: Path) -> None:
    """Give the nodes on this machine what the plan has for them; `folder` is the network's.

    What only an earlier plan had is taken back. UnableError if the kernel refuses a value.
    """
    set_sysctls(plan.full.here, store, folder)
    write_files(plan.here, folder)


def setting_deviations(plan: Plan, store: NamespaceStore, folder: Path) -> list[Deviation]:
    """Return the settings that differ from the plan."""
    return sysctl_deviations(plan.full.here, store) + file_deviations(plan.here, folder)


def refused_settings(topology: Topology) -> list[str]:
    """Return the settings that nodes can't have on this machine, each with the reason."""
    return refused_sysctls(topology) + refused_files(topology)
