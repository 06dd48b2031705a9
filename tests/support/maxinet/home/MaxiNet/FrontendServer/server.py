"""Stand-in for MaxiNetFrontendServer, our own code: the name server, and the manager with its faults.

The faults of the real one: `reserve_worker` with an unknown worker keeps the lock for ever, and the thread
that frees the workers of dead clients ends with the first worker that is dead too.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import Pyro4

from MaxiNet.tools import MaxiNetConfig, proxy

_PAUSE = 1.0


class Names:
    """The name server."""

    def __init__(self) -> None:
        self._found: dict[str, Any] = {}

    def ping(self) -> None:
        """Answer."""

    def register(self, name: str, uri: Any) -> None:
        """Set an address."""
        self._found[name] = uri

    def lookup(self, name: str) -> Any:
        """Return an address."""
        if name not in self._found:
            raise Pyro4.errors.NamingError(f"unknown name: {name}")
        return self._found[name]

    def remove(self, name: str) -> None:
        """Forget an address."""
        self._found.pop(name, None)


class Manager:
    """Lends workers to clusters."""

    def __init__(self, names: Names, password: str) -> None:
        self._names = names
        self._password = password
        self._workers: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._idents: list[str] = []
        threading.Thread(target=self._monitor, daemon=True).start()

    def _monitor(self) -> None:
        while True:
            time.sleep(_PAUSE)
            for worker, found in list(self._workers.items()):
                if found["assigned"] is None:
                    continue
                try:
                    alive = proxy(self._names, found["assigned"], self._password).get_status_is_alive()
                except Pyro4.errors.PyroError:
                    alive = False
                if not alive:
                    proxy(self._names, found["pyroname"] + ".mnManager", self._password).destroy_mininet()
                    self.free_worker(worker, None, force=True)

    def register_ident(self, ident: str) -> bool:
        """Add a user; False if there is one of this name."""
        if ident in self._idents:
            return False
        self._idents.append(ident)
        return True

    def unregister_ident(self, ident: str) -> None:
        """Forget a user."""
        if ident in self._idents:
            self._idents.remove(ident)

    def worker_signin(self, pyroname: str, hostname: str) -> bool:
        """Register a worker; False if there is one of this name."""
        with self._lock:
            if hostname in self._workers:
                return False
            self._workers[hostname] = {"assigned": None, "pyroname": pyroname}
            return True

    def worker_signout(self, hostname: str) -> bool:
        """Forget a worker that is free."""
        with self._lock:
            if hostname in self._workers and self._workers[hostname]["assigned"] is not None:
                return False
            self._workers.pop(hostname, None)
            return True

    def reserve_worker(self, hostname: str, ident: str) -> str | None:
        """Lend a worker; return its name, None if it is taken."""
        self._lock.acquire()
        if self._workers[hostname]["assigned"] is not None:
            self._lock.release()
            return None
        if ident not in self._idents:
            return None
        self._workers[hostname]["assigned"] = ident
        self._lock.release()
        return str(self._workers[hostname]["pyroname"])

    def free_worker(self, hostname: str, ident: str | None, force: bool = False) -> bool:
        """Take a worker back."""
        self._lock.acquire()
        if force or self._workers[hostname]["assigned"] == ident:
            self._workers[hostname]["assigned"] = None
        self._lock.release()
        return True

    def get_workers(self) -> dict[str, dict[str, Any]]:
        """Return all workers."""
        with self._lock:
            return {name: dict(found) for name, found in self._workers.items()}


def main() -> None:
    """Serve for ever."""
    config = MaxiNetConfig()
    password = config.get_nameserver_password()
    host, port = config.address()
    daemon, names = Pyro4.Daemon(host, port), Names()
    daemon._pyroHmacKey = password
    daemon.register(names, Pyro4.NAMES)
    names.register("config", daemon.register(config))
    names.register("MaxiNetManager", daemon.register(Manager(names, password)))
    print("waiting for workers")
    daemon.requestLoop()


if __name__ == "__main__":
    main()
