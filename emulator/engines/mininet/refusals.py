"""Reasons why Mininet can't carry out a plan on this machine, found before anything is created."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Iterator

from emulator.engines.driven.node_lines import is_switch, program_name
from emulator.engines.driven.shaping import beyond_tc_intf
from emulator.engines.limits import missing_node_limits, too_large
from emulator.engines.mininet.launch import TITLE
from emulator.engines.refusals import crowded_bridges, only_full, several_workers, unshapable_links
from emulator.errors import RefusedError
from emulator.find_program import find_program
from emulator.linux.machine.features import fix_module, has_qdisc
from emulator.linux.machine.mininet import mininet_python, mininet_version
from emulator.linux.nodes.own_settings import refused_settings
from emulator.ovs.names import name_clashes
from emulator.ovs.refusals import ovs_refusals
from emulator.plan import Plan
from topologies.counting import some_names
from topologies.profiles import Shape

INSTALL = "apt install mininet"
MOST_NODES = 8186
"""Mininet holds two terminal descriptors for each node and fails at 8,187 nodes (mininet issue 788)."""
_DESCRIPTORS = 2
_OWN_DESCRIPTORS = 64
_NETEM_KEYS = ("delay", "jitter", "loss", "queue")


def refuse(plan: Plan) -> None:
    """Raise RefusedError with every reason why Mininet can't carry `plan` out on this machine."""
    reasons = [
        *several_workers(plan),
        *_programs(plan),
        *_sizes(plan),
        *only_full(plan, "Mininet"),
        *_names(plan),
        *unshapable_links(plan, unshapable),
        *crowded_bridges(plan),
        *missing_node_limits(plan),
        *refused_settings(plan.topology),
        *ovs_refusals(plan),
        *too_large(plan),
    ]
    if reasons:
        raise RefusedError(list(dict.fromkeys(reasons)))


def _programs(plan: Plan) -> Iterator[str]:
    """Yield missing programs, each with the command that installs it."""
    if mininet_version() is None:
        yield f"Mininet is missing ({mininet_python()} can't import it); `{INSTALL}`"
    elif find_program("mnexec") is None:
        yield f"mnexec, a program of Mininet's, is missing; `{INSTALL}`"
    kinds: dict[str, list[str]] = {}
    for node, name in enumerate(plan.topology.names):
        if is_switch(plan, node):
            kinds.setdefault(plan.topology.node_profile_of(node).switch, []).append(name)
    if "bridge" in kinds and find_program("brctl") is None:
        yield f"{some_names(kinds['bridge'])}: Mininet's Linux bridges need brctl; `apt install bridge-utils`"
    if "user" in kinds and (find_program("ofdatapath") is None or find_program("ofprotocol") is None):
        yield (
            f"{some_names(kinds['user'])}: `switch: user` needs ofdatapath and ofprotocol of the OpenFlow "
            f"reference switch, which Debian lacks; build them with `util/install.sh -f` of Mininet's "
            f"sources, or use `switch: ovs`"
        )


def _sizes(plan: Plan) -> Iterator[str]:
    """Yield a reason if there are too many nodes."""
    count = plan.topology.node_count
    if count > MOST_NODES:
        yield f"{count:,} nodes; Mininet ends at {MOST_NODES + 1:,} (mininet issue 788): use `engine: netns`"
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    need = count * _DESCRIPTORS + _OWN_DESCRIPTORS
    if most not in {resource.RLIM_INFINITY, -1} and need > most:
        yield (
            f"Mininet needs {need:,} open files for {count:,} nodes, the limit is {most:,}; "
            f"`ulimit -Hn {need}`"
        )


def _names(plan: Plan) -> Iterator[str]:
    """Yield name clashes: Mininet's switches share one namespace for their bridges and all ports."""
    nodes = range(plan.topology.node_count)
    switches = {node: program_name(plan, node) for node in nodes if is_switch(plan, node)}
    yield from name_clashes(plan.topology, switches, "Mininet")


def unshapable(shapes: Iterable[Shape]) -> list[str]:
    """Return why Mininet can't apply `shapes` here, one reason per key."""
    wanted = list(shapes)
    out = beyond_tc_intf(wanted, TITLE)
    netem = [key for key in _NETEM_KEYS if any(getattr(shape, key) for shape in wanted)]
    if netem and has_qdisc("netem") is False:
        fix = fix_module("sch_netem")
        out.append(f"{', '.join(netem)}: Mininet needs sch_netem, which the kernel doesn't have; {fix}")
    return out
