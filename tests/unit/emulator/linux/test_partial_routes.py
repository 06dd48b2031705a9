"""Routes of a node whose ports come back one by one, on a kernel that is a few numbers."""

from __future__ import annotations

import errno
import struct
from typing import Any

import pytest

from emulator.errors import KernelError
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import Batch
from emulator.linux.netlink.settings_messages import ROUTE
from emulator.linux.nodes import partial_routes
from emulator.linux.nodes.partial_routes import run_partly
from emulator.plan import Plan, make_plan
from topologies.build import build
from topologies.spec.load import load_text

FABRIC = """\
name: fabric
forwarding: routed
topology: {generator: leaf-spine, spines: 2, leaves: 2, hosts_per_leaf: 1}
"""
PLAN: Plan = make_plan(build(load_text(FABRIC)), "netns")
LEAF = PLAN.topology.names.index("leaf1")
UPLINKS = sorted({hop.port for route in PLAN.forwarding.routes(LEAF) for hop in route.hops})
UP = messages.IFF_UP | 0x10000


class Kernel:
    """Refuses routes over interfaces that are down; `after` is called after each batch."""

    def __init__(self, flags: dict[int, int], code: int = errno.ENETUNREACH) -> None:
        self.flags = flags
        self.code = code
        self.taken: list[bytes] = []
        self.batches = 0
        self.after: Any = lambda: None

    def dump(self, _: bytes) -> list[tuple[int, bytes]]:
        return [(16, struct.pack("=4xiII", index, flags, 0)) for index, flags in self.flags.items()]

    def try_run(self, batch: Batch) -> list[KernelError]:
        self.batches += 1
        errors = []
        for message, (op, target) in zip(batch.messages, batch.labels, strict=True):
            used = [index for index in map(index_of, UPLINKS) if struct.pack("=I", index) in message[28:]]
            if op == ROUTE and not all(self.flags[index] & messages.IFF_UP for index in used):
                errors.append(KernelError(op, target, self.code))
            else:
                self.taken.append(message)
        self.after()
        return errors


def index_of(port: int) -> int:
    return PLAN.indices.of(LEAF, port)


def whole() -> Batch:
    batch = Batch()
    for route in PLAN.forwarding.routes(LEAF):
        hops = [(index_of(hop.port), hop.gateway) for hop in route.hops]
        batch.add(messages.route(route.packed, route.length, hops, route.source), ROUTE, "leaf1")
    return batch


def run(kernel: Kernel) -> None:
    netlink: Any = kernel
    run_partly(netlink, PLAN.whole, LEAF, whole())


def test_with_all_ports_up_one_batch_is_all() -> None:
    kernel = Kernel(dict.fromkeys(map(index_of, UPLINKS), UP))
    run(kernel)
    assert (kernel.batches, kernel.taken) == (1, whole().messages)


def test_routes_go_over_the_hops_that_are_up() -> None:
    first, second = map(index_of, UPLINKS)
    kernel = Kernel({first: UP, second: 0})
    run(kernel)
    assert any(struct.pack("=I", first) in message[28:] for message in kernel.taken)
    assert not any(struct.pack("=I", second) in message[28:] for message in kernel.taken)


def test_who_writes_last_has_seen_the_port_that_came_meanwhile() -> None:
    first, second = map(index_of, UPLINKS)
    kernel = Kernel({first: UP, second: 0})

    def comes() -> None:
        if kernel.batches == 2:  # after the routes over one hop were written
            kernel.flags[second] = UP

    kernel.after = comes
    run(kernel)
    assert kernel.taken[-len(whole()) :] == whole().messages


def test_what_stays_refused_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial_routes, "_PATIENCE", 0.01)
    kernel = Kernel(dict.fromkeys(map(index_of, UPLINKS), UP))
    monkeypatch.setattr(kernel, "try_run", lambda _: [KernelError(ROUTE, "leaf1", errno.ENETUNREACH)])
    with pytest.raises(KernelError, match="route in leaf1"):
        run(kernel)
    monkeypatch.setattr(kernel, "try_run", lambda _: [KernelError("bring up", "leaf1", errno.EPERM)])
    with pytest.raises(KernelError, match="bring up leaf1"):
        run(kernel)
