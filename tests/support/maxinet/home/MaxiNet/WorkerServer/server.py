"""Stand-in for MaxiNetWorker, our own code, over the real Mininet.

Like the real one: rates of a link count in `params1` and `params2` only, those of a tunnel outside of them;
nobody looks whether a tunnel came to be; a start that failed leaves its nodes; the controller's shell stays.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from typing import Any

import Pyro4
from mininet.link import Link, TCIntf
from mininet.net import Mininet

from MaxiNet.tools import MaxiNetConfig, proxy

_SCRIPTS = {
    "load_tunneling.sh": "true",
    "create_tunnel.sh": (
        "ip link del $3; ip link add $3 type gretap local $1 remote $2 ttl 64 key $4; ip link set dev $3 up"
    ),
    "delete_tunnels.sh": "for d in $(ip -br link | grep -o '^mn_tun[0-9]*'); do ip link del $d; done",
}


class _Links(Link):  # type: ignore[misc]
    """A link whose other options are ignored."""

    def __init__(
        self, node1: Any, node2: Any, port1: Any = None, port2: Any = None, intfName1: Any = None,
        intfName2: Any = None, addr1: Any = None, addr2: Any = None, params1: Any = None, params2: Any = None,
        **ignored: Any,
    ) -> None:  # fmt: skip
        del ignored
        super().__init__(
            node1, node2, port1=port1, port2=port2, intfName1=intfName1, intfName2=intfName2, cls1=TCIntf,
            cls2=TCIntf, addr1=addr1, addr2=addr2, params1=params1, params2=params2,
        )  # fmt: skip


class MininetManager:
    """Mininet on this worker."""

    net: Any = None

    def create_mininet(
        self, topo: Any, tunnels: Any, switch: Any, controller: Any = None, STT: bool = False
    ) -> bool:
        """Create this worker's part."""
        del STT
        if self.net is not None:
            self.destroy_mininet()
        self.net = Mininet(topo=topo, intf=TCIntf, link=_Links, switch=switch, controller=controller)
        for name, node, options in tunnels:
            port = options["port1"] if options["node1"] in topo.nodes() else options["port2"]
            self.addTunnel(name, node, port, None, **options)
        self.net.start()
        return True

    def destroy_mininet(self) -> None:
        """Remove it."""
        if self.net is not None:
            self.net.stop()
            self.net = None

    def attr(self, node: str, name: str) -> Any:
        """Return an attribute of a node."""
        return getattr(self.net.get(node), name)

    def addHost(self, name: str, cls: Any = None, **options: Any) -> str:
        """Add a host."""
        self.net.addHost(name, cls, **options)
        return name

    def addSwitch(self, name: str, cls: Any = None, **options: Any) -> str:
        """Add a switch."""
        self.net.addSwitch(name, cls, **options).start(self.net.controllers)
        return name

    def addLink(self, a: str, b: str, port1: Any, port2: Any, cls: Any, **options: Any) -> None:
        """Add a link."""
        self.net.addLink(self.net.get(a), self.net.get(b), port1, port2, cls, **options)

    def addTunnel(self, name: str, switch: str, port: int, intf: Any, **options: Any) -> None:
        """Add a tunnel's end."""
        (intf or TCIntf)(name, node=self.net.get(switch), port=port, link=None, **options)


class WorkerServer:
    """This machine."""

    def get_hostname(self) -> str:
        """Return its name."""
        return socket.gethostname()

    def check_output(self, command: str) -> str:
        """Run a shell command; the output is lost if it fails."""
        return subprocess.check_output(command, shell=True, stderr=subprocess.STDOUT).decode().strip()  # noqa: S602

    def script_check_output(self, command: str) -> str:
        """Run a script; its failures are nobody's."""
        name, *words = command.split()
        return self.check_output(f"set -- {' '.join(words)}; ( {_SCRIPTS[name]} ) 2>&1; true")


def main() -> None:
    """Serve, and sign in again whenever the front end was restarted."""
    config = MaxiNetConfig()
    password, hostname = config.get_nameserver_password(), socket.gethostname()
    server, mininet = WorkerServer(), MininetManager()
    manager = None
    while True:
        try:
            if manager is None:
                names = Pyro4.locateNS(*config.address(), hmac_key=password)
                daemon = Pyro4.Daemon(str(config.get_worker_ip(hostname)))
                daemon._pyroHmacKey = password
                name = f"MaxiNetWorker_{hostname}"
                names.register(name, daemon.register(server))
                names.register(f"{name}.mnManager", daemon.register(mininet))
                threading.Thread(target=daemon.requestLoop, daemon=True).start()
                manager = proxy(names, "MaxiNetManager", password)
                print("signed in:", manager.worker_signin(name, hostname))
            manager.get_workers()
        except Pyro4.errors.PyroError as error:
            print(error)
            manager = None
        sys.stdout.flush()
        time.sleep(1)


if __name__ == "__main__":
    main()
