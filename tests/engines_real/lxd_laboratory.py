"""Two machines with LXD and an SSH server each, in namespaces: workers for a real Distrinet."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engines_real.laboratory import Machine, machines, wait_until

PROGRAMS = ("lxd", "lxc", "sshd", "ssh-keygen", "brctl", "ifconfig", "mkfs.btrfs")
_CGROUPS = """
umount /sys
mkdir -p /run/cgroups
mount --rbind /sys/fs/cgroup /run/cgroups
mount -t sysfs sysfs /sys
mount --rbind /run/cgroups /sys/fs/cgroup
"""
"""The machine's own /sys hides the control groups, which LXD needs."""
_SSHD = """
Port 22
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
UseDNS no
PidFile none
"""


@dataclass(frozen=True)
class LxdLaboratory:
    """The workers, and the private key for them and their containers."""

    workers: list[Machine]
    key: Path

    def containers(self) -> str:
        """Return the names of all containers."""
        return "".join(worker.run("lxc", "list", "-f", "csv", "-c", "n").stdout for worker in self.workers)

    def devices(self) -> list[str]:
        """Return the names of all workers' network devices."""
        shown = "".join(worker.run("ip", "-br", "link").stdout for worker in self.workers)
        return [line.split()[0].partition("@")[0] for line in shown.splitlines()]


@contextmanager
def lxd_laboratory(folder: Path, image: Path) -> Iterator[LxdLaboratory]:
    """Make two workers that have the LXD image in the file `image`, called `ubuntu`."""
    for name in ("key", "host_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "sshd_config").write_text(_SSHD.format(folder=folder))
    names = ("distrinet1", "distrinet2")
    with machines(names, bridge="dlab0", network="10.221.0", mtu=1500, private=("/run", "/root")) as found:
        for machine in found:
            _prepare(machine, folder, image)
        yield LxdLaboratory(found, folder / "key")


def _prepare(machine: Machine, folder: Path, image: Path) -> None:
    """Start SSH and LXD on a machine, with storage of its own."""
    own = folder / machine.name
    (own / "lxd").mkdir(parents=True)
    (own / "pool").mkdir()
    machine.run("sh", "-ec", _CGROUPS)
    machine.run("mkdir", "-p", "/run/sshd", "/run/lock", "/var/lib/lxd")
    machine.run("mount", "--bind", str(own / "lxd"), "/var/lib/lxd")
    machine.run("truncate", "-s", "16G", str(own / "disk"))
    machine.run("mkfs.btrfs", "-q", str(own / "disk"))
    machine.run("mount", "-o", "loop", str(own / "disk"), str(own / "pool"))
    machine.start(["/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config")], own / "sshd.log")
    machine.start(["lxd", "--logfile", str(own / "lxd.log")], own / "lxd.out")
    machine.run("lxd", "waitready", "--timeout", "60", timeout=90)
    machine.run("lxc", "storage", "create", "default", "btrfs", f"source={own / 'pool'}")
    machine.run("lxc", "profile", "device", "add", "default", "root", "disk", "path=/", "pool=default")
    machine.run("lxc", "profile", "set", "default", "security.privileged", "true")
    machine.run("lxc", "image", "import", str(image), "--alias", "ubuntu", timeout=180)
    wait_until("LXD", lambda: "ubuntu" in machine.run("lxc", "image", "list", "-f", "csv").stdout)
