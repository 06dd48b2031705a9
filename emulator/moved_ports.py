"""Plans of running networks whose light ports have moved to other compute hosts. Pure."""

from __future__ import annotations

from dataclasses import replace

from emulator.overlay.migration import with_port_on
from emulator.plan import Plan


def with_moved_port(plan: Plan, row: int, host: int) -> Plan:
    """Return `plan` with the light port of `row` on the compute host `host`, and so on that one's worker."""
    overlay = plan.whole_overlay
    assert overlay is not None  # noqa: S101 -- it has a port
    placement = plan.placement.copy()
    placement[overlay.ports.first + row] = placement[host]
    topology = with_port_on(plan.topology, row, overlay, host)
    return replace(plan, topology=topology, placement=placement)
