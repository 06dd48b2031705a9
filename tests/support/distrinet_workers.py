"""Workers for the stand-in for Distrinet: network namespaces on an underlay of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HOME = Path(__file__).with_name("distrinet_stand_in")
_HOLD = "mount -t tmpfs tmpfs /run; hostname {name}; ip link set dev lo up; exec sleep 1000000"


class Workers:
    """The workers' folder, and how to look at them and to break them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.addresses: list[str] = []

    def run(self, number: int, command: str) -> str:
        """Run a shell command on a worker; return its output."""
        folder = self.folder / self.addresses[number]
        pid = (folder / "pid").read_text()
        path = f"{HOME / 'bin'}:{os.environ['PATH']}"
        own = {"PATH": path, "STAND_IN_WORKER": str(folder), "STAND_IN_PYTHON": sys.executable}
        words = ["nsenter", "-t", pid, "-n", "-u", "-m", "sh", "-c", command]
        return subprocess.run(
            words, check=True, capture_output=True, text=True, env={**os.environ, **own}
        ).stdout

    def devices(self, number: int) -> set[str]:
        """Return the names of a worker's network devices."""
        return {line.split()[0].partition("@")[0] for line in self.run(number, "ip -br link").splitlines()}

    def containers(self, number: int) -> set[str]:
        """Return the names of a worker's containers."""
        return set(self.run(number, "lxc list -f csv -c n").split())

    def take_away(self, number: int, *, away: bool = True) -> None:
        """Make a worker unreachable, or reachable again."""
        mark = self.folder / self.addresses[number] / "away"
        mark.touch() if away else mark.unlink()

    def tell(self, number: int, file: str, words: str) -> Path:
        """Make a worker's LXD `slow` (seconds to make a container), or one that `refuses` names."""
        path = self.folder / self.addresses[number] / file
        path.write_text(words)
        return path

    def is_making(self, number: int) -> bool:
        """Return whether a slow LXD has begun to make a container."""
        return any((self.folder / self.addresses[number]).glob("making-*"))

    def connections(self) -> list[str]:
        """Return the connections that the driver has made: an address, and `direct` or `jump`."""
        return (self.folder / "connections").read_text().splitlines()


@contextmanager
def workers(folder: Path, count: int) -> Iterator[Workers]:
    """Make `count` workers with addresses 10.99.0.1, 10.99.0.2, …"""
    found = Workers(folder)
    holders = [_held("underlay")]
    try:
        underlay = str(holders[0].pid)
        _inside(underlay, "ip link add br0 type bridge && ip link set dev br0 up")
        for number in range(1, count + 1):
            holders.append(_held(f"w{number}"))
            pid, address = str(holders[-1].pid), f"10.99.0.{number}"
            port = f"p{number}"
            _inside(underlay, f"ip link add {port} type veth peer name eth0 netns {pid}")
            _inside(underlay, f"ip link set dev {port} master br0 up")
            _inside(pid, f"ip addr add {address}/24 dev eth0 && ip link set dev eth0 up")
            (folder / address / "containers").mkdir(parents=True)
            (folder / address / "pid").write_text(pid)
            found.addresses.append(address)
        yield found
    finally:
        for path in folder.glob("*/containers/*/pid"):
            os.kill(int(path.read_text()), signal.SIGKILL)
        for holder in holders:
            holder.kill()
            holder.wait()


def _held(name: str) -> subprocess.Popen[bytes]:
    """Start a process in new namespaces, and wait until it is ready there."""
    words = ["unshare", "-n", "-u", "-m", "sh", "-c", _HOLD.format(name=name)]
    holder = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{holder.pid}/comm").read_text() != "sleep\n":
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} doesn't start")
        time.sleep(0.01)
    return holder


def _inside(pid: str, command: str) -> None:
    words: Sequence[str] = ["nsenter", "-t", pid, "-n", "sh", "-c", command]
    subprocess.run(words, check=True)
