"""The machine's own network namespace, as a network knows it: bound to a file of its store.

It is the namespace that `up` was called in. Later commands enter it by that file, wherever they are called.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from emulator.errors import KernelError, MissingError
from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.guard import go_to_network, machine_network, namespace_guard
from emulator.linux.namespaces.network_identity import processes_in
from emulator.linux.namespaces.store import NamespaceStore
from emulator.node_namespaces import MACHINE_FILE


def bind_machine(store: NamespaceStore) -> None:
    """Bind the machine's namespace to its file, unless it is. Call inside the store's mount namespace."""
    path = store.folder / MACHINE_FILE
    with suppress(MissingError):
        descriptor = store.open(MACHINE_FILE)
        try:
            syscalls.setns(descriptor, syscalls.CLONE_NEWNET)
        except KernelError:  # a file without a namespace: a killed command left it
            pass
        else:
            return
        finally:
            os.close(descriptor)
    with suppress(FileExistsError):
        os.mknod(path, 0o400)
    with machine_network():
        syscalls.mount("/proc/thread-self/ns/net", str(path), flags=syscalls.MS_BIND)


@contextmanager
def in_machine(store: NamespaceStore) -> Iterator[None]:
    """Enter the machine's namespace. Call inside the store's mount namespace."""
    with namespace_guard("net"):
        store.go(MACHINE_FILE)
        yield


@contextmanager
def found_again(identity: str) -> Iterator[bool]:
    """Enter the namespace `identity` by any process in it; yields False where there is none left.

    For a `down` that finds the network's store gone: whoever unmounted it also took the file.
    """
    with namespace_guard("net"):
        entered = False
        for process in processes_in(identity):
            with suppress(OSError):  # it has ended meanwhile
                go_to_network(process)
                entered = True
                break
        yield entered
