"""Have Mininet remove nodes, and end what else ran in them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from emulator.engines.mininet.client import Driver
from emulator.engines.mininet.document import mininet_name
from emulator.engines.mininet.settings import is_switch
from emulator.errors import KernelError
from emulator.linux.namespaces import NamespaceStore
from emulator.linux.teardown import kill_inside
from emulator.plan import Plan


def take_away(
    plan: Plan, nodes: Sequence[int], links: Sequence[str], driver: Driver, store: NamespaceStore
) -> None:
    """Remove what Mininet has of `nodes` of `plan` and of `links` (each by an interface), however much it is.

    Call inside the store's mount namespace.
    """
    driver.ask(("unlink", {"names": links, "partly": True}))
    remove_nodes(plan, nodes, driver, store, partly=True)


def remove_nodes(
    plan: Plan, nodes: Sequence[int], driver: Driver, store: NamespaceStore, *, partly: bool = False
) -> None:
    """Remove `nodes` of `plan`, whose links have gone. Call inside the store's mount namespace.

    With `partly` Mininet may not know some of them.

    Mininet goes first: it ends its shell by itself. What commands of ours have left in the node is
    killed then; the namespace that switches share stays.
    """
    driver.ask(("remove", {"names": [mininet_name(plan, node) for node in nodes], "partly": partly}))
    inodes = []
    for node in nodes:
        name = plan.topology.names[node]
        if not is_switch(plan, node):
            with suppress(FileNotFoundError, KernelError):
                descriptor = store.open(name)
                inodes.append(os.fstat(descriptor).st_ino)
                os.close(descriptor)
    kill_inside(inodes)
    for node in nodes:
        store.remove(plan.topology.names[node])
