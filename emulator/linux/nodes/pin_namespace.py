"""Pin namespaces of another program: afterwards they are used like those of any other node."""

from __future__ import annotations

import os

from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.sysctl import disable_ipv6_here


def pin_namespace(store: NamespaceStore, file: str, pid: int) -> None:
    """Bind the network namespace of process `pid` to `file`, and enter it.

    Call inside the store's mount namespace, while the process can't end.
    """
    store.remove(file)  # left by an interrupted change
    path = f"{store.folder}/{file}"
    os.mknod(path, 0o400)
    syscalls.mount(f"/proc/{pid}/ns/net", path, flags=syscalls.MS_BIND)
    store.go(file)


def quieten_here() -> None:
    """Disable link-local IPv6 addresses on future interfaces of this thread's namespace."""
    try:
        with open("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "w", encoding="ascii") as file:
            file.write("1")
    except FileNotFoundError:  # a kernel without IPv6
        return


def ready_root(store: NamespaceStore, name: str, *, ipv6: bool) -> None:
    """Create the namespace `name` with its loopback up; without `ipv6`, disable IPv6 on its interfaces."""
    store.make(name)
    if not ipv6:
        disable_ipv6_here()
    batch = Batch()
    batch.add(messages.link_up(messages.LOOPBACK), "bring up lo of", name)
    with Netlink() as netlink:
        netlink.run(batch)
