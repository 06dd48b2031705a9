"""MaxiNet's processes in a laboratory: the user's real copy, or the stand-in of `tests/support/maxinet`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engines_real.laboratory import Machine, machines, outside, wait_until

SYSTEM_PYTHON = "/usr/bin/python3"
STAND_IN = Path(__file__).parents[1] / "support" / "maxinet"
_LANE = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""Tests in another process have workers of their own."""
_NETWORK = f"10.214.{_LANE}"
_BRIDGE = f"labm{_LANE}"
_PASSWORD = "a password"  # noqa: S105 -- of a laboratory
_PORT = 9095

_IP = f"""#!{sys.executable}
import os, sys
words = sys.argv[1:]
if "gretap" in words:
    at = words.index("gretap")
    name, options = words[words.index("type") - 1], dict(zip(words[at + 1::2], words[at + 2::2]))
    words = ["link", "add", name, "mtu", "1500", "type", "vxlan", "id", str(int(options["key"]) + 1),
             "local", options["local"], "remote", options["remote"], "dstport", "4789"]
os.execv("/sbin/ip", ["ip", *words])
"""
"""`ip` of machines whose kernel may lack GRE: tunnels are VXLAN."""


def stand_in_python(folder: Path) -> str:
    """Return the system's Python with the stand-in's Pyro4; empty if it lacks the real Mininet."""
    found = subprocess.run([SYSTEM_PYTHON, "-c", "import mininet"], check=False, capture_output=True)
    if found.returncode:
        return ""
    argv = [SYSTEM_PYTHON, "-m", "venv", "--system-site-packages", "--without-pip", str(folder)]
    subprocess.run(argv, check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "stand_in.pth").write_text(str(STAND_IN / "python") + "\n")
    return str(folder / "bin" / "python")


@dataclass(frozen=True)
class MaxinetLaboratory:
    """Two workers that MaxiNet runs on, and what the emulator must know to use them."""

    environment: dict[str, str]
    workers: list[Machine]
    folder: Path
    _front: list[subprocess.Popen[bytes]]
    _command: list[str]
    _variables: dict[str, str]

    def start_front(self) -> None:
        """Start the front end."""
        with (self.folder / "front.log").open("ab") as log:
            self._front.append(
                subprocess.Popen(
                    [*self._command, "MaxiNet.FrontendServer.server"], env=outside() | self._variables,
                    cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )
            )  # fmt: skip

    def kill_front(self) -> None:
        """Kill the front end."""
        while self._front:
            process = self._front.pop()
            process.kill()
            process.wait()

    def start_worker(self, machine: Machine) -> None:
        """Start MaxiNetWorker on a machine."""
        argv = ["env", "-C", str(self.folder), *self._command, "MaxiNet.WorkerServer.server"]
        machine.start(argv, self.folder / f"{machine.name}.log", **self._variables)

    def revive(self) -> None:
        """Start workers that have ended, as their unit would: some do when the front end is started again."""
        for machine in self.workers:
            if machine.run("pgrep", "-f", "MaxiNet.WorkerServer.server", check=False).returncode:
                self.start_worker(machine)

    def kill_worker(self, machine: Machine) -> None:
        """Kill MaxiNetWorker on a machine."""
        machine.run("pkill", "-KILL", "-f", "MaxiNet.WorkerServer.server")

    def wait_for(self, *names: str, revive: bool = False) -> None:
        """Wait until the workers are registered and free; with `revive`, start those that have ended."""

        def ready() -> bool:
            if revive:
                self.revive()
            return set(names) <= self._free()

        wait_until(f"workers {names}", ready)

    def _free(self) -> set[str]:
        ask = (
            "import sys, Pyro4; sys.path.insert(0, sys.argv[1]); import MaxiNet.tools\n"
            "Pyro4.config.COMMTIMEOUT = 3\n"
            f"p = {_PASSWORD!r}; n = Pyro4.locateNS({_NETWORK + '.254'!r}, {_PORT}, hmac_key=p)\n"
            "m = Pyro4.Proxy(n.lookup('MaxiNetManager')); m._pyroHmacKey = p\n"
            "print('free:', *(w for w, found in m.get_workers().items() if found['assigned'] is None))"
        )
        argv = [self._command[0], "-c", ask, self._variables["PYTHONPATH"]]
        done = subprocess.run(
            argv,
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=outside() | self._variables,
        )
        return set(done.stdout.rpartition("free:")[2].split())


@contextmanager
def laboratory(python: str, home: str, folder: Path, names: Sequence[str]) -> Iterator[MaxinetLaboratory]:
    """Run the MaxiNet in `home` under `python`: a front end here, and a worker on each machine."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    probe = "ip link add t0 type gretap local 127.0.0.1 remote 127.0.0.2 key 1"
    gre = subprocess.run(["unshare", "-n", *probe.split()], check=False, capture_output=True).returncode == 0
    for name, text in {**({} if gre else {"ip": _IP}), "sudo": '#!/bin/sh\nexec "$@"\n'}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    with machines(names, bridge=_BRIDGE, network=_NETWORK) as found:
        (folder / "MaxiNet.cfg").write_text(_configuration(found))
        (folder / "password").write_text(_PASSWORD + "\n")
        (folder / "hosts").write_text(
            "127.0.0.1 localhost\n" + "".join(f"{m.address} {m.name}\n" for m in found)
        )
        path = f"{programs}:{os.environ['PATH']}"
        variables = {"PYTHONPATH": home, "PATH": path, "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
        environment = {
            "EMULATOR_MAXINET_PYTHON": python,
            "EMULATOR_MAXINET_HOME": home,
            "EMULATOR_MAXINET_FRONTEND": f"{_NETWORK}.254:{_PORT}",
            "EMULATOR_MAXINET_PASSWORD_FILE": str(folder / "password"),
            "EMULATOR_MAXINET_WORKERS": ",".join(names),
            "PATH": path,
        }
        lab = MaxinetLaboratory(environment, found, folder, [], [python, "-m"], variables)
        try:
            lab.start_front()
            time.sleep(1)
            for machine in found:
                machine.run("mount", "--bind", str(folder / "hosts"), "/etc/hosts")
                machine.run("mkdir", "-p", "/run/sshd")
                machine.start_ovs(folder / f"ovs-{machine.name}")
                lab.start_worker(machine)
            lab.wait_for(*names)
            yield lab
        finally:
            lab.kill_front()


def _configuration(found: Sequence[Machine]) -> str:
    lines = [
        "[all]", f"password = {_PASSWORD}", f"port_ns = {_PORT}", "port_sshd = 5347", "logLevel = INFO",
        "controller = 127.0.0.1:1", "runWith1500MTU = False", "useMultipleIPs = 0", "deactivateTSO = False",
        "sshuser = root", "usesudo = False", "useSTT = False",
        "[FrontendServer]", f"ip = {_NETWORK}.254", "threadpool = 256",
    ]  # fmt: skip
    for machine in found:
        lines += [f"[{machine.name}]", f"ip = {machine.address}", "share = 1"]
    return "\n".join(lines) + "\n"
