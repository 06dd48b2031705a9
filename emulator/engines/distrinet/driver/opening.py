"""Open a network: reserve its workers, and find what is in its way there."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

from serving.server import Progress, StepError

from .connection import Connection
from .transport import Transport
from .worker_scripts import TAKEN, datapath, existing_containers, reserve

_PUBLIC = re.compile(r"[a-z0-9@.-]+ [A-Za-z0-9+/]+=*")
"""Kind and key of a public key's file (sshd(8), AUTHORIZED_KEYS FILE FORMAT)."""


def reserve_workers(progress: Progress, transport: Transport, settings: dict[str, Any]) -> str:
    """Reserve all workers; return the datapath (kernel or user) that all of them have for Open vSwitch.

    From now on Distrinet's commands run there only while this driver's reservation lasts.
    """
    driver = secrets.token_hex(8)
    datapaths = set()
    workers = settings["workers"]
    for done, worker in enumerate(workers, 1):
        result = transport.run(worker["address"], reserve(settings["network"], driver))
        if result.code == TAKEN:
            words = f"worker {worker['name']} has {result.text.strip()}"
            raise StepError(f"{words}, and Distrinet takes one network per worker; take that one down")
        if result.code:
            raise StepError(f"worker {worker['name']}: {result.errors or result.text.strip()}")
        datapaths.add(transport.run(worker["address"], datapath()).code)
        progress("workers", done, len(workers))
    Connection.driver = driver
    return "kernel" if datapaths == {0} else "user"


def refuse_existing(transport: Transport, document: dict[str, Any]) -> None:
    """Raise StepError when a container of a node's name exists: it isn't ours."""
    for number, worker in enumerate(document["workers"]):
        names = [node["name"] for node in document["nodes"] if node["worker"] == number]
        if names and (found := transport.run(worker["address"], existing_containers(names)).text.split()):
            words = f"worker {worker['name']} has containers called {', '.join(found)}, which aren't ours"
            raise StepError(f"{words}; `lxc delete` them, or name the nodes otherwise")


def public_key(key: str | None) -> str:
    """Return the public key of `key`: containers get it."""
    if not key:
        raise StepError("give the key for the workers (`key:` of the engine): containers get its public half")
    try:
        text = Path(f"{key}.pub").read_text()
    except OSError as error:
        raise StepError(f"{key}.pub: {error.strerror}; `ssh-keygen -y -f {key} > {key}.pub`") from None
    found = _PUBLIC.match(text)
    if found is None:
        raise StepError(f"{key}.pub is no public key; `ssh-keygen -y -f {key} > {key}.pub`")
    return found[0]  # without the comment: Distrinet puts this text into a shell's words
