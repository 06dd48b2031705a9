"""Computed flows as a step of the driver."""

from __future__ import annotations

from emulator.engines.driven.client import Step
from emulator.engines.driven.node_lines import program_name
from emulator.forwarding.select_groups import PROTOCOL
from emulator.ovs.flows import flow_lines
from emulator.plan import Plan


def flow_steps(plan: Plan) -> list[Step]:
    """Return the step that replaces the flows of all switches with computed ones; none without any.

    Each switch gets the lines of one `ovs-ofctl bundle`: it deletes all flows and adds the new ones at once.
    """
    lines = {program_name(plan, node): some for node, some in flow_lines(plan).items()}
    return [("flows", {"protocol": PROTOCOL, "lines": lines})] if lines else []
