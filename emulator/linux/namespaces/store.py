"""Network namespaces that outlive the command, without a daemon and without cluttering mounts.

Each network has one private mount namespace. Inside it a tmpfs holds one file per node, and each
node's network namespace is bind-mounted on its file. The mount namespace itself is kept by one
bind mount of `/proc/self/ns/mnt` outside. So everybody else's mount table grows by one line per
network, and unmounting that one line lets go of everything at once: there is no way to forget a
namespace.

A namespace that isn't bound yet is held only by the process that makes it: killed at any moment,
that process leaves nothing that the one line doesn't hold.
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


def _device_and_inode(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return -1, -1
    return status.st_dev, status.st_ino


class NamespaceStore:
    """The namespaces of one network: `pin` is the one bind mount, `folder` where node files stand.

    A namespace is named by its file: by the name of the node whose own it is, which holds no slash
    (`topologies.names.NODE_NAME`), so that it stays right when a running network gains or loses nodes and
    indices shift; or by a name that starts with a dot, which no node's does. A node that lives in
    another's namespace has a file too, with that namespace bound to it.
    """

    def __init__(self, pin: Path, folder: Path) -> None:
        self.pin = pin
        self.folder = folder
        self._prefix = f"{folder}/"

    @property
    def exists(self) -> bool:
        """Whether the network's mount namespace exists; UnableError if that can't be seen."""
        if is_mount(self.pin):
            return True
        require_lasting()
        return False

    def create(self) -> None:
        """Make the mount namespace and pin it. Call inside `namespace_guard("mnt")`: it stays entered.

        A mount namespace can be bound only where its number is above that of the one around it
        (fs/namespace.c, mnt_ns_loop), and newer kernels (6.18 was seen) give each CPU a range of
        numbers to hand out. In a container this one can so be numbered below its parent: then it
        is made again on another CPU. The first mount namespace of a machine has the lowest number.
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
        """Make the mount namespace, pin it and stay in it; on failure be where it was called."""
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

        Its pin is a mount in the namespace outside of all networks: there its path means what it says.
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
        """Be in the mount namespace and free to change network namespace; return at the end."""
        with namespace_guard("net", "mnt"):
            self.enter()
            yield

    def make(self, node: str, namespace: str) -> None:
        """Bind the network namespace that `node` lives in to the node's file, and stay inside it.

        That is `namespace`: a new one where it has the node's name, else made when it isn't there.
        """
        if node == namespace:
            syscalls.unshare(CLONE_NEWNET)
        elif os.path.exists(self._prefix + namespace):
            self.go(namespace)
        else:
            self.make(namespace, namespace)
        path = self._prefix + node
        os.mknod(path, 0o400)  # an empty regular file
        syscalls.mount("/proc/thread-self/ns/net", path, flags=syscalls.MS_BIND)

    def open(self, node: str) -> int:
        """Return a descriptor of the namespace of `node` (inside the mount namespace)."""
        return self._open_there(self._prefix + node)

    def _open_there(self, path: str) -> int:
        try:
            return opened(path)
        except (FileNotFoundError, NotADirectoryError):
            raise self._missing(path) from None

    def _missing(self, path: str) -> MissingError:
        return MissingError(f"{path} is gone; `emulator down {self.pin.name}` removes what is left")

    def go(self, node: str) -> None:
        """Enter the network namespace of `node` (inside the mount namespace).

        Its file is an ordinary one for a moment while the node is made or removed: it isn't there then.
        """
        fd = self.open(node)
        try:
            syscalls.setns(fd, CLONE_NEWNET)
        except KernelError as error:
            if error.errno != errno.EINVAL:
                raise
            raise self._missing(self._prefix + node) from None
        finally:
            os.close(fd)

    def remove(self, node: str) -> None:
        """Release the namespace of `node` (inside the mount namespace); no error if there is none."""
        path = self._prefix + node
        with suppress(KernelError):
            syscalls.umount(path, syscalls.MNT_DETACH)
        with suppress(FileNotFoundError):
            os.unlink(path)

    def nodes(self) -> list[str]:
        """Return the nodes that have a file, ascending (inside the mount namespace).

        None, when somebody removed the folder: the kernel then unmounted what was below it.
        """
        return [name for name in self._files() if not name.startswith(".")]

    def _files(self) -> list[str]:
        try:
            return sorted(os.listdir(self.folder))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def inodes(self) -> dict[int, str]:
        """Return {inode of the namespace: node} (inside the mount namespace).

        Only of namespaces, and never the machine's own: who asks kills what is in them.
        """
        device, machine = (
            _device_and_inode("/proc/thread-self/ns/net")[0],
            _device_and_inode(f"{first_process() or '/proc/1'}/ns/net"),
        )
        found = {node: _device_and_inode(self._prefix + node) for node in self._files()}
        return {key[1]: node for node, key in found.items() if key[0] == device and key != machine}

    def release(self) -> None:
        """Release the mount namespace and everything in it; no error if there is none."""
        unmount_all(self.pin)
        try:
            self.pin.unlink(missing_ok=True)
        except IsADirectoryError:  # somebody's doing; `down` works whatever is there
            shutil.rmtree(self.pin)
