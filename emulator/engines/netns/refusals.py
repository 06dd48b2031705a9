"""Reasons why this machine can't carry out a plan by namespaces, found before anything is created."""

from __future__ import annotations

from collections.abc import Iterable

from emulator.engines.limits import missing_node_limits, too_large
from emulator.engines.refusals import crowded_bridges, several_workers, unshapable_links
from emulator.engines.share import share_refusals
from emulator.errors import RefusedError
from emulator.linux.bpf.support import lacking_bpf
from emulator.linux.machine.features import fix_module, has_link, has_qdisc
from emulator.linux.nodes.own_settings import refused_settings
from emulator.linux.outside.refusals import refused_ways
from emulator.ovs.refusals import ovs_refusals, own_switch_refusals
from emulator.plan import Plan
from topologies.counting import counted
from topologies.profiles import Shape

_NETEM_KEYS = ("delay", "jitter", "loss", "duplicate", "reorder", "corrupt")


def refuse(plan: Plan) -> None:
    """Raise RefusedError with every reason why the netns engine can't carry `plan` out."""
    if share := share_refusals(plan):
        raise RefusedError(share)
    reasons = [
        *several_workers(plan),
        *_fidelity(plan),
        *light_ports(plan),
        *crowded_bridges(plan.full),
        *unshapable_links(plan.full, missing_shaping),
        *missing_node_limits(plan),
        *refused_settings(plan.topology),
        *refused_ways(plan.topology),
        *own_switch_refusals(plan.full),
        *ovs_refusals(plan.full),
        *too_large(plan),
    ]
    if reasons:
        raise RefusedError(reasons)


def light_ports(plan: Plan) -> list[str]:
    """Return why this machine can't run the plan's light ports."""
    if plan.overlay is None:
        return []
    if plan.overlay.ports.devices:
        return [
            f"light ports with `device: true`: the kernel has no {kind}; {fix_module(kind)}"
            for kind in ("vxlan", "macvlan")
            if has_link(kind) is False
        ]
    reason = lacking_bpf()
    fix = "`device: true` gives each port a macvlan, which needs none"
    return [f"light ports need BPF programs: {reason}; {fix}"] if reason else []


def exchanged_ports(old: Plan, new: Plan) -> None:
    """Raise RefusedError where light ports with devices would replace those without, or the reverse."""
    kinds = {plan.overlay.ports.devices for plan in (old, new) if plan.overlay is not None}
    if len(kinds) > 1:
        words = "`device: true` can't be given to light ports, or taken from them, while the network runs"
        raise RefusedError([f"{words}: all of them would be made again; run `emulator down`, then `up`"])


def _fidelity(plan: Plan) -> list[str]:
    counts = plan.topology.fidelity_counts()
    return [
        f"{counted(count, 'node')} {'has' if count == 1 else 'have'} fidelity `{tier}`, "
        f"which the {plan.engine} engine can't deploy yet; use `full`, "
        f"or only plan them with `emulator plan`"
        for tier, count in counts.items()
        if tier not in {"full", "light"}
    ]


def missing_shaping(shapes: Iterable[Shape]) -> list[str]:
    """Return why this kernel can't apply `shapes`, with the fix for each missing module."""
    wanted = list(shapes)
    keys = [key for key in _NETEM_KEYS if any(getattr(shape, key) for shape in wanted)]
    rates = ["bandwidth"] if any(shape.bandwidth is not None for shape in wanted) else []
    return [
        f"{', '.join(used)}: the kernel has no sch_{kind}; {fix_module(f'sch_{kind}')}"
        for kind, used in (("netem", keys), ("tbf", rates))
        if used and has_qdisc(kind) is False
    ]
