"""Create a network on workers through its driver, and verify what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emulator.engines.driven.client import Step
from emulator.engines.driven.node_lines import is_switch
from emulator.engines.remote.access import first_line
from emulator.engines.remote.document import End, document
from emulator.engines.remote.network import RemoteNetwork
from emulator.engines.remote.program import RemoteProgram
from emulator.engines.remote.repair import settings_steps
from emulator.engines.remote.survey import require_placed
from emulator.engines.remote.tunnels import require_tunnels
from emulator.errors import BrokenError
from emulator.network import Progress
from emulator.plan import Plan

_SYSCTL_SECONDS = 60.0


def create(
    plan: Plan, opened: Mapping[str, Any], network: RemoteNetwork, program: RemoteProgram, progress: Progress
) -> None:
    """Create everything, apply all settings, and ping once over each tunnel; BrokenError on any failure."""
    wanted = document(plan, str(opened.get("datapath", "kernel")))
    (made,) = network.driver.ask(("create", {"document": wanted}), progress=progress, seconds=program.seconds)
    configure(plan, made["nodes"], range(plan.topology.node_count), network, program)


def configure(
    plan: Plan,
    places: Mapping[str, str],
    nodes: Iterable[int],
    network: RemoteNetwork,
    program: RemoteProgram,
    *,
    joined: Sequence[End] = (),
) -> None:
    """Apply all settings to what the program created; BrokenError if it put nodes elsewhere.

    `joined` are ports that were out of their bridges, and close no loop any more.
    """
    if wrong := require_placed(plan, places):
        raise BrokenError(f"{program.title} didn't follow the placement: {'; '.join(wrong[:5])}")
    back: list[Step] = [("join", {"ends": list(joined)})] if joined else []
    network.driver.ask(*settings_steps(plan), *back, seconds=program.seconds)
    _forward(plan, nodes, network)
    require_tunnels(plan, network.access, program.tunnels_fix)


def _forward(plan: Plan, nodes: Iterable[int], network: RemoteNetwork) -> None:
    """Let the nodes that route forward packets, and no host between two links of its own.

    Namespaces and containers inherit forwarding from a worker that forwards.
    """
    six = plan.topology.pools.ipv6 is not None
    settings = [
        "net.ipv4.ip_forward=1",
        "net.ipv4.conf.all.rp_filter=0",
        "net.ipv4.fib_multipath_hash_policy=1",
        *(["net.ipv6.conf.all.forwarding=1"] if six else []),
    ]
    off = ["net.ipv4.ip_forward=0", *(["net.ipv6.conf.all.forwarding=0"] if six else [])]
    passing = [n for n in nodes if not is_switch(plan, n)]
    routers = [n for n in passing if plan.forwarding.is_router(n)]
    between = [n for n in passing if plan.topology.degrees[n] > 1 and not plan.forwarding.is_router(n)]
    _set(network, between, off, "be kept from forwarding packets")
    _set(network, routers, settings, "forward packets")


def _set(network: RemoteNetwork, nodes: list[int], settings: list[str], task: str) -> None:
    for result in network.access.execute(nodes, ["sysctl", "-qw", *settings], _SYSCTL_SECONDS):
        if result.failed:
            raise BrokenError(f"{result.node} can't {task}: {first_line(result)}")
