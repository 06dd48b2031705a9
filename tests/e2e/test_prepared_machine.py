"""The playbook of clusters, for real: over SSH, on a Debian with a root and a systemd of its own.

Then a network comes up on what it made, and the teardown leaves a machine as it was.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.dask_cluster import free_port, until

ANSIBLE = Path(__file__).parents[2] / "ansible"
WHEEL = os.environ.get("EMULATOR_TEST_WHEEL", "")
PLAYBOOK = shutil.which("ansible-playbook", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
ASKED = "EMULATOR_MACHINE_TESTS"
NEEDED = ("debootstrap", "systemd-nspawn", "ssh-keygen", "ssh")
MIRROR = "http://deb.debian.org/debian"
INSIDE = "ca-certificates,dbus,openssh-server,python3,systemd,systemd-sysv"
FILE = "name: lab\ntopology: {generator: tree, depth: 2, fanout: 2}\n"

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.e2e,
    pytest.mark.skipif(ASKED not in os.environ, reason=f"takes minutes and a mirror of Debian: {ASKED}=1"),
    pytest.mark.skipif(not WHEEL, reason="`./emulate test` builds the wheel and says where it is"),
    pytest.mark.skipif(PLAYBOOK is None, reason="ansible-core isn't installed"),
    pytest.mark.skipif(any(shutil.which(one) is None for one in NEEDED), reason=f"needs {', '.join(NEEDED)}"),
]


class DebianMachine:
    """A Debian in `root` that booted its own systemd, in the network of this machine: SSH on loopback."""

    def __init__(self, folder: Path) -> None:
        self.root, self._folder, self.port = folder / "root", folder, free_port()
        self._key = folder / "key"

    def make(self) -> None:
        """Make the root, with an SSH server on a port of its own."""
        words = [
            "debootstrap",
            "--variant=minbase",
            f"--include={INSIDE}",
            "bookworm",
            str(self.root),
            MIRROR,
        ]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, timeout=600)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self._key], check=True)
        keys = self.root / "root" / ".ssh"
        keys.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(self._key.with_suffix(".pub"), keys / "authorized_keys")
        settings = f"Port {self.port}\nListenAddress 127.0.0.1\nPermitRootLogin prohibit-password\n"
        (self.root / "etc/ssh/sshd_config.d/test.conf").write_text(settings)
        # it would set those of the machine, whose network this Debian is in
        (self.root / "etc/systemd/system/systemd-sysctl.service").symlink_to("/dev/null")
        kind, value, *_ = (self.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
        (self._folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {kind} {value}\n")
        wheels = self.root / "wheels"  # what the playbook's pip installs; as at a site without the Internet
        words = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--dest",
            str(wheels),
            f"{WHEEL}[cluster]",
        ]
        subprocess.run(words, check=True, timeout=600)
        (self.root / "etc/pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n")

    def boot(self) -> subprocess.Popen[bytes]:
        """Boot it; it ends with the process."""
        words = [
            "systemd-nspawn", "--quiet", "--boot", "--keep-unit", "--register=no", "--capability=all",
            "--resolv-conf=copy-host", "--link-journal=no", f"--directory={self.root}",
        ]  # fmt: skip
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
            env={**os.environ, "SYSTEMD_SECCOMP": "0", "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1"},
        )  # fmt: skip

    @property
    def _options(self) -> list[str]:
        known = f"UserKnownHostsFile={self._folder / 'known_hosts'}"
        return ["-p", str(self.port), "-i", str(self._key), "-o", known, "-o", "StrictHostKeyChecking=yes"]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command over SSH."""
        argv = ["ssh", *self._options, "root@127.0.0.1", *words]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)

    def play(self, playbook: str, **variables: str) -> dict[str, int]:
        """Run a playbook on it; return the counts of its recap."""
        host = {
            "ansible_host": "127.0.0.1", "ansible_port": self.port, "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self._key), "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={self._folder / 'known_hosts'}",
            "cluster_scheduler_port": free_port(), "cluster_worker_port": free_port(), **variables,
        }  # fmt: skip
        groups = {name: {"hosts": {"node1": host}} for name in ("cluster_scheduler", "cluster_workers")}
        inventory = self._folder / "inventory.json"
        if not inventory.exists():
            inventory.write_text(json.dumps({"all": {"children": groups}}))
        done = subprocess.run(
            [str(PLAYBOOK), "-i", str(inventory), playbook], cwd=ANSIBLE, capture_output=True, text=True,
            check=False, timeout=900,
            env={
                **os.environ, "ANSIBLE_NOCOLOR": "1", "HOME": str(self._folder),
                "ANSIBLE_SSH_ARGS": "-o ControlMaster=no",  # the path of its socket would be too long
            },
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        recap = done.stdout.rpartition("PLAY RECAP")[2].split()
        return {key: int(value) for key, _, value in (word.partition("=") for word in recap if "=" in word)}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[DebianMachine]:
    made = DebianMachine(tmp_path)
    made.make()
    with made.boot() as process:
        try:
            until(lambda: made.run("true").returncode == 0, 60)
            yield made
        finally:
            process.kill()  # with it goes all that runs there; an orderly end takes half a minute
    subprocess.run(["rm", "-rf", "--one-file-system", str(made.root)], check=True)


def test_a_fresh_debian_becomes_a_cluster_and_is_given_back(machine: DebianMachine, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-P", "-m", "emulator", "workers", "certs", str(tmp_path / "certificates")],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    before = machine.run("sysctl -n fs.mount-max || cat /proc/sys/fs/mount-max").stdout
    given = {"cluster_wheel": WHEEL, "cluster_certificates": str(tmp_path / "certificates")}
    first = machine.play("cluster.yml", **given)
    assert first["changed"] > 0 == first["failed"]
    assert machine.play("cluster.yml", **given)["changed"] == 0
    (machine.root / "root" / "lab.yaml").write_text(FILE)

    def worker_is_there() -> bool:
        return '"node1"' in machine.run("emulator workers status --json").stdout

    until(worker_is_there, 60)
    up = machine.run("emulator up lab.yaml --engine cluster")
    assert up.returncode == 0, up.stderr
    check = machine.run("emulator check lab --json")
    assert json.loads(check.stdout)["unexpected"] == []
    assert "0% packet loss" in machine.run("emulator exec h1 -- ping -c1 h4").stdout
    running = machine.run("pgrep -f workers.worker").stdout
    assert machine.run("systemctl restart topology-emulator-worker").returncode == 0
    until(worker_is_there, 60)  # networks outlive it
    assert machine.run("pgrep -f workers.worker").stdout != running
    assert machine.run("emulator status lab").returncode == 0
    assert machine.run("emulator down lab").returncode == 0
    machine.play("cluster-teardown.yml")
    assert machine.run("cat /proc/sys/fs/mount-max").stdout == before
    left = machine.run("ls -d /opt/topology-emulator /etc/topology-emulator /usr/local/bin/emulator").stdout
    assert left == ""
    assert machine.run("systemctl --failed --no-legend 'topology-emulator*'").stdout.strip() == ""
