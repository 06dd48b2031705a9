"""Check right after `up` that tunnels carry packets between each two workers: firewalls drop VXLAN."""

from __future__ import annotations

import time

from emulator.access import Access
from emulator.checks.timeouts import timeouts_for
from emulator.engines.remote.tunnels import tunnel_echoes
from emulator.errors import BrokenError
from emulator.plan import Plan

_WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds to wait for answers, beside the links' delays, in rounds without any: ARP comes first."""
_PER_PAIR = 3
_PAUSE = 0.3


def require_tunnels(plan: Plan, access: Access, port: int) -> None:
    """Ping over some tunnels between each two workers; BrokenError that names the pairs without an answer."""
    echoes = tunnel_echoes(plan, most_per_pair=_PER_PAIR)
    delay = timeouts_for(plan.topology, {}, plan.links_up).seconds
    pairs = {link: _pair(plan, link) for link in echoes}
    silent = set(pairs.values())
    for wait in _WAITS:
        asked = [(link, echo) for link, echo in echoes.items() if pairs[link] in silent]
        if not asked:
            return
        times = access.ping([echo for _, echo in asked], wait + delay)
        silent -= {
            pairs[link] for (link, _), seconds in zip(asked, times, strict=True) if seconds is not None
        }
        if silent:
            time.sleep(_PAUSE)
    if silent:
        names = ", ".join(f"{a} and {b}" for a, b in sorted(silent))
        raise BrokenError(
            f"tunnels between {names} carry nothing; let UDP port {port} pass between these machines, "
            f"and see `emulator doctor FILE`"
        )


def _pair(plan: Plan, link: int) -> tuple[str, str]:
    a, b = sorted(plan.placement[plan.topology.ends[link]].tolist())
    return plan.workers[a].name, plan.workers[b].name
