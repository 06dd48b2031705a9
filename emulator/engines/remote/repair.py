"""Lead a network on workers back to its plan: apply all settings again, where something differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from emulator.deviation import Deviation
from emulator.engines.driven.client import Driver, Step
from emulator.engines.remote.document import blocked_ends, end_document, ends_of, lines_of
from emulator.engines.remote.flows import flow_steps
from emulator.engines.remote.links import port_steps
from emulator.engines.repairable import await_repaired
from emulator.link_states import States
from emulator.plan import Plan

_SETTLES_WITHIN, _PAUSE = 5.0, 0.2


def settings_steps(plan: Plan, states: States | None = None) -> list[Step]:
    """Return the steps that apply all settings of the plan; applying them again is harmless.

    Ports first: an interface that comes up loses its routes before they are written.
    """
    up = plan.links_up
    lines, blocked = lines_of(plan, range(plan.topology.node_count)), blocked_ends(plan)
    shaped = [end_document(plan, link, end, states) for link in states or () for end in (0, 1)]
    return [
        *port_steps(ends_of(plan, np.flatnonzero(~up).tolist()), up=False),
        *([("leave", {"ends": blocked})] if blocked else []),
        *([("batches", {"lines": lines, "harmless": False})] if lines else []),
        *([("shape", {"ends": shaped})] if shaped else []),
        *flow_steps(plan),
    ]


def repair(
    plan: Plan, states: States, driver: Driver, deviations: Callable[[], Sequence[Deviation]]
) -> list[str]:
    """Repair the deviations and return them; BrokenError when some remain."""
    found = deviations()
    if not found:
        return []
    up = np.flatnonzero(plan.links_up).tolist()
    driver.ask(*port_steps(ends_of(plan, up), up=True), *settings_steps(plan, states))
    await_repaired(plan.topology.name, deviations, within=_SETTLES_WITHIN, pause=_PAUSE)
    return [str(deviation) for deviation in found]
