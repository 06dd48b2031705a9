"""Look at all machines of a file before anything is started on them: `emulator workers check`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from emulator.carriers.ssh.connection import NotConnectedError, connected, require_paramiko, surveyed
from emulator.carriers.ssh.hosts import Host, Hosts
from emulator.carriers.ssh.survey import script
from emulator.errors import UnableError
from emulator.tasks import Plain
from emulator.version import __version__
from emulator.worker_finding import WorkerFinding, clock_finding

_AT_ONCE = 32
_OLDEST = (3, 11)
_LEAST_DISK = 256 << 20
_LEAST_DESCRIPTORS = 4096
_TUNNELS = "vxlan links"
_INSTALL = "install release {release} for `python:` of the file: its wheel with the extra `cluster`"


def check(hosts: Hosts) -> list[WorkerFinding]:
    """Return the findings of the scheduler's machine, then of the workers'. Nothing is changed."""
    require_paramiko()
    every = [hosts.scheduler(), *hosts.workers()]
    with ThreadPoolExecutor(min(_AT_ONCE, len(every))) as pool:
        found = pool.map(lambda host: _findings(hosts, host), every)
        return [finding for findings in found for finding in findings]


def _findings(hosts: Hosts, host: Host) -> Sequence[WorkerFinding]:
    try:
        client = connected(hosts, host.host)
    except NotConnectedError as error:
        return [WorkerFinding(host.name, error.check, is_fine=False, value=error.what, fix=error.fix)]
    with client:
        out = [WorkerFinding(host.name, "SSH", is_fine=True, value=f"{host.host}, its key is known")]
        sent = time.time()
        try:
            facts = surveyed(client, hosts, host.host, script(host.listens.host, host.listens.port))
        except UnableError as error:
            fix = "sudo apt-get install python3 there"
            return [*out, WorkerFinding(host.name, "Python", is_fine=False, value=str(error), fix=fix)]
        received = time.time()
    there = (facts["received"] + facts["answered"]) / 2
    unsure = (received - sent - (facts["answered"] - facts["received"])) / 2
    out.append(clock_finding(host.name, there - (sent + received) / 2, unsure))
    return [*out, *_programs(hosts, host.name, facts), *_place(host, facts), *_machine(host, facts)]


def _programs(hosts: Hosts, name: str, facts: Plain) -> Iterator[WorkerFinding]:
    """Judge the user, the Python and what is installed for it."""
    fix = "log in as root, or allow sudo without a password: USER ALL=(ALL) NOPASSWD: ALL"
    yield WorkerFinding(
        name, "root", facts["euid"] == 0, "" if facts["euid"] == 0 else "neither root nor sudo", fix
    )
    shown = f"{'.'.join(str(part) for part in facts['python'])}, {facts['executable']}"
    fix = "install Python 3.11 or later, and name it by `python:` in the file"
    yield WorkerFinding(name, "Python", tuple(facts["python"]) >= _OLDEST, shown, fix)
    release, fix = facts["release"], _INSTALL.format(release=__version__)
    shown = release or f"not installed for {hosts.keys.python}"
    yield WorkerFinding(name, "release", release == __version__, shown, fix)
    lacking = facts["lacking"]
    fix = f"pip install {' '.join(lacking)}"
    yield WorkerFinding(
        name, "packages", not lacking, f"not installed: {', '.join(lacking)}" if lacking else "", fix
    )


def _place(host: Host, facts: Plain) -> Iterator[WorkerFinding]:
    """Judge the address and port to listen at, disk and limits."""
    listens = host.listens
    if facts["addresses"]:
        yield WorkerFinding(host.name, "underlay", is_fine=True, value=", ".join(facts["addresses"]))
        shown = "free" if facts["port_is_free"] else "in use, perhaps by what `workers start` starts again"
        fix = "set `port:` in the file if another program listens there"
        yield WorkerFinding(
            host.name, f"port {listens.port}", facts["port_is_free"], shown, fix, needed=False
        )
    else:
        fix = "set `address:` in the file to the machine's own address in the underlay"
        shown = f"{listens.host} is no address of this machine"
        yield WorkerFinding(host.name, "underlay", is_fine=False, value=shown, fix=fix)
    for path, free in facts["free"].items():
        fix = f"make room in {path}: {_LEAST_DISK >> 20} MiB"
        yield WorkerFinding(host.name, f"disk {path}", free >= _LEAST_DISK, f"{free >> 20:,} MiB free", fix)
    most = facts["descriptors"]
    is_fine = most < 0 or most >= _LEAST_DESCRIPTORS
    fix = f"set `nofile` to {_LEAST_DESCRIPTORS} in /etc/security/limits.conf"
    yield WorkerFinding(host.name, "open files", is_fine, "unlimited" if most < 0 else f"{most:,}", fix)


def _machine(host: Host, facts: Plain) -> Iterator[WorkerFinding]:
    """Pass on what the emulator there found in its kernel; a scheduler needs nothing of it."""
    if host.role != "worker" or facts["findings"] is None:
        return
    if not facts["findings"]:
        fix = f"{facts['executable']} -m emulator doctor there"
        yield WorkerFinding(host.name, "doctor", is_fine=False, value="it gives no answer", fix=fix)
    for found in (one for one in facts["findings"] if one["name"] != "root"):  # judged already
        needed = found["basic"] or found["name"] == _TUNNELS
        if needed or found["found"] == "missing":
            is_fine = found["found"] != "missing"
            yield WorkerFinding(
                host.name, found["name"], is_fine, found["value"], found["fix"], needed=needed
            )
