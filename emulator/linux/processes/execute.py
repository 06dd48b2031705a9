"""Run commands inside nodes: their network namespace, host name, names in /etc/hosts, and their /sys.

The calling thread enters the node and starts the command from there. The child inherits its parent's
namespaces, so no helper program and no code between fork and exec are needed.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from emulator.commands import no_program
from emulator.errors import KernelError, UnableError
from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.guard import namespace_guard
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.processes.caller import Caller
from emulator.linux.processes.node_mark import mark_here

Made = TypeVar("Made")


NODE_VARIABLE = "EMULATOR_NODE"
"""Variable with the node's name, in the environment of its commands."""


@dataclass(frozen=True)
class Place:
    """A node by its name, and the file of its network namespace; without a name it is only the namespace.

    `mounts` are (source, target): what its commands see at the targets.
    """

    file: str
    node: str = ""
    mounts: tuple[tuple[str, str], ...] = ()


def inside(store: NamespaceStore, place: Place, hosts: Path | None, action: Callable[[], Made]) -> Made:
    """Call `action()` inside a node or namespace, with private mounts, and return its result.

    Its /etc/hosts is the file `hosts`, /sys shows the namespace's interfaces; the current directory stays.
    Processes that it starts have the node's name as host name, and are marked as those of the node.
    """
    with ExitStack() as stack:
        stack.enter_context(namespace_guard("net", "mnt", "uts"))
        here = stack.enter_context(_current_directory())
        outside = Path("/proc/thread-self/ns/mnt").open("rb")  # noqa: SIM115 -- closed below
        with outside:
            store.enter()
            store.go(place.file)
            syscalls.setns(outside.fileno(), syscalls.CLONE_NEWNS)
        if here is not None:  # the kernel went to the root
            with suppress(OSError):
                os.fchdir(here)
        syscalls.unshare(syscalls.CLONE_NEWNS)
        syscalls.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_SLAVE)
        named = str(hosts) if hosts is not None and hosts.exists() else ""
        with (
            _opened([source for source, _ in place.mounts]) as sources,
            _opened([named] * bool(named)) as own,
        ):
            for source, (_, target) in zip(sources, place.mounts, strict=True):
                syscalls.mount(source, target, flags=syscalls.MS_BIND)
            for source in own:
                with suppress(KernelError):
                    syscalls.mount(source, "/etc/hosts", flags=syscalls.MS_BIND)
        # like `ip netns exec`; otherwise /sys/class/net shows the wrong links
        if place.node:
            mark_here(place.node, store.folder)
            syscalls.unshare(syscalls.CLONE_NEWUTS)
            socket.sethostname(place.node)  # both have up to 64 bytes
        else:
            with suppress(KernelError):
                syscalls.mount("sysfs", "/sys", "sysfs")
        return action()


@contextmanager
def _opened(paths: Sequence[str]) -> Iterator[list[str]]:
    """Yield paths that lead to `paths` whatever is mounted over them meanwhile, such as a private /run."""
    with ExitStack() as stack:
        out = []
        for path in paths:
            try:
                descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError as error:
                raise KernelError("mount", path, error.errno or 0) from error
            stack.callback(os.close, descriptor)
            out.append(f"/proc/self/fd/{descriptor}")
        yield out


@contextmanager
def _current_directory() -> Iterator[int | None]:
    """Open the current directory; None if there is none any more."""
    try:
        here = os.open(".", os.O_PATH | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        yield here
    finally:
        os.close(here)


def start(
    store: NamespaceStore, place: Place, hosts: Path | None, argv: Sequence[str], *, capture: bool,
    inherit: Sequence[int] = (), apart: bool = False, environment: Mapping[str, str] | None = None,
    feed: bool = False, session: bool = False, output: int | None = None, user: Caller | None = None,
) -> subprocess.Popen[bytes]:  # fmt: skip
    """Start `argv` inside a node. With `capture`, its output goes to pipes and its input is empty.

    It inherits the current directory, the descriptors `inherit`, and this process's environment, with the
    node's name and `environment` added. With `feed`, its input is a pipe. With `apart`, it leads its own
    process group, with `session` its own session without a terminal. With `output`, it writes to this
    descriptor, and its input is empty. It runs as `user`, if that is another. Raises UnableError when the
    program doesn't exist.
    """
    pipe = subprocess.PIPE if capture else output
    named = {"HOSTNAME": place.node, NODE_VARIABLE: place.node} if place.node else {}
    nothing = subprocess.PIPE if feed else subprocess.DEVNULL if capture or output is not None else None
    everything = {**os.environ, **named, **(environment or {})}

    def run() -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603
                list(argv), stdin=nothing, stdout=pipe, stderr=pipe, pass_fds=tuple(inherit),
                process_group=0 if apart else None, start_new_session=session,
                env=user.environment(everything) if user else everything,
                user=user.uid if user else None, group=user.gid if user else None,
                extra_groups=user.groups if user else None,
            )  # fmt: skip
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not os.path.exists(argv[0]):  # else its interpreter
                raise UnableError(no_program(argv, place.node)) from error
            raise UnableError(f"can't run `{argv[0]}` in {place.node}: {error.strerror}") from error

    return inside(store, place, hosts, run)
