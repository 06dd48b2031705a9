"""A laboratory: machines made of namespaces, for engines that run on workers.

Each machine has network, process, mount and host name namespaces of its own, and a link to one bridge, which
has an address too: this machine reaches all of them, as a front end would. Files are shared, except for the
folders of `private`: daemons that have their sockets there, such as Open vSwitch's, can run on each machine.
Ending a machine ends all that runs on it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_INIT = "import os,time\nwhile True:\n try: os.wait()\n except ChildProcessError: time.sleep(0.05)"
"""The first process of a machine: it takes in the children of the dead, as an init does."""
_FLAGS = ("--net", "--uts", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc")


@dataclass(frozen=True)
class Machine:
    """A machine: its host name, its address on the bridge, and the process id of its first process."""

    name: str
    address: str
    pid: int
    programs: list[subprocess.Popen[bytes]] = field(default_factory=list, compare=False)

    def argv(self, argv: Sequence[str]) -> list[str]:
        """Return the command line that runs `argv` on this machine."""
        return ["nsenter", "-t", str(self.pid), "-n", "-u", "-p", "-m", "--", *argv]

    def run(self, *argv: str, check: bool = True, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a command here and return its output."""
        return subprocess.run(
            self.argv(argv), check=check, timeout=timeout, stdin=subprocess.DEVNULL, capture_output=True,
            text=True,
        )  # fmt: skip

    def start(self, argv: Sequence[str], log: Path, **environment: str) -> subprocess.Popen[bytes]:
        """Start a program here, with its output in `log`; it ends with the machine."""
        with log.open("ab") as out:
            program = subprocess.Popen(
                self.argv(argv), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                env=outside() | environment,
            )  # fmt: skip
        self.programs.append(program)
        return program

    def start_ovs(self, folder: Path) -> None:
        """Start Open vSwitch with a database in `folder`; /run/openvswitch must be private."""
        folder.mkdir(parents=True, exist_ok=True)
        schema = "/usr/share/openvswitch/vswitch.ovsschema"
        self.run("ovsdb-tool", "create", str(folder / "conf.db"), schema)
        remote = "unix:/run/openvswitch/db.sock"
        daemon = ("--pidfile", "--detach", "--no-chdir")
        log = f"--log-file={folder}"
        self.run("ovsdb-server", str(folder / "conf.db"), f"--remote=p{remote}", *daemon, f"{log}/db.log")
        self.run("ovs-vsctl", "--no-wait", "init")
        self.run("ovs-vswitchd", remote, *daemon, f"{log}/switch.log")


def outside() -> dict[str, str]:
    """Return our environment without what belongs to the test that runs: these programs outlive it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EMULATOR_")}


@contextmanager
def machines(
    names: Sequence[str], *, bridge: str = "lab0", network: str = "10.213.0", mtu: int = 1600,
    private: Sequence[str] = ("/run/openvswitch",),
) -> Iterator[list[Machine]]:  # fmt: skip
    """Make machines with addresses NETWORK.1, .2, …; the bridge, on this machine, has NETWORK.254."""
    inits: list[subprocess.Popen[bytes]] = []
    found: list[Machine] = []
    _ip("link", "add", bridge, "mtu", str(mtu), "type", "bridge", "mcast_snooping", "0")
    try:
        _ip("addr", "add", f"{network}.254/24", "dev", bridge)
        _ip("link", "set", "dev", bridge, "up")
        for number, name in enumerate(names, 1):
            inits.append(subprocess.Popen(["unshare", *_FLAGS, sys.executable, "-c", _INIT]))
            found.append(Machine(name, f"{network}.{number}", _child(inits[-1].pid)))
            _attach(found[-1], bridge, f"{bridge}-{number}", mtu, private)
        yield found
    finally:
        for init in inits:
            init.send_signal(signal.SIGKILL)
            init.wait()
        for program in [program for machine in found for program in machine.programs]:
            program.wait()
        ports = [f"{bridge}-{number}" for number in range(1, len(names) + 1)]
        for device in (*ports, bridge):  # a machine's network namespace goes later, and its port with it
            subprocess.run(["ip", "link", "del", device], check=False, stderr=subprocess.DEVNULL)


def _attach(machine: Machine, bridge: str, port: str, mtu: int, private: Sequence[str]) -> None:
    """Give the machine its name, its address and its own folders."""
    words = ["mtu", str(mtu)]
    _ip(
        "link", "add", port, *words, "type", "veth", "peer", "name", "eth0", *words, "netns", str(machine.pid)
    )
    _ip("link", "set", "dev", port, "master", bridge, "up")
    machine.run("hostname", machine.name)
    machine.run("mount", "-t", "sysfs", "sysfs", "/sys")  # it shows the interfaces of who mounts it
    machine.run("ip", "addr", "add", f"{machine.address}/24", "dev", "eth0")
    for device in ("lo", "eth0"):
        machine.run("ip", "link", "set", "dev", device, "up")
    for folder in private:
        Path(folder).mkdir(parents=True, exist_ok=True)
        machine.run("mount", "-t", "tmpfs", "tmpfs", folder)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _child(pid: int) -> int:
    """Return the process that `unshare` has forked: the machine's first one."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if (found := children.read_text(encoding="ascii").split()) and (
            "unshare" not in Path(f"/proc/{found[0]}/comm").read_text(encoding="ascii")
        ):
            return int(found[0])
        time.sleep(0.01)
    raise TimeoutError("the machine's first process doesn't start")


def wait_until(what: str, ready: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until `ready()` is true; TimeoutError names `what`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)
