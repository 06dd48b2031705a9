"""`up` of a running network on workers: repair it, and add what the new file adds."""

from __future__ import annotations

from emulator.difference import link_keys
from emulator.engines.deploy_phases import finish
from emulator.engines.driven.node_lines import program_name
from emulator.engines.hosts_file import hosts_text
from emulator.engines.remote.create import configure
from emulator.engines.remote.document import blocked_ends, document
from emulator.engines.remote.driver import datapath_of
from emulator.engines.remote.network import RemoteNetwork
from emulator.errors import BrokenError, UsageError
from emulator.network import LinkState, Progress
from emulator.plan import Plan
from emulator.state import NetworkState
from topologies.counting import counted, counted_by_name


def change(
    network: RemoteNetwork, plan: Plan, state: NetworkState, file: str, progress: Progress
) -> RemoteNetwork:
    """Repair the running network, and add the nodes and links that only `plan` has.

    UsageError when the plan differs otherwise: these programs can't remove or change what runs.
    """
    nodes, links = additions(network.plan, plan)
    words = [f"repaired: {found}" for found in network.repair_locked()]
    words += network.as_filed()
    network.change_links(dict.fromkeys(network.link_changes, LinkState()))
    if nodes or links:
        words += _add(network, plan, (nodes, links), state, progress)
    record = state.read()
    record.file = file
    record.set_plan(plan)
    state.save(plan, hosts_text(plan.whole))
    state.write(record)
    changed = network.again()
    changed.changes = tuple(words)
    return changed


def additions(old: Plan, new: Plan) -> tuple[list[int], list[int]]:
    """Return the nodes and links of `new` that `old` lacks; UsageError when that isn't all that differs."""
    was, becomes = _identities(old), _identities(new)
    had, has = link_keys(old.topology), link_keys(new.topology)
    lost = [name for name in was if name not in becomes]
    changed = [name for name, identity in was.items() if becomes.get(name, identity) != identity]
    gone = [key for key in had if key not in has]
    reshaped = [
        key for key, link in had.items()
        if key in has and old.topology.link_profile_of(link) != new.topology.link_profile_of(has[key])
    ]  # fmt: skip
    words = []
    if [worker.name for worker in old.workers] != [worker.name for worker in new.workers]:
        words.append("its workers, or their order, would change")
    if lost:
        words.append(f"{counted_by_name(lost, 'node')} would go")
    if changed:
        words.append(f"{counted_by_name(changed, 'node')} would change")
    if gone or reshaped:
        words.append(f"{counted(len(gone) + len(reshaped), 'link')} would go or change")
    if words:
        name = new.topology.name
        raise UsageError(
            f"`{name}` is up, and the engine {new.engine} can only add to it, but {'; '.join(words)}: "
            f"`emulator down {name}` first"
        )
    nodes = [node for node, name in enumerate(new.topology.names) if name not in was]
    return nodes, [link for key, link in has.items() if key not in had]


def _identities(plan: Plan) -> dict[str, tuple[object, ...]]:
    """Return each node's kind, worker and addresses: what can't change while it runs."""
    topology = plan.topology
    return {
        name: (
            int(topology.kinds[node]), plan.workers[plan.placement[node]].name,
            topology.node_profile_of(node), tuple(a.text for a in plan.forwarding.addresses(node)),
        )
        for node, name in enumerate(topology.names)
    }  # fmt: skip


def _is_untouched(network: RemoteNetwork, plan: Plan, nodes: list[int]) -> bool:
    """Return whether the program has none of the new nodes; without new nodes, links can't be told."""
    try:
        places = network.places()
    except BrokenError:
        return False
    return bool(nodes) and not any(program_name(plan, node) in places for node in nodes)


def _add(
    network: RemoteNetwork, plan: Plan, new: tuple[list[int], list[int]], state: NetworkState,
    progress: Progress,
) -> list[str]:  # fmt: skip
    nodes, links = new
    record = state.read()
    record.phase = "changing"
    state.write(record)
    program, driver = network.program, network.driver
    state.save(plan, hosts_text(plan.whole))  # before anything is made: `down` removes what the graph names
    try:
        (made,) = driver.ask(
            ("add", {"document": document(plan, datapath_of(record), nodes, links)}),
            progress=progress, seconds=program.seconds,
        )  # fmt: skip
    except BrokenError as error:
        if not _is_untouched(network, plan, nodes):
            raise BrokenError(
                f"{error}; part of the addition is there: `emulator down {state.name}`"
            ) from error
        state.save(network.plan, hosts_text(network.plan.whole))
        finish(state, record)
        raise
    out = blocked_ends(plan)
    joined = [end for end in blocked_ends(network.plan) if end not in out]
    configure(plan, made["nodes"], nodes, network.again(), program, joined=joined)
    finish(state, record)
    names = [plan.topology.names[node] for node in nodes]
    return [
        *([f"added {counted_by_name(names, 'node')}"] if names else []),
        *([f"added {counted(len(links), 'link')}"] if links else []),
    ]
