"""Connect to MaxiNet: its configuration, its name server and its manager; each wait has a limit.

Two mistakes would stop the manager for everybody, since it keeps its lock: to reserve a worker that isn't
registered, and to do so under an unknown name. So workers are reserved by the names that it lists.
"""

from __future__ import annotations

import configparser
import logging
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import Pyro4
import Pyro4.errors
from serving.server import StepError

from .fleet import LostWorkerError

SECONDS = 10.0
_FILES = ("/etc/MaxiNet.cfg", "~/.MaxiNet.cfg")
_PORT = "9090"
RESTART = (
    "restart MaxiNetFrontendServer there (`systemctl restart maxinet-frontend`); its workers register again "
    "within seconds, and one that ends instead must be started again"
)


class Connection:
    """MaxiNet's name server and manager; `settings` are the engine's options."""

    def __init__(self, settings: dict[str, Any]) -> None:
        sys.path.insert(0, settings["home"])
        # MaxiNet reads its configuration from the current folder, and names its user by this word
        self.owner = settings["owner"]
        self.mark = f"{socket.gethostname()}:{self.owner}"
        """What is made on workers carries it. Users of workers have it before a number of their own."""
        # never twice: the manager would take this client for a dead one of the same name
        sys.argv[0] = f"{self.owner}.{time.time_ns():x}"
        os.chdir(os.environ["TMPDIR"])
        config = _configuration(settings)
        Path("MaxiNet.cfg").write_text(_text(config), encoding="utf-8")
        Path("MaxiNet.cfg").chmod(0o600)
        Pyro4.config.SERIALIZERS_ACCEPTED.add("pickle")
        Pyro4.config.SERIALIZER = "pickle"
        Pyro4.config.COMMTIMEOUT = SECONDS
        self.host = config.get("FrontendServer", "ip")
        self.port = config.getint("all", "port_ns")
        self.password = config.get("all", "password")
        logging.basicConfig(level=logging.INFO)
        self.names = self._name_server()
        self.manager = self.remote("MaxiNetManager")

    def _name_server(self) -> Any:
        at = f"{self.host}:{self.port}"
        try:
            return Pyro4.locateNS(self.host, self.port, hmac_key=self.password)
        except Pyro4.errors.NamingError:
            raise StepError(
                f"no MaxiNet name server answers at {at}: start MaxiNetFrontendServer there, and compare "
                f"`frontend` and the password with its MaxiNet.cfg"
            ) from None

    def remote(self, name: str) -> Any:
        """Return the object `name` of the name server; StepError if there is none."""
        try:
            found = Pyro4.Proxy(self.names.lookup(name))
        except Pyro4.errors.NamingError:
            raise StepError(
                f"the name server at {self.host}:{self.port} knows no {name}: MaxiNetFrontendServer has "
                f"ended or isn't ready; {RESTART}"
            ) from None
        found._pyroHmacKey = self.password  # noqa: SLF001 -- Pyro's way
        return found

    def ask(self, call: str, *words: str) -> Any:
        """Call the manager; StepError if it is stuck."""
        try:
            return getattr(self.manager, call)(*words)
        except Pyro4.errors.CommunicationError:
            self.manager._pyroRelease()  # noqa: SLF001 -- Pyro's way
            raise StepError(
                f"MaxiNet's manager at {self.host} is stuck or has ended: it doesn't answer within "
                f"{SECONDS:g} s; {RESTART}"
            ) from None

    def workers(self) -> dict[str, dict[str, Any]]:
        """Return the registered workers: name -> {"assigned": user or None, "pyroname"}."""
        found: dict[str, dict[str, Any]] = self.ask("get_workers")
        return found

    def addresses(self, worker: str) -> tuple[Any, Any]:
        """Return the addresses of a worker's two objects; LostWorkerError if it has none any more."""
        name = f"MaxiNetWorker_{worker}"
        try:
            return self.names.lookup(name), self.names.lookup(f"{name}.mnManager")
        except Pyro4.errors.NamingError:
            raise LostWorkerError(
                f"worker {worker} is registered at {self.host}, but has ended: start MaxiNetWorker there "
                f"again (`systemctl restart maxinet-worker`)"
            ) from None

    def is_own(self, assigned: str | None) -> bool:
        """Return whether a worker is reserved for this network, by this driver or an earlier one."""
        return (assigned or "").startswith(f"{self.mark}.")


def require_free(connection: Connection, names: Sequence[str]) -> None:
    """Raise a StepError unless the manager lists all workers as free."""
    registered = connection.workers()
    for name in names:
        if name not in registered:
            known = ", ".join(sorted(registered)) or "none"
            raise StepError(
                f"worker {name} isn't registered at {connection.host} (registered: {known}); start "
                f"MaxiNetWorker there: it registers under its host name"
            )
        user = registered[name]["assigned"]
        if user is not None:
            mine = connection.is_own(user)
            fix = "`emulator down` of this network frees it" if mine else "wait until it is free, or end that"
            raise StepError(f"worker {name} is in use by {user}; {fix}")


def _configuration(settings: dict[str, Any]) -> configparser.RawConfigParser:
    config = configparser.RawConfigParser()
    config.read([str(Path(name).expanduser()) for name in _FILES])
    for section in ("all", "FrontendServer"):
        if not config.has_section(section):
            config.add_section(section)
    if frontend := settings.get("frontend"):
        host, _, port = frontend.partition(":")
        config.set("FrontendServer", "ip", host)
        config.set("all", "port_ns", port or _PORT)
    if file := settings.get("password_file"):
        try:
            config.set("all", "password", Path(file).expanduser().read_text(encoding="utf-8").strip())
        except OSError as error:
            raise StepError(f"engine.password_file {file}: {error.strerror}") from None
    for section, option, key in (
        ("FrontendServer", "ip", "frontend"), ("all", "password", "password_file"),
    ):  # fmt: skip
        if not config.has_option(section, option):
            raise StepError(f"no {option} of MaxiNet's front end: set `engine.{key}`, or write {_FILES[0]}")
    for option, value in (("port_ns", _PORT), ("logLevel", "INFO")):
        if not config.has_option("all", option):
            config.set("all", option, value)
    return config


def _text(config: configparser.RawConfigParser) -> str:
    return "".join(
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in config.items(section))
        for section in config.sections()
    )
