"""The underlay of local workers: a namespace with a bridge, and one namespace a worker, joined by veths.

The bridge and the scheduler are in a namespace of their own, so that this machine's packet filter sees
nothing of what workers tell each other. This machine has one interface in it. All of it ends with the
namespaces.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network
from pathlib import Path

from emulator.carriers.local.record import OWN_NUMBER, LocalPaths, LocalRecord
from emulator.errors import BrokenError, KernelError
from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.guard import namespace_guard, opened
from emulator.linux.namespaces.mounts import ensure_private, unmount_all
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink.bridge_messages import bridge
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.netlink.messages import address, link_up, veth

HEAD = "head"
"""Namespace of the bridge and the scheduler."""

_LOOPBACK, _BRIDGE, _PORT, _OWN = 1, 10, 100, 10
"""Interface indices: all but the first are ours in fresh namespaces."""
_GONE_SECONDS = 10.0


def store_of(paths: LocalPaths) -> NamespaceStore:
    """Return the store of the namespaces."""
    return NamespaceStore(paths.mounts / "pin", paths.mounts / "namespaces")


def free_number() -> int:
    """Return a number whose interface and subnet this machine doesn't use; BrokenError without any."""
    names = {name for _, name in socket.if_nameindex()}
    routes = _routes()
    for number in range(256):
        record = LocalRecord(number, 0, 0, 0.0)
        subnet = IPv4Network(record.subnet)
        if record.interface not in names and not any(subnet.overlaps(route) for route in routes):
            return number
    raise BrokenError(
        "all 256 subnets of local workers are in use, or this machine has a route to 198.18.0.0/16; "
        "`emulator workers local --down` frees one"
    )


def _routes() -> list[IPv4Network]:
    """Return the destinations of this namespace's IPv4 routes, without default ones."""
    lines = Path("/proc/thread-self/net/route").read_text(encoding="ascii").splitlines()[1:]
    columns = [line.split("\t") for line in lines]
    pairs = [
        (int.from_bytes(bytes.fromhex(c[1]), "little"), int.from_bytes(bytes.fromhex(c[7]), "little"))
        for c in columns
    ]
    return [IPv4Network((where, mask.bit_count())) for where, mask in pairs if mask]


def create(paths: LocalPaths, record: LocalRecord) -> None:
    """Create all namespaces and join them; KernelError."""
    store = store_of(paths)
    machine = opened("/proc/thread-self/ns/net")
    try:
        ensure_private(paths.mounts)
        store.folder.mkdir(mode=0o700, exist_ok=True)
        store.pin.touch(mode=0o600)
        with namespace_guard("net", "mnt"):
            store.create()
            store.make(HEAD)
            head = store.open(HEAD)
            try:
                _create_bridge(record)
                for number, worker in enumerate(record.workers, 1):
                    store.make(worker)
                    _join(record, number, head, "eth0", _OWN)
                syscalls.setns(machine, syscalls.CLONE_NEWNET)
                _join(record, OWN_NUMBER, head, record.interface)
            finally:
                os.close(head)
    finally:
        os.close(machine)


def _create_bridge(record: LocalRecord) -> None:
    """Create the bridge with the scheduler's address, in this thread's namespace."""
    batch = Batch()
    batch.add(link_up(_LOOPBACK), "bring up", "lo")
    batch.add(bridge(b"underlay", _BRIDGE, _mac(record, 0)), "create bridge", "underlay")
    batch.add(address(_BRIDGE, socket.inet_aton(record.host(0)), 24), "add address to", "underlay")
    _run(batch)


def _join(record: LocalRecord, number: int, head: int, name: str, index: int = 0) -> None:
    """Join this thread's namespace to the bridge by an interface with the address `number`; 0: any index."""
    batch = Batch()
    message = veth(
        f"port{number}".encode(), _PORT + number, _mac(record, number, port=True), head, _BRIDGE, up=True,
        peer_name=name.encode(), peer_index=index, peer_mac=_mac(record, number),
    )  # fmt: skip
    batch.add(message, "create link", name)
    _run(batch)
    own = index or socket.if_nametoindex(name)
    batch = Batch()
    batch.add(link_up(_LOOPBACK), "bring up", "lo")
    batch.add(link_up(own), "bring up", name)
    batch.add(address(own, socket.inet_aton(record.host(number)), 24), "add address to", name)
    _run(batch)


def _run(batch: Batch) -> None:
    with Netlink() as netlink:
        netlink.run(batch)


def _mac(record: LocalRecord, number: int, *, port: bool = False) -> bytes:
    return bytes([0x02, 0xE3, port, record.number, 0, number])


@contextmanager
def inside(paths: LocalPaths, name: str) -> Iterator[None]:
    """Let this thread be in a worker's network namespace, not in another mount namespace; MissingError."""
    store = store_of(paths)
    with store.entered():
        place = store.open(name)
    try:
        with namespace_guard("net"):
            syscalls.setns(place, syscalls.CLONE_NEWNET)
            yield
    finally:
        os.close(place)


def exists(paths: LocalPaths) -> bool:
    """Return whether the namespaces exist."""
    return store_of(paths).exists


def remove(paths: LocalPaths) -> None:
    """Release all namespaces, and wait until this machine's interface is gone with them."""
    own = _own_index(paths)
    store_of(paths).release()
    unmount_all(paths.mounts)
    deadline = time.monotonic() + _GONE_SECONDS
    while own and time.monotonic() < deadline:
        with suppress(OSError):
            socket.if_indextoname(own)
            time.sleep(0.02)
            continue
        return


def _own_index(paths: LocalPaths) -> int:
    """Return the index of this machine's interface in the underlay; 0 if there is none."""
    from emulator.carriers.local.record import read_record

    with suppress(BrokenError, OSError):
        record = read_record(paths)
        if record is not None and record.is_complete:
            return socket.if_nametoindex(record.interface)
    return 0


def is_taken(error: KernelError) -> bool:
    """Return whether a name was taken by another command meanwhile."""
    return error.errno == errno.EEXIST
