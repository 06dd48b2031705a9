"""What commands do with the services of a network: lead them to its plan, look at them, end them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from emulator.controllers.process import Process, note, noted, start
from emulator.deviation import Deviation
from emulator.errors import BrokenError
from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.guard import namespace_guard
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.processes.caller import caller, note_caller
from emulator.linux.processes.execute import NODE_VARIABLE
from emulator.network import Progress
from emulator.plan_part import PlanPart
from emulator.services.folder import (
    DONE,
    ENDED,
    FAILED,
    GOOD,
    RESTARTING,
    STARTING,
    WAITING,
    ServiceFolder,
    Status,
)  # fmt: skip
from emulator.services.wanted import Wanted, wanted_services
from emulator.state import NetworkState
from topologies.counting import counted, some_names

NAMESPACE = ".services"
"""Namespace of the supervisor: `down` finds and ends it as all that is in the network."""
_HOST = "emulator.engines.service_host"
_TRIES = 3
"""Starts without success after which a service counts as broken."""
_PAUSE = 0.03
_ENDS_WITHIN = 4.0


def lead(
    state: NetworkState, store: NamespaceStore, part: PlanPart, file: str, progress: Progress
) -> tuple[str, ...]:
    """Lead the services to the saved plan, whose `part` this is; return a note when all are ready.

    The caller holds the network's lock and has saved the plan. BrokenError with its last words if one fails.
    """
    folder = ServiceFolder(state.folder)
    wanted = wanted_services(part.topology, part.nodes)
    if not wanted:
        end(state.folder)
        return ()
    folder.path.mkdir(mode=0o700, exist_ok=True)
    note_caller(folder.caller, caller(folder.caller))
    request = folder.request()
    process = _running(folder)
    if process is None:
        process = _start(state, store, folder, file)
    else:
        os.kill(process.pid, signal.SIGHUP)
    _await(folder, process, request, wanted, progress)
    names = some_names([f"{one.service.name} of {one.node_name}" for one in wanted])
    return (f"{counted(len(wanted), 'service')} ready: {names}",)


def _running(folder: ServiceFolder) -> Process | None:
    process = noted(folder.note)
    return process if process is not None and process.running else None


def _start(state: NetworkState, store: NamespaceStore, folder: ServiceFolder, file: str) -> Process:
    argv = [sys.executable, "-P", "-m", _HOST, str(state.root.absolute()), state.name]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    for name in ("HOSTNAME", NODE_VARIABLE):
        environment.pop(name, None)
    cwd = Path(file).absolute().parent if file else Path("/")
    with store.entered():
        store.make(NAMESPACE)
        namespace = store.open(NAMESPACE)
    try:
        with namespace_guard("net"):  # not its mounts: it must reach the network from outside
            syscalls.setns(namespace, syscalls.CLONE_NEWNET)
            process = start(
                argv, environment, folder.own_log, cwd if cwd.is_dir() else Path("/"), limited=False
            )
    finally:
        os.close(namespace)
    note(process, folder.note)
    return process


def _await(
    folder: ServiceFolder, process: Process, request: int, wanted: Sequence[Wanted], progress: Progress
) -> None:
    """Wait until all services are ready; BrokenError if one fails, or the supervisor ends."""
    names = {one.key: one for one in wanted}
    while True:
        done, services = folder.read()
        if done >= request:
            good = sum(service.state in GOOD for service in services)
            missing = [str(names[service.key]) for service in services if service.state not in GOOD]
            progress(f"waiting for {some_names(missing)}, ready:" if missing else "ready:", good, len(wanted))
            if good == len(wanted):
                return
            for service in services:
                if _is_broken(service):
                    tail = folder.tail(folder.log(*service.key))
                    raise BrokenError(f"{names[service.key]}: {service.reason}{tail}")
        else:
            progress("services", 0, len(wanted))
        if process.wait(_PAUSE):
            raise BrokenError(f"the supervisor of the services has ended{folder.tail(folder.own_log)}")


def _is_broken(service: Status) -> bool:
    tried = service.state == RESTARTING and (service.late or service.restarts >= _TRIES)
    return tried or service.state in {FAILED, ENDED}


def service_deviations(state: NetworkState, part: PlanPart) -> list[Deviation]:
    """Return the services that aren't as the plan wants them."""
    wanted = wanted_services(part.topology, part.nodes)
    if not wanted:
        return []
    folder = ServiceFolder(state.folder)
    known = {status.key: status for status in folder.read()[1]}
    out = [] if _running(folder) else [
        Deviation(wanted[0].node_name, "supervisor of the services", "there", "missing")
    ]  # fmt: skip
    for one in wanted:
        status = known.get(one.key)
        expected = "done" if one.service.once else "ready"
        found = "missing" if status is None or status.digest != one.digest else _found(status)
        if found != expected:
            out.append(Deviation(one.node_name, f"service {one.service.name}", expected, found))
    return out


def under_way(deviation: Deviation) -> bool:
    """Return whether the supervisor leads the service to the plan already, as after its node came back."""
    return deviation.object.startswith("service ") and deviation.found.partition(":")[0] in {
        WAITING, STARTING, RESTARTING,
    }  # fmt: skip


def _found(status: Status) -> str:
    if status.state in GOOD - {DONE} and not (status.process and status.process.running):
        return "ended"
    return status.words


def service_facts(state: NetworkState, node: str) -> list[dict[str, object]]:
    """Return the services of a node as JSON data."""
    folder = ServiceFolder(state.folder)
    return [
        {"name": one.name, "state": _found(one), "pid": one.process.pid if one.process else None,
         "restarts": one.restarts, "log": str(folder.log(*one.key))}
        for one in folder.read()[1] if one.node == node
    ]  # fmt: skip


def end(network: Path) -> None:
    """End the supervisor of a network's folder with all services, if there is one, and forget it."""
    folder = ServiceFolder(network)
    process = _running(folder)
    if process is not None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        if not process.wait(_ENDS_WITHIN):
            process.stop()
    if folder.path.exists():
        for path in (folder.note, folder.path / "status.json"):
            path.unlink(missing_ok=True)


def reread(network: Path) -> None:
    """Have the supervisor read the plan again: nodes have other namespaces."""
    folder = ServiceFolder(network)
    if process := _running(folder):
        os.kill(process.pid, signal.SIGHUP)
