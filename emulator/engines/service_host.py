"""Process of a network's service supervisor: `python -m emulator.engines.service_host ROOT NAME`.

It starts services as other commands in nodes: within the node's limits, with its names and its mark.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from emulator.controllers.process import note, this_process
from emulator.engines.namespaced_nodes import NamespacedNodes
from emulator.engines.store import store_of
from emulator.linux.namespaces.guard import namespace_guard
from emulator.linux.processes.caller import caller
from emulator.locks import locked
from emulator.plan import Plan
from emulator.services.folder import ServiceFolder
from emulator.services.supervisor import Supervisor
from emulator.services.wanted import Wanted, wanted_services
from emulator.state import NetworkState


class NodeStarter:
    """Starts services in the nodes of the network whose state this is; `read` its plan first."""

    def __init__(self, state: NetworkState, folder: ServiceFolder) -> None:
        self._state, self._store, self._folder = state, store_of(state), folder
        self._nodes: NamespacedNodes

    def read(self) -> list[Wanted]:
        """Read the plan; return the services that it wants here."""
        topology = self._state.load()
        plan: Plan = self._state.load_plan(self._state.read(), topology)
        self._nodes = NamespacedNodes(self._state, self._store, topology, lambda: plan)
        return wanted_services(topology, plan.here.nodes)

    def start(
        self, wanted: Wanted, argv: Sequence[str], log: Path | None, notify: str
    ) -> subprocess.Popen[bytes]:
        """Start a program in a node, its output appended to `log`."""
        user = None if wanted.service.user == "root" else caller(self._folder.caller)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        output = os.open(log or os.devnull, flags, 0o600)
        own = {"PYTHONUNBUFFERED": "1"} | ({"NOTIFY_SOCKET": f"@{notify}"} if notify else {})
        try:
            if log is not None and user is not None:
                os.fchown(output, user.uid, user.gid)
            return self._nodes.start(
                wanted.node, argv, capture=False, session=True, output=output, user=user, environment=own
            )
        finally:
            os.close(output)

    def listener(self, wanted: Wanted, address: str) -> socket.socket:
        """Return a datagram socket in the node, at `address` of its abstract namespace (unix(7))."""
        opened = self._nodes.open_socket(wanted.node, socket.AF_UNIX, socket.SOCK_DGRAM)
        opened.setblocking(False)  # noqa: FBT003 -- of the library
        opened.bind(f"\0{address}")
        return opened

    def address(self, wanted: Wanted) -> str:
        """Return the address that the service's sockets have; empty when any will do."""
        return self._nodes.identity(wanted.node)

    def namespaces(self, services: Sequence[Wanted]) -> list[int]:
        """Return the inode of each one's network namespace; 0 if it is gone."""
        with namespace_guard("net", "mnt"):
            self._store.enter()
            return [self._inode(self._nodes.namespaces.file(wanted.node)) for wanted in services]

    def _inode(self, file: str) -> int:
        try:
            return (self._store.folder / file).stat().st_ino
        except OSError:
            return 0


def main() -> None:
    """Supervise the services of the network NAME in the state directory ROOT until SIGTERM."""
    root, name = sys.argv[1:]
    state = NetworkState(Path(root), name)
    folder = ServiceFolder(state.folder)
    starter = NodeStarter(state, folder)
    with locked(folder.path / "lock", wait=False):  # one at a time, also where a killed `up` noted none
        note(this_process(), folder.note)
        Supervisor(folder, starter, starter.read).run()


if __name__ == "__main__":
    main()
