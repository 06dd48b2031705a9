"""Network namespaces as machines: held by a process each, joined by a bridge in a namespace of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Container, Iterator
from contextlib import ExitStack, contextmanager

_PAUSE = "import signal; print(flush=True); signal.pause()"


class HeldNamespace:
    """A network namespace that lives until `close`; `apart` also has users and mounts of its own."""

    def __init__(self, *, apart: bool = False) -> None:
        self._apart = ["--user", "--mount"] if apart else []
        mapped = ["--map-root-user"] if apart else []
        words = ["unshare", *self._apart, *mapped, "--net", sys.executable, "-c", _PAUSE]
        self._holder = subprocess.Popen(words, stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        self._holder.stdout.readline()  # it is inside

    @property
    def pid(self) -> int:
        return self._holder.pid

    @property
    def entered(self) -> list[str]:
        """Words before a command that runs in this network namespace, and in its other own ones."""
        credentials = ["--preserve-credentials"] if self._apart else []
        return ["nsenter", "-t", str(self.pid), *self._apart, *credentials, "--net"]

    def ip(self, *commands: str) -> None:
        """Carry out commands of iproute2."""
        words, lines = [*self.entered, "ip", "-batch", "-"], "\n".join(commands)
        subprocess.run(words, input=lines, text=True, check=True)

    def close(self) -> None:
        self._holder.kill()
        self._holder.communicate()


@contextmanager
def wired(
    count: int, addresses: str, device: str, mtu: int = 1500, *, apart: Container[int] = ()
) -> Iterator[list[HeldNamespace]]:
    """Yield `count` namespaces that reach each other by `device`; those of `apart` have users of their own.

    `addresses` is the form of their addresses with the prefix, for numbers from 1: "10.99.0.{}/24".
    """
    with ExitStack() as stack:
        made = []
        for number in range(count + 1):
            made.append(HeldNamespace(apart=number in apart))
            stack.callback(made[-1].close)
        wire, *machines = made
        wire.ip(f"link add u mtu {mtu} type bridge", "link set u up")
        for number, machine in enumerate(machines, 1):
            wire.ip(
                f"link add m{number} mtu {mtu} type veth peer name {device} mtu {mtu} netns {machine.pid}",
                f"link set m{number} master u up",
            )
            address = addresses.format(number)
            words = f"address add {address} dev {device}" + (" nodad" if ":" in address else "")
            machine.ip("link set lo up", words, f"link set {device} up")
        yield machines
