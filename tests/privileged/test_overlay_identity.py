"""Processes that have a port's address: many in one network namespace, each in a control group of its own."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from support.overlay import NEEDS_BPF

from emulator.errors import BrokenError, KernelError
from emulator.linux.bpf.maps import Map
from emulator.linux.bpf.program import CGROUP_SOCK_ADDR
from emulator.linux.bpf.support import lacking_bpf
from emulator.linux.cgroup_mounts import cgroup2_root
from emulator.linux.overlay.identity import Identities

_IS_ROOT = os.geteuid() == 0
pytestmark = [
    pytest.mark.privileged,
    NEEDS_BPF,
    pytest.mark.skipif(_IS_ROOT and cgroup2_root() is None, reason="no control groups of version 2"),
    pytest.mark.skipif(_IS_ROOT and lacking_bpf(CGROUP_SOCK_ADDR) is not None, reason="no such programs"),
]

COUNT = 50
_START = """
import json, os, socket, struct, subprocess, sys
groups = sys.argv[1]

def enter(group):
    with open(f"{groups}/{group}/cgroup.procs", "w") as processes:
        processes.write("0")

def attempt(what, *words):
    try:
        what(*words)
    except OSError as error:
        return error.errno
    return 0
"""
_SERVERS = (
    _START
    + """
count = int(sys.argv[2])
ready, told = os.pipe()
for number in range(1, count + 1):
    if os.fork():
        continue
    enter(number)
    family, everything = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))[number % 2]
    server = socket.socket(family)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.settimeout(20)
    error = attempt(server.bind, (everything, 80)) or attempt(server.listen)
    os.write(told, bytes([error]))
    connection, peer = server.accept()
    connection.sendall(json.dumps([server.getsockname()[0], peer[0]]).encode())
    os._exit(0)
os.close(told)
errors = b""
while len(errors) < count and (more := os.read(ready, count)):
    errors += more
print(len(errors), set(errors), flush=True)
for _ in range(count):
    os.wait()
"""
)
_CLIENT = (
    _START
    + """
enter("client")
answers = []
for number in range(1, int(sys.argv[2]) + 1):
    target = f"10.0.0.{number}"
    if number % 3:
        connection = socket.create_connection((target, 80), 5)
    else:
        connection = socket.socket(socket.AF_INET6)
        connection.connect((f"::ffff:{target}", 80))
    answers.append([end.removeprefix("::ffff:") for end in json.loads(connection.recv(100))])
print(json.dumps(answers))
"""
)
_RULES = (
    _START
    + """
other, mine = "10.0.0.1", "10.0.0.99"
outside = socket.socket()
found = {"outside": attempt(outside.bind, (other, 81))}
enter("client")
for name, family, address in (
    ("other", socket.AF_INET, other), ("mine", socket.AF_INET, mine),
    ("loopback", socket.AF_INET, "127.0.0.1"),
    ("other6", socket.AF_INET6, f"::ffff:{other}"), ("mine6", socket.AF_INET6, f"::ffff:{mine}"),
    ("loopback6", socket.AF_INET6, "::1"), ("foreign6", socket.AF_INET6, "fd00::1"),
):
    found[name] = attempt(socket.socket(family).bind, (address, 82))
receiver = socket.socket(type=socket.SOCK_DGRAM)
receiver.bind(("127.0.0.1", 83))
receiver.settimeout(5)
sender = socket.socket(type=socket.SOCK_DGRAM)
sender.sendto(b"x", ("127.0.0.1", 83))
found["to loopback from"] = receiver.recvfrom(1)[1][0]
receiver = socket.socket(type=socket.SOCK_DGRAM)
receiver.bind((mine, 83))
receiver.settimeout(5)
sender = socket.socket(type=socket.SOCK_DGRAM)
sender.sendto(b"x", (mine, 83))
found["sent from"] = receiver.recvfrom(1)[1][0]
connected = socket.socket(type=socket.SOCK_DGRAM)
connected.connect((other, 83))
found["connected from"] = connected.getsockname()[0]
as_other = struct.pack("=I4s4x", 0, socket.inet_aton(other))
sender = socket.socket(type=socket.SOCK_DGRAM)
found["as other"] = attempt(sender.sendmsg, [b"x"], [(socket.IPPROTO_IP, 8, as_other)], 0, (mine, 83))
print(json.dumps(found))
"""
)


@pytest.fixture
def namespace() -> Iterator[str]:
    """Make a namespace whose stack owns all of 10.0.0.0/16, as that of a compute host does."""
    name = f"id{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    for words in ("link set lo up", "route add local 10.0.0.0/16 dev lo"):
        subprocess.run(["ip", "-n", name, *words.split()], check=True)
    yield name
    subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.fixture
def groups() -> Iterator[Path]:
    """Make a group, with a group below for each server and one for the client."""
    root = cgroup2_root()
    assert root is not None
    top = root / f"identity-test-{os.getpid()}"
    names = ["client", *map(str, range(1, COUNT + 1))]
    top.mkdir()
    for name in names:
        (top / name).mkdir()
    yield top
    for name in names:
        _removed(top / name)
    _removed(top)


def _removed(group: Path) -> None:
    deadline = time.monotonic() + 5
    while group.exists():
        try:
            group.rmdir()
        except OSError:  # EBUSY until the last process has ended completely
            assert time.monotonic() < deadline, group
            time.sleep(0.01)


@pytest.fixture
def identities(groups: Path) -> Iterator[Identities]:
    with Identities.attach(groups) as made:
        for number in range(1, COUNT + 1):
            made.add(groups / str(number), IPv4Address(f"10.0.0.{number}"))
        made.add(groups / "client", IPv4Address("10.0.0.99"))
        yield made


def inside(namespace: str, program: str, *words: str) -> list[str]:
    """Return a command line for a namespace; `ip netns exec` would hide the control groups."""
    return ["nsenter", f"--net=/run/netns/{namespace}", sys.executable, "-S", "-c", program, *words]


def test_fifty_servers_on_one_tcp_port_of_one_namespace(
    namespace: str, groups: Path, identities: Identities
) -> None:
    words = inside(namespace, _SERVERS, str(groups), str(COUNT))
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as servers:
        assert servers.stdout is not None
        assert servers.stdout.readline() == f"{COUNT} {{0}}\n"  # no error of any bind
        words = ["ip", "netns", "exec", namespace, "ss", "-Htln", "sport = :80"]
        listening = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        assert listening.count(":80 ") == COUNT
        done = subprocess.run(
            inside(namespace, _CLIENT, str(groups), str(COUNT)),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        servers.wait(timeout=10)
    assert json.loads(done.stdout) == [[f"10.0.0.{number}", "10.0.0.99"] for number in range(1, COUNT + 1)]


def test_a_process_is_its_port_and_no_other(namespace: str, groups: Path, identities: Identities) -> None:
    words = inside(namespace, _RULES, str(groups))
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "outside": 0,
        "other": errno.EPERM,
        "mine": 0,
        "loopback": 0,
        "other6": errno.EPERM,
        "mine6": 0,
        "loopback6": 0,
        "foreign6": errno.EPERM,
        "to loopback from": "127.0.0.1",
        "sent from": "10.0.0.99",
        "connected from": "10.0.0.99",
        "as other": errno.EPERM,
    }


def test_identities_are_found_again_and_end_with_their_group(groups: Path) -> None:
    with pytest.raises(BrokenError, match="no identities"):
        Identities.reopen(groups)
    with Identities.attach(groups, entries=2) as made:
        made.add(groups / "1", IPv4Address("10.0.0.1"))
        number = made._map.id
    with Identities.reopen(groups) as found:
        assert found.address(groups / "1") == IPv4Address("10.0.0.1")
        assert found.address(groups / "2") is None
        found.add(groups / "2", IPv4Address("10.0.0.2"))
        with pytest.raises(KernelError, match="it is full: 2 entries"):
            found.add(groups / "3", IPv4Address("10.0.0.3"))
        assert (found.remove(groups / "1"), found.remove(groups / "1")) == (True, False)
        with pytest.raises(KernelError, match="nowhere"):
            found.add(groups / "nowhere", IPv4Address("10.0.0.4"))
    for name in ["client", *map(str, range(1, COUNT + 1)), "."]:
        _removed(groups / name)
    deadline = time.monotonic() + 5
    while _exists(number):
        assert time.monotonic() < deadline, "the map outlived its group"
        time.sleep(0.05)


def _exists(number: int) -> bool:
    try:
        Map.from_id(number).close()
    except KernelError as error:
        if error.errno == errno.ENOENT:
            return False
        raise
    return True


def test_the_mount_of_version_2_is_found() -> None:
    hybrid = (
        "30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
        "31 30 0:27 / /sys/fs/cgroup/cpu rw shared:1 - cgroup cgroup rw,cpu\n"
        "32 30 0:28 / /sys/fs/cgroup/unified rw shared:2 - cgroup2 cgroup2 rw\n"
    )
    assert cgroup2_root(hybrid) == Path("/sys/fs/cgroup/unified")
    assert cgroup2_root(hybrid.replace("cgroup2", "tmpfs")) is None
