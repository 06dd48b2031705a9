"""Stand-in for MaxiNetWorker, our own code, over the real Mininet.

Like the real one: rates of a link count in `params1` and `params2` only, those of a tunnel outside of them;
nobody looks whether a tunnel came to be; a start that failed leaves its nodes; the controller's shell stays.
Others come from the file `faults` in the current folder, lines of a host name and a word: `no-rate` (tunnels
get no bandwidth there, and nobody is told), `no-scripts` (they may not be run), `startups` (its SSH server
takes three connections).
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import Pyro4
from mininet.link import Link, TCIntf
from mininet.net import Mininet

from MaxiNet.tools import MaxiNetConfig, proxy

_SCRIPTS = {
    "load_tunneling.sh": "true",
    "create_tunnel.sh": (
        '[ -n "$4" ] || { echo Usage; exit 1; }; '
        "ip link del $3; ip link add $3 type gretap local $1 remote $2 ttl 64 key $4; ip link set dev $3 up; "
        "true"
    ),
    "delete_tunnels.sh": "for d in $(ip -br link | grep -o '^mn_tun[0-9]*'); do ip link del $d; done; true",
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
        if "no-rate" in faults():
            options.pop("bw", None)
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
        """Run a script, and what follows it on the command line, as a shell does."""
        name, _, words = command.partition(" ")
        if "no-scripts" in faults():
            return self.check_output(f"s() {{ return 126; }}; s {words}")
        return self.check_output(f"s() {{ ( {_SCRIPTS[name]} ) 2>&1; }}; s {words}")


def faults() -> set[str]:
    """Return the faults that this machine has."""
    path = Path("faults")
    lines = path.read_text().splitlines() if path.exists() else []
    return {line.split()[1] for line in lines if line.split()[0] == socket.gethostname()}


def start_sshd() -> None:
    """Start what stands for the real one's SSH server."""
    path = Path(f"sshd_config-{socket.gethostname()}").resolve()
    path.write_text("MaxStartups 3:30:60\n" if "startups" in faults() else "Port 5347\n")
    subprocess.Popen([str(Path(__file__).with_name("sshd")), "-D", "-f", str(path)])


def main() -> None:
    """Serve, and sign in again whenever the front end was restarted."""
    config = MaxiNetConfig()
    password, hostname = config.get_nameserver_password(), socket.gethostname()
    start_sshd()
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
