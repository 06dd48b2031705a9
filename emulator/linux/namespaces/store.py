"""Network namespaces that outlive the command, without a daemon and without cluttering mounts.

Each network has one private mount namespace. Inside it a tmpfs holds one file per network namespace,
and the namespace is bind-mounted on its file. One bind mount of `/proc/self/ns/mnt` outside
keeps the mount namespace itself. So the mount tables of other programs grow by one line per network.
Unmounting that line releases everything at once, so no namespace can be forgotten.

Only the creating process holds a namespace that isn't bound yet. If that process is killed, only the
bind mount outside keeps namespaces alive.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emulator.errors import KernelError, MissingError
from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.first_process import first_process
from emulator.linux.namespaces.guard import go_outside, namespace_guard, opened
from emulator.linux.namespaces.mounts import is_mount, require_lasting, unmount_all
from emulator.linux.namespaces.syscalls import CLONE_NEWNET, CLONE_NEWNS
from emulator.node_namespaces import MACHINE_FILE


def _device_and_inode(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return -1, -1
    return status.st_dev, status.st_ino


class NamespaceStore:
    """The namespaces of one network: `pin` is the bind mount, `folder` contains their files.

    A namespace is called by its file; `NodeNamespaces.file` is that of a node. A node's own namespace has
    the node's name, which contains no slash (`topologies.names.NODE_NAME`). Names stay valid when a running
    network gains or loses nodes, while indices would shift. A namespace of no node has a name that starts
    with a dot. Nodes that share a namespace have no files of their own.
    """

    def __init__(self, pin: Path, folder: Path) -> None:
        self.pin = pin
        self.folder = folder
        self._prefix = f"{folder}/"

    @property
    def exists(self) -> bool:
        """True if the network's mount namespace exists. Raises UnableError if it can't be checked."""
        if is_mount(self.pin):
            return True
        require_lasting()
        return False

    def create(self) -> None:
        """Create the mount namespace and pin it. Call inside `namespace_guard("mnt")`: it stays entered.

        A mount namespace can be bound only if its number is above that of the surrounding one
        (fs/namespace.c, mnt_ns_loop). Newer kernels (observed with 6.18) assign a range of numbers to
        each CPU. In a container, the new number can therefore be below the parent's; then the namespace
        is created again on another CPU. The first mount namespace of a machine has the lowest number.
        """
        allowed = os.sched_getaffinity(0)
        try:
            for cpu in (None, *sorted(allowed)):
                if cpu is not None:
                    os.sched_setaffinity(0, {cpu})
                try:
                    return self._create()
                except KernelError as error:
                    refused = error
                    if error.errno != errno.EINVAL:
                        raise
        finally:
            os.sched_setaffinity(0, allowed)
        raise refused

    def _create(self) -> None:
        """Create the mount namespace, pin it and stay in it; on failure return to the caller's."""
        outside = opened("/proc/thread-self/ns/mnt")
        try:
            syscalls.unshare(CLONE_NEWNS)
            syscalls.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
            flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
            syscalls.mount("tmpfs", str(self.folder), "tmpfs", flags, "mode=0700,size=512m,nr_inodes=0")
            inside = opened("/proc/thread-self/ns/mnt")
            try:
                syscalls.setns(outside, CLONE_NEWNS)
                syscalls.mount(f"/proc/self/fd/{inside}", str(self.pin), flags=syscalls.MS_BIND)
                syscalls.setns(inside, CLONE_NEWNS)
            finally:
                os.close(inside)
        except KernelError:
            syscalls.setns(outside, CLONE_NEWNS)
            raise
        finally:
            os.close(outside)

    def enter(self) -> None:
        """Enter the mount namespace, from any other. Call inside `namespace_guard("mnt")`.

        The pin is a mount in the namespace outside all networks. Its path is valid only there.
        """
        go_outside()
        fd = self._open_there(str(self.pin))
        try:
            syscalls.setns(fd, CLONE_NEWNS)
        except KernelError:
            require_lasting()
            raise
        finally:
            os.close(fd)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Enter the mount namespace, allow changes of network namespace, and return at the end."""
        with namespace_guard("net", "mnt"):
            self.enter()
            yield

    def make(self, file: str) -> None:
        """Enter the network namespace `file`; create it first if it doesn't exist."""
        path = self._prefix + file
        try:
            os.mknod(path, 0o400)  # an empty regular file
        except FileExistsError:
            self.go(file)
            return
        syscalls.unshare(CLONE_NEWNET, f"the namespace of {file}")
        syscalls.mount("/proc/thread-self/ns/net", path, flags=syscalls.MS_BIND)

    def open(self, file: str) -> int:
        """Return a descriptor of the namespace `file` (inside the mount namespace)."""
        return self._open_there(self._prefix + file)

    def _open_there(self, path: str) -> int:
        try:
            return opened(path)
        except (FileNotFoundError, NotADirectoryError):
            raise self._missing(path) from None

    def _missing(self, path: str) -> MissingError:
        if not os.path.lexists(self.folder):
            return MissingError(f"network `{self.pin.name}` isn't up any more: it was taken down")
        return MissingError(f"{path} is gone; `emulator down {self.pin.name}` removes what is left")

    def go(self, file: str) -> None:
        """Enter the network namespace `file` (inside the mount namespace).

        While a namespace is created or removed, its file is a regular file for a moment. It then counts as
        missing.
        """
        fd = self.open(file)
        try:
            syscalls.setns(fd, CLONE_NEWNET)
        except KernelError as error:
            if error.errno != errno.EINVAL:
                raise
            raise self._missing(self._prefix + file) from None
        finally:
            os.close(fd)

    def remove(self, file: str) -> None:
        """Release the namespace `file` (inside the mount namespace); no error if there is none."""
        path = self._prefix + file
        with suppress(KernelError):
            syscalls.umount(path, syscalls.MNT_DETACH)
        with suppress(FileNotFoundError):
            os.unlink(path)

    def files(self) -> list[str]:
        """Return the namespaces by their files, ascending (inside the mount namespace).

        The list is empty if another program removed the folder: the kernel then unmounted its contents. A
        file without a namespace, as a killed command leaves it between two calls, isn't listed.
        """
        return [file for file, _ in self._bound()]

    def _bound(self) -> list[tuple[str, tuple[int, int]]]:
        """Return each namespace's file, ascending, with its device and inode."""
        try:
            files = sorted(os.listdir(self.folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
        device = _device_and_inode("/proc/thread-self/ns/net")[0]
        found = ((file, _device_and_inode(self._prefix + file)) for file in files)
        return [(file, key) for file, key in found if key[0] == device]

    def inodes(self) -> dict[int, str]:
        """Return {inode of the namespace: file} (inside the mount namespace).

        The result excludes the machine's own namespace, because callers kill the processes inside: that of
        process 1, and the one in which the network was brought up.
        """
        bound = self._bound()
        machine = {key for file, key in bound if file == MACHINE_FILE}
        machine.add(_device_and_inode(f"{first_process() or '/proc/1'}/ns/net"))
        return {key[1]: file for file, key in bound if key not in machine}

    def release(self) -> None:
        """Release the mount namespace and everything in it; no error if there is none."""
        unmount_all(self.pin)
        try:
            self.pin.unlink(missing_ok=True)
        except IsADirectoryError:  # made by another program; `down` must work anyway
            shutil.rmtree(self.pin)
