"""Delete nodes and links through Mininet."""

from __future__ import annotations

from collections.abc import Sequence

from emulator.engines.driven.client import Driver
from emulator.engines.driven.node_lines import program_name
from emulator.engines.mininet.local import LocalNodes
from emulator.plan import Plan


def delete_nodes(
    plan: Plan, nodes: Sequence[int], driver: Driver, local: LocalNodes, *, partly: bool = False
) -> None:
    """Delete `nodes` of `plan`; their links must be gone. Call inside the store's mount namespace.

    Mininet acts first: it ends its own shells. With `partly`, it may not know some of the nodes.
    """
    driver.ask(("remove", {"names": [program_name(plan, node) for node in nodes], "partly": partly}))
    local.remove(nodes)


def delete_what_is_there(
    plan: Plan, nodes: Sequence[int], links: Sequence[str], driver: Driver, local: LocalNodes
) -> None:
    """Delete those of `nodes` of `plan`, and of `links` (each by an interface), that Mininet has.

    Call inside the store's mount namespace.
    """
    driver.ask(("unlink", {"names": links, "partly": True}))
    delete_nodes(plan, nodes, driver, local, partly=True)
