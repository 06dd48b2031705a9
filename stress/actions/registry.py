"""Table of actions by name; a module is imported when a scenario uses it."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from stress.actions.base import Action

ACTIONS: dict[str, str] = {
    "port-flap": "port_flap.PortFlap",
    "port-churn": "port_churn.PortChurn",
    "node-churn": "node_churn.NodeChurn",
    "switch-restart": "switch_restart.SwitchRestart",
    "controller-restart": "controller_restart.ControllerRestart",
    "link-flap": "link_flap.LinkFlap",
    "link-impair": "link_impair.LinkImpair",
    "partition": "partition.Partition",
    "rolling": "rolling.Rolling",
    "process": "process.Process",
    "traffic": "traffic.Traffic",
    "arp-storm": "arp_storm.ArpStorm",
    "mac-move": "mac_move.MacMove",
    "migration": "migration.Migration",
    "vpc-churn": "vpc_churn.VpcChurn",
    "vpc-growth": "vpc_growth.VpcGrowth",
    "ramp": "ramp.Ramp",
}
"""Name in scenarios -> module and class below `stress.actions`."""


def action_named(name: str) -> type[Action]:
    """Return the class of the action `name`; KeyError when there is none."""
    module, _, kind = ACTIONS[name].partition(".")
    return cast("type[Action]", getattr(import_module(f"stress.actions.{module}"), kind))
