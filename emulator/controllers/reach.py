"""Reachability of remote controllers: name resolution, and the state that their relays report."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from pathlib import Path

from topologies.openflow import Controller

AWAY = "; switches try again"
"""End of a relay's line while its controller is away (`emulator/controllers/relay.py`)."""
_TAIL = 4096


def unresolved(controllers: Iterable[Controller]) -> list[str]:
    """Return a line for each controller whose name can't be resolved in the thread's namespace.

    A name server that doesn't answer proves nothing: the controller may come later.
    """
    unknown = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
    out = []
    for controller in controllers:
        if controller.kind == "remote":
            try:
                socket.getaddrinfo(controller.address, controller.port, type=socket.SOCK_STREAM)
            except socket.gaierror as error:
                if error.errno in unknown:
                    out.append(
                        f"the controller at {controller.place}: the name can't be resolved "
                        f"({error.strerror}); write its IP address, or add the name to /etc/hosts"
                    )
    return out


def away(log: Path) -> str:
    """Return why the relay that writes `log` doesn't reach its controller; "" if it does."""
    try:
        with log.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _TAIL, 0))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    last = lines[-1] if lines else ""
    return last.removesuffix(AWAY).partition(": ")[2] if last.endswith(AWAY) else ""
