"""Options of the engine with their defaults, for the driver and for the preflight."""

from __future__ import annotations

import socket
from hashlib import sha256
from pathlib import Path
from typing import Any

from emulator.engine_options import Options
from emulator.errors import UnableError
from emulator.plan import Plan
from emulator.state import state_root

Json = dict[str, Any]
ADMIN = "192.168.0.1/16"
IMAGE = "ubuntu"
USER = "root"


def settings(plan: Plan) -> Json:
    """Return the driver's settings; UnableError for a worker without an IPv4 address.

    Without `jump`, SSH goes through the master: only it is in the containers' administration network.
    """
    options = plan.options
    given = {worker["name"]: worker.get("address") or worker["name"] for worker in options.get("workers", ())}
    workers = [
        {"name": worker.name, "address": ipv4(given.get(worker.name, worker.name))} for worker in plan.workers
    ]
    master = ipv4(options["master"]) if options.get("master") else workers[0]["address"]
    return {
        "network": mark(plan.topology.name),
        "workers": workers,
        "user": options.get("user") or USER,
        "key": options.get("key"),
        "master": master,
        "jump": ipv4(options["jump"]) if options.get("jump") else master,
        "image": image(options),
        "admin": options.get("admin") or ADMIN,
    }


def mark(name: str) -> str:
    """Return the mark of the network `name` on workers: networks of the same name elsewhere have another."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = ""
    words = f"{machine or socket.gethostname()}\0{state_root().resolve()}\0{name}"
    return f"{name}-{sha256(words.encode()).hexdigest()[:8]}"


def image(options: Options) -> str:
    """Return the name of the containers' image."""
    return str(options.get("image") or IMAGE)


def ipv4(machine: str) -> str:
    """Return a machine's IPv4 address: Distrinet's tunnels need it, and it understands no others."""
    try:
        return str(socket.getaddrinfo(machine, None, socket.AF_INET)[0][4][0])
    except OSError as error:
        raise UnableError(
            f"the worker {machine} has no IPv4 address ({error.strerror}); "
            f"write `workers: [{{name: {machine}, address: 10.0.0.11}}]`"
        ) from None
