"""Reasons why no engine on workers can carry out a plan. Each needs no worker."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emulator.engine_options import variable
from emulator.engines.driven.node_lines import is_switch, program_name
from emulator.engines.refusals import only_full, unshapable_links
from emulator.engines.remote.program import RemoteProgram
from emulator.errors import EmulationError
from emulator.find_program import find_program
from emulator.plan import Plan
from emulator.state import NetworkState, names, state_root
from topologies.counting import counted_by_name
from topologies.engines import ENGINES
from topologies.openflow_switches import controllers_of
from topologies.topology import Kind


def common_refusals(plan: Plan, program: RemoteProgram) -> list[str]:
    """Return every reason that holds for all engines on workers; each says the fix."""
    return [
        *_options(plan, program),
        *_names(plan),
        *only_full(plan, program.title),
        *_switches(plan, program),
        *_host_links(plan, program),
        *_controllers(plan, program),
        *_mtus(plan),
        *_limits(plan, program),
        *unshapable_links(plan, program.unshapable),
        *_occupied(plan),
    ]


def _options(plan: Plan, program: RemoteProgram) -> Iterator[str]:
    """Yield the options without which the program can't even be started."""
    for option, what in (("python", "the Python that"), ("home", "the folder that")):
        if not plan.options.get(option):
            yield (
                f"{what} {program.title} is installed in isn't known: write `engine: {{name: {plan.engine}, "
                f"{option}: PATH}}` or set {variable(plan.engine, option)}"
            )
    python = plan.options.get("python")
    if python and find_program(python) is None:
        yield f"{python}, the Python of {program.title}, can't be run; correct `python:` of the engine"
    if not plan.options.get("workers"):
        yield (
            f"{program.title} has no workers: write `engine: {{name: {plan.engine}, workers: [w1, w2]}}` "
            f"or set {variable(plan.engine, 'workers')}"
        )


def _names(plan: Plan) -> Iterator[str]:
    """Yield names that two nodes would share."""
    seen: dict[str, str] = {}
    for node, name in enumerate(plan.topology.names):
        known = program_name(plan, node)
        if known in seen:
            yield f"{seen[known]} and {name} would both be called {known}; give one of them another name"
        seen[known] = name


def _switches(plan: Plan, program: RemoteProgram) -> Iterator[str]:
    user = [
        name for node, name in enumerate(plan.topology.names)
        if is_switch(plan, node) and plan.topology.node_profile_of(node).switch == "user"
    ]  # fmt: skip
    if user:
        yield f"{counted_by_name(user, 'switch')}: {program.title} has no `switch: user`; use bridge or ovs"


def _host_links(plan: Plan, program: RemoteProgram) -> Iterator[str]:
    """Yield links between hosts: both programs fail on them, or lose them across workers."""
    topology = plan.topology.full  # links of light hosts have a reason of their own
    direct = (topology.kinds[topology.ends] == Kind.HOST).all(axis=1)
    pairs = topology.ends[direct].tolist()
    if pairs:
        words = [f"{topology.names[a]} -- {topology.names[b]}" for a, b in pairs]
        yield f"{counted_by_name(words, 'link')} between hosts: {program.title} links hosts to switches only"


def _controllers(plan: Plan, program: RemoteProgram) -> Iterator[str]:
    for name, controller in controllers_of(plan.topology).items():
        if controller.kind != "remote":
            yield (
                f"controller {name} ({controller.words}): switches on workers need a controller that they "
                f"reach; start one, and write `controller: {{remote: ADDRESS:PORT}}` for {program.title}"
            )


def _mtus(plan: Plan) -> Iterator[str]:
    """Yield links that are larger than what tunnels between workers carry."""
    most = ENGINES[plan.engine].tunnel_mtu
    if not plan.cut.any():
        return
    profiles = [(profile.mtu or 0) > most for profile in plan.topology.link_profiles]
    wide = np.flatnonzero(np.array(profiles, dtype=bool)[plan.topology.link_profile]).tolist()
    if wide:
        ends = plan.topology.ends[wide].tolist()
        words = [f"{plan.topology.names[a]} -- {plan.topology.names[b]}" for a, b in ends]
        yield f"{counted_by_name(words, 'link')}: tunnels carry {most:,} bytes; lower the `mtu`"


def _limits(plan: Plan, program: RemoteProgram) -> Iterator[str]:
    limited = [
        name for node, name in enumerate(plan.topology.names)
        if (profile := plan.topology.node_profile_of(node)).cpu is not None or profile.memory is not None
    ]  # fmt: skip
    if limited:
        yield (
            f"{counted_by_name(limited, 'node')} with `cpu` or `memory`: {program.title} limits no nodes; "
            f"leave them out, or use `engine: netns`"
        )


def _occupied(plan: Plan) -> Iterator[str]:
    """Yield other networks of this machine on the same workers: these programs hold one network each."""
    named = plan.options.get("workers", ())  # the plan has a worker even if nobody has named one
    ours = {str(worker["name"]) for worker in named}
    root = state_root()
    for other in names(root):
        if other == plan.topology.name:
            continue
        try:
            record = NetworkState(root, other).read()
        except EmulationError:
            continue
        taken = sorted(ours & {str(worker["name"]) for worker in record.workers})
        if record.engine == plan.engine and taken:
            yield f"`{other}` is on {counted_by_name(taken, 'worker')} already; `emulator down {other}` first"
