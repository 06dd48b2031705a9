"""MaxiNet's workers and their manager in memory, for the parts of its driver that speak to them."""

from __future__ import annotations

import json
import pkgutil
import re
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import emulator.engines.driven.serving

_PACKAGE = "emulator.engines.maxinet.driver"
_STAND_IN = Path(__file__).with_name("maxinet") / "python"
OWNER = "topology-emulator/t.00000000"
MARK = f"{socket.gethostname()}:{OWNER}"

Modules = Callable[[str], Any]


def driver_modules(monkeypatch: pytest.MonkeyPatch) -> Modules:
    """Return a function that imports a module of the driver, with the stand-in for Pyro4.

    Modules are forgotten with `monkeypatch`.
    """
    monkeypatch.syspath_prepend(str(_STAND_IN))
    for name in [name for name in sys.modules if name.startswith(("Pyro4", f"{_PACKAGE}."))]:
        monkeypatch.delitem(sys.modules, name)
    serving = emulator.engines.driven.serving
    monkeypatch.setitem(sys.modules, "serving", serving)
    for found in pkgutil.iter_modules(serving.__path__):
        module = import_module(f"{serving.__name__}.{found.name}")
        monkeypatch.setitem(sys.modules, f"serving.{found.name}", module)
    return lambda name: import_module(f"{_PACKAGE}.{name}")


class Cluster:
    """Workers and their manager: `has` is each worker's interfaces, name -> alias."""

    host, port, password, owner, mark = "127.0.0.1", 9, "x", OWNER, MARK

    def __init__(self, modules: Modules) -> None:
        self._fleet = modules("fleet")
        self._errors = modules("claim").StepError
        self.users: dict[str, str | None] = {"w1": None, "w2": None}
        self.has = {
            "w1": {"eth0": "", "s1": MARK, "s1-eth1": MARK},
            "w2": {"s2": MARK, "s1": "another's", "s3": ""},
        }
        self.records: dict[str, list[str]] = {"w1": [], "w2": []}
        self.lost: set[str] = set()
        self.stubborn: set[str] = set()
        self.signed_out: list[str] = []
        self.while_emptied: dict[str, str | None] = {}
        self.idents: set[str] = set()
        self.names = self

    # the name server
    def register(self, name: str, uri: Any) -> None:
        assert uri
        assert self.is_own(name)

    def remove(self, name: str) -> None:
        assert self.is_own(name)

    # the connection
    def workers(self) -> dict[str, dict[str, Any]]:
        return {name: {"assigned": user} for name, user in self.users.items()}

    def is_own(self, user: str | None) -> bool:
        return (user or "").startswith(f"{MARK}.")

    def addresses(self, worker: str) -> tuple[str, str]:
        return worker, worker

    def ask(self, call: str, *words: str) -> Any:
        """Be the manager, which keeps its lock for ever on unknown names."""
        if call == "register_ident":
            self.idents.add(words[0])
            return True
        if call == "unregister_ident":
            self.idents.discard(words[0])
        elif call == "reserve_worker":
            worker, ident = words
            assert ident in self.idents
            assert worker in self.users
            if self.users[worker] is not None:
                return None
            self.users[worker] = ident
            return worker
        elif call == "free_worker":
            worker, ident = words
            assert self.users[worker] == ident
            self.users[worker] = None
        elif call == "worker_signout":
            assert self.users.pop(words[0]) is None
            self.signed_out.append(words[0])
        return True

    # the fleet
    def reach(self, worker: str) -> None:
        if worker in self.lost:
            raise self._fleet.LostWorkerError(f"worker {worker} is lost")

    def shell(self, worker: str, command: str) -> str:
        self.reach(worker)
        if "ip -json link" in command:
            entries = [{"ifname": name, "ifalias": alias} for name, alias in self.has[worker].items()]
            return "\n".join([json.dumps(entries), "none", *self.records[worker]])
        for name in re.findall(r"ip link del (\S+)", command):
            if name not in self.stubborn:
                del self.has[worker][name]
        if command.startswith("rm -f"):
            self.records[worker] = []
        return "0"

    def destroy_mininet(self, worker: str) -> None:
        self.while_emptied[worker] = self.users.get(worker)


class Proxy:
    def __init__(self, cluster: Cluster, worker: str) -> None:
        self._cluster, self._worker = cluster, worker

    def check_output(self, _: str) -> str:
        return "0"

    def script_check_output(self, _: str) -> str:
        return ""

    def destroy_mininet(self) -> None:
        self._cluster.destroy_mininet(self._worker)
