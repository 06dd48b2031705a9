"""Start and stop a cluster's scheduler and workers on their machines, all at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from emulator.carriers.certificates import Certificates
from emulator.carriers.dask.client import connect
from emulator.carriers.ssh.connection import ask, require_paramiko
from emulator.carriers.ssh.hosts import Host, Hosts
from emulator.errors import BrokenError, EmulationError, UnableError
from emulator.tasks import Plain
from emulator.version import __version__

Say = Callable[[str], None]

_AT_ONCE = 32
_READY_SECONDS = 30.0


def start(hosts: Hosts, say: Say) -> list[str]:
    """Start the scheduler, then the workers; return the workers that answer.

    What runs already is started again, with the certificates of now. UnableError with a line for each machine
    that couldn't be used; the others run.
    """
    require_paramiko()
    for role in ("scheduler", "worker", "client"):
        Certificates(hosts.certificates, role).require_usable()
    for group in ([hosts.scheduler()], hosts.workers()):
        _all(group, lambda host: _started(hosts, host, say))
    return _answering(hosts)


def stop(hosts: Hosts, say: Say) -> None:
    """Stop the workers, then the scheduler. Networks on them stay. UnableError as `start`."""
    require_paramiko()
    failed: list[str] = []
    for group in (hosts.workers(), [hosts.scheduler()]):
        try:
            _all(group, lambda host: _stopped(hosts, host, say))
        except UnableError as error:
            failed.append(str(error))
    if failed:
        raise UnableError("\n".join(failed))


def _all(group: Sequence[Host], work: Callable[[Host], None]) -> None:
    """Do `work` for all machines at once; raise the errors of all."""

    def guarded(host: Host) -> EmulationError | None:
        try:
            work(host)
        except EmulationError as error:
            return error
        return None

    with ThreadPoolExecutor(min(_AT_ONCE, len(group))) as pool:
        failed = [str(error) for error in pool.map(guarded, group) if error is not None]
    if failed:
        raise UnableError("\n".join(failed))


def _started(hosts: Hosts, host: Host, say: Say) -> None:
    own = Certificates(hosts.certificates, host.role)
    files = {path.name: path.read_text() for path in (own.authority, own.certificate, own.key)}
    answer = _asked(hosts, host, "start", words=list(host.words), files=files)
    say(f"{host.name} started on {host.host}" + (" again" if answer["was_running"] else ""))


def _stopped(hosts: Hosts, host: Host, say: Say) -> None:
    answer = _asked(hosts, host, "stop")
    say(f"{host.name} on {host.host} {'stopped' if answer['was_running'] else 'did not run'}")
    if answer["networks"]:
        say(f"{host.name} still has networks: {', '.join(answer['networks'])}; `emulator down --all` there")


def _asked(hosts: Hosts, host: Host, do: str, **more: Plain) -> Plain:
    return ask(hosts, host.host, {"do": do, "role": host.role, "release": __version__, **more})


def _answering(hosts: Hosts) -> list[str]:
    """Wait until all workers answer; BrokenError names those that don't."""
    deadline = time.monotonic() + _READY_SECONDS
    wanted = [worker.name for worker in hosts.workers()]
    while True:
        try:
            own = Certificates(hosts.certificates, "client")
            with connect(hosts.address, own, insecure=False, seconds=5.0) as carrier:
                while lacking := [name for name in wanted if name not in carrier.workers()]:
                    if time.monotonic() > deadline:
                        raise BrokenError(
                            f"{', '.join(lacking)} started and can't be reached through {hosts.address}; "
                            f"does a firewall stop ports 8786 and 8787?"
                        )
                    time.sleep(0.1)
                return wanted
        except UnableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
