"""Our transport behind Distrinet's own interface to SSH.

It replaces Distrinet's class `ASsh`. That one has a connection per node to the worker and another through the
jump host, repeats a failed connection forever, and waits without limit. It also schedules tasks from other
threads without waking the event loop, so that each may wait a second.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any, ClassVar

import mininet.distrinet
import mininet.lxc_container
from mininet.log import lg

from .results import Result
from .transport import COMMAND_SECONDS, Transport
from .worker_scripts import guarded


class Connection:
    """The methods of Distrinet's `ASsh` that Distrinet calls."""

    transport: Transport
    """Set before Distrinet is imported."""
    driver: ClassVar[str] = ""
    """The name of this driver's reservation; commands run only while it lasts. Set when there is one."""

    def __init__(self, loop: Any, host: str, **_ignored: Any) -> None:
        self.loop = loop
        self.host = host
        self.conn: Any = None
        self._sent: Future[Result] | None = None
        self._text = ""

    def connect(self) -> None:
        """Do nothing: the first command connects, and `waitConnected` does."""

    def createTunnel(self) -> None:  # noqa: N802 -- Distrinet's name
        """Do nothing: connections go through the jump host by themselves."""

    def waitTunneled(self) -> None:  # noqa: N802 -- Distrinet's name
        """Do nothing."""

    def waitConnected(self) -> None:  # noqa: N802 -- Distrinet's name
        """Connect."""
        self.transport.connect(self.host)

    def connected(self) -> bool:
        """Return True: a command connects when needed."""
        return True

    def sendCmd(self, cmd: str, multi: bool = False) -> None:  # noqa: N802 -- Distrinet's name
        """Begin a command."""
        del multi
        self._text = cmd
        self._sent = self._begun(cmd)

    def waitOutput(self) -> str:  # noqa: N802 -- Distrinet's name
        """Return what the command begun last has printed."""
        sent, self._sent = self._sent, None
        return "" if sent is None else self._judged(self._text, self.transport.finish(sent))

    def cmd(self, cmd: str) -> str:
        """Run a command on the worker; return what it printed. Complaints are collected."""
        if not cmd:  # Distrinet has none for its master, and an empty one would open a shell
            return ""
        return self._judged(cmd, self.transport.finish(self._begun(cmd)))

    def _begun(self, cmd: str) -> Future[Result]:
        """Begin a command on the worker, under this driver's reservation."""
        return self.transport.begin(
            self.transport.running(self.host, guarded(cmd, self.driver), b"", COMMAND_SECONDS, shown=cmd)
        )

    def _judged(self, text: str, result: Result) -> str:
        self.transport.complaints.judge_worker(self.transport.name(self.host), text, result)
        return result.text

    def close(self) -> None:
        """Close the connection."""
        self.transport.forget([self.host])


def transport_of(settings: dict[str, Any]) -> Transport:
    """Return the transport for these settings; from now on Distrinet uses it and tells it its errors."""
    transport = Transport(settings["user"], settings.get("key"), settings.get("jump"))
    transport.names = {worker["address"]: worker["name"] for worker in settings["workers"]}
    Connection.transport = transport
    asyncio.set_event_loop(asyncio.new_event_loop())  # Distrinet runs the main thread's; ours is another
    mininet.distrinet.ASsh = mininet.lxc_container.ASsh = Connection
    lg.addHandler(transport.complaints)
    return transport
