"""Stand-in for MaxiNet's front end, our own code: the calls that a client uses, with the real one's faults.

`setup` succeeds whatever became of the tunnels, of two tunnels between two switches the last one is known,
and much is printed to standard output.
"""

from __future__ import annotations

import atexit
import socket
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import Pyro4
from mininet.node import RemoteController

from MaxiNet.tools import MaxiNetConfig, proxy

_SHELL = Path(__file__).with_name("remote_shell.py")


class SSH_Tool:
    """The way to a worker's shell; the real one is SSH."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.add_known_host("localhost")

    def add_known_host(self, ip: str) -> None:
        """Fail where nothing listens on this machine, as ssh-keyscan does."""
        if ip == "localhost":
            raise subprocess.CalledProcessError(1, ["ssh-keyscan", ip])

    def get_ssh_cmd(self, targethostname: str, cmd: str, opts: Any = None) -> list[str]:
        """Return a command line that runs `cmd` on a worker."""
        del opts
        uri = self._cluster.get_worker(targethostname).server._pyroUri
        return [sys.executable, str(_SHELL), *map(str, uri), self._cluster.password, cmd]


class Worker:
    """A worker, with one connection to each of its objects."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        pyroname = f"MaxiNetWorker_{name}"
        self.server = proxy(cluster.nameserver, pyroname, cluster.password)
        self.mininet = proxy(cluster.nameserver, f"{pyroname}.mnManager", cluster.password)
        self.ssh, self.config = self.server, cluster.config
        self._fix_mtus()

    def hn(self) -> str:
        """Return its host name."""
        return str(self.server.get_hostname())

    def ip(self) -> str:
        """Return its address."""
        return str(self.config.get_worker_ip(self.hn()))

    def _fix_mtus(self) -> None:
        """Fail on an interface that has a peer, as the real one does."""
        raise ValueError("invalid literal for int() with base 10: 'Device \"eth0@if7\" does not exist.'")


class Cluster:
    """Reserved workers."""

    def __init__(self, ip: str, port: int, password: str, minWorkers: int = 0, maxWorkers: int = 0) -> None:
        del minWorkers, maxWorkers
        MaxiNetConfig()
        self.password = password
        self.nameserver = Pyro4.locateNS(ip, port, hmac_key=password)
        self.config = proxy(self.nameserver, "config", password)
        self.manager = proxy(self.nameserver, "MaxiNetManager", password)
        self.sshtool = SSH_Tool(self)
        self.tunhelper = SimpleNamespace(tunnr=0)
        self.worker: list[Worker] = []
        self._by_name: dict[str, Worker] = {}
        self.ident = name = f"{socket.gethostname()}:{sys.argv[0]}"
        number = 1
        while not self.manager.register_ident(self.ident):
            number += 1
            self.ident = f"{name}-{number}"
        self._pyrodaemon = Pyro4.Daemon(ip)
        self._pyrodaemon._pyroHmacKey = password
        self.nameserver.register(self.ident, self._pyrodaemon.register(self))
        threading.Thread(target=self._pyrodaemon.requestLoop, daemon=True).start()
        atexit.register(self._stop)

    def _stop(self) -> None:
        """Wait for workers that may be lost."""

    def get_status_is_alive(self) -> bool:
        """Answer."""
        return True

    def add_worker_by_hostname(self, hostname: str) -> bool:
        """Reserve a worker."""
        print(f"adding {hostname}")
        if not self.manager.reserve_worker(hostname, self.ident):
            return False
        self._by_name[hostname] = Worker(self, hostname)
        self.worker.append(self._by_name[hostname])
        return True

    def get_worker(self, hostname: str) -> Worker:
        """Return a worker."""
        return self._by_name[hostname]

    def create_tunnel(self, a: Worker, b: Worker) -> str:
        """Create a tunnel; whether it came to be is nobody's."""
        number = self.tunhelper.tunnr
        self.tunhelper.tunnr += 1
        for here, there in ((a, b), (b, a)):
            words = f"{here.ip()} {there.ip()} mn_tun{number} {number}"
            print(here.server.script_check_output(f"create_tunnel.sh {words}"))
        return f"mn_tun{number}"


class Experiment:
    """A network."""

    def __init__(
        self, cluster: Cluster, topology: Any, controller: str, is_partitioned: bool, switch: Any
    ) -> None:
        assert is_partitioned
        host, _, port = controller.partition(":")
        self.cluster, self.topology, self.switch = cluster, topology, switch
        self.controller = partial(RemoteController, ip=host, port=int(port))
        self.tunnellookup: dict[tuple[str, str], str] = {}
        self._where: dict[str, Worker] = {}
        self._switches: set[str] = set()

    def setup(self) -> None:
        """Create everything, worker by worker."""
        for worker, topo in zip(self.cluster.worker, self.topology.topos, strict=True):
            self._where.update(dict.fromkeys(topo.nodes(), worker))
            self._switches |= set(topo.switches())
        tunnels: dict[Worker, list[Any]] = {worker: [] for worker in self.cluster.worker}
        for a, b, options in self.topology.tunnels:
            name = self.cluster.create_tunnel(self._where[a], self._where[b])
            self.tunnellookup[a, b] = self.tunnellookup[b, a] = name
            for node in (a, b):
                tunnels[self._where[node]].append([name, node, options])
        for worker, topo in zip(self.cluster.worker, self.topology.topos, strict=True):
            worker.mininet.create_mininet(
                topo=topo, tunnels=tunnels[worker], switch=self.switch, controller=self.controller
            )

    def addHost(self, name: str, cls: Any = None, wid: int = 0, **options: Any) -> None:
        """Add a host."""
        self._where[name] = self.cluster.worker[wid]
        self._where[name].mininet.addHost(name, cls, **options)

    def addSwitch(self, name: str, cls: Any = None, wid: int = 0, **options: Any) -> None:
        """Add a switch."""
        self._where[name] = self.cluster.worker[wid]
        self._switches.add(name)
        self._where[name].mininet.addSwitch(name, cls, **options)

    def addLink(
        self, a: str, b: str, port1: Any = None, port2: Any = None, cls: Any = None, **options: Any
    ) -> None:
        """Add a link, or a tunnel between two switches."""
        first, second = self._where[a], self._where[b]
        if first is second:
            first.mininet.addLink(a, b, port1, port2, cls, **options)
            return
        if not {a, b} <= self._switches:
            raise RuntimeError("Can't create tunnel between switch and host")
        name = self.cluster.create_tunnel(first, second)
        first.mininet.addTunnel(name, a, port1, None, **options)
        second.mininet.addTunnel(name, b, port2, None, **options)
