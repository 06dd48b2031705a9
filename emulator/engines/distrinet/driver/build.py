"""Build a Distrinet network from documents: containers, links and switches, many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from ipaddress import IPv4Interface, ip_interface
from typing import Any

from mininet.cloudcontroller import LxcRemoteController
from mininet.distrinet import Distrinet
from mininet.topo import Topo
from serving.server import Progress, StepError

from .connection import Connection
from .image import lacking_script, lacking_words
from .nodes import CLASSES, Host, Interface, Link
from .transport import Transport
from .worker_scripts import ADMIN_BRIDGE, TAG, guarded, make_bridges, record_devices

Document = dict[str, Any]
_AT_A_TIME = 8


class Placement:
    """Distrinet's mapper: our own placement."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}

    def place(self, name: str) -> str:
        """Return the address of a node's worker."""
        return self.addresses[name]

    def placeLink(self, ends: tuple[str, str]) -> tuple[Document, Document]:  # noqa: N802 -- Distrinet's name
        """Return no settings: links carry their own. Two folders, for Distrinet writes into them."""
        del ends
        return {}, {}


class Builder:
    """Adds the contents of documents to a Distrinet network, which is empty at first."""

    def __init__(self, settings: Document, transport: Transport) -> None:
        self.transport = transport
        self.workers: dict[str, str] = {worker["name"]: worker["address"] for worker in settings["workers"]}
        self.interfaces: dict[str, Any] = {}
        self._settings = settings
        self._public = settings["public_key"]
        self._admin = ip_interface(settings["admin"])
        self._used = 0
        """Addresses of the administration network that are in use: the first is the master's."""
        self._places = Placement()
        self._joined: set[str] = set()
        """Workers that are on the administration network."""
        self._complete: set[tuple[str, str]] = set()
        """Workers and kinds of node for which the image has all programs."""
        self._topo = Topo()
        self.master = settings["master"]
        self.network = Distrinet(
            self._topo, link=Link, switch=CLASSES["ovs"], host=CLASSES["host"], intf=Interface,
            controller=None, mapper=self._places, build=False, adminIpBase=settings["admin"],
            jump=settings.get("jump"),
            user=settings["user"], master=self.master, pub_id=self._public,
            client_keys=[settings["key"]] if settings.get("key") else None,
        )  # fmt: skip

    def add(self, document: Document, progress: Progress) -> dict[str, str]:
        """Add nodes and links; return the worker of each node."""
        addresses = [worker["address"] for worker in document["workers"]]
        nodes, links = document["nodes"], document["links"]
        for node in nodes:
            self._places.addresses[node["name"]] = addresses[node["worker"]]
        self._record(nodes, links)
        if not self._used:
            host: Any = CLASSES["host"]
            host.createMasterAdminNetwork(
                self.network.masterSsh, brname=ADMIN_BRIDGE, ip=self._next_address()
            )
        for controller in document.get("controllers", []):
            if controller["name"] not in self.network:
                self.network.addController(
                    controller["name"],
                    controller=LxcRemoteController,
                    ip=controller["ip"],
                    port=controller["port"],
                )
        made = [self._node(node) for node in nodes]
        self._containers(made, progress)
        self._each(
            "links", [partial(self._link, link, self._beside_userspace(document)) for link in links], progress
        )
        hosts = [(self.network[n["name"]], n["ip"]) for n in nodes if n["kind"] == "host"]
        self._each("hosts", [partial(host.configDefault, ip=ip, mac=None) for host, ip in hosts], progress)
        switches = [self.network[n["name"]] for n in nodes if n["kind"] != "host"]
        self._each("switches", [partial(s.start, self.network.controllers) for s in switches], progress)
        new = {node["name"] for node in nodes}
        for link in links:
            for end in link["ends"]:
                node = self.network[end["node"]]
                if end["node"] not in new and hasattr(node, "attach") and end["name"] not in node.out:
                    node.attach(self.interfaces[end["name"]])
        return self.places()

    def places(self) -> dict[str, str]:
        """Return the worker of each node, as Distrinet has it."""
        names = {address: name for name, address in self.workers.items()}
        return {node.name: names[node.target] for node in (*self.network.hosts, *self.network.switches)}

    def interface(self, name: str) -> Any:
        """Return the interface `name`."""
        if name not in self.interfaces:
            raise StepError(f"there is no interface {name}")
        return self.interfaces[name]

    def _record(self, nodes: list[Document], links: list[Document]) -> None:
        """Record on each worker what is about to be created there, and make the links' bridges."""
        per_worker: dict[str, list[str]] = {address: [] for address in self.workers.values()}
        places, numbers = self._places.addresses, Link.numbers
        for link in links:
            for end in link["ends"]:
                bridge = numbers.interface()
                Host.bridges[end["name"]] = bridge
                per_worker[places[end["node"]]].append(bridge)
        tunnels = numbers.next_tunnels(len(nodes) + len(links))
        for address, bridges in per_worker.items():
            devices = (ADMIN_BRIDGE, *bridges, *(f"v{bridge}" for bridge in bridges), *tunnels)
            for script, names in ((record_devices(), devices), (make_bridges(), bridges)):
                given = "".join(f"{name}\n" for name in names).encode()
                self._must(address, guarded(script, Connection.driver), given)

    def _must(self, address: str, command: str, given: bytes = b"") -> str:
        result = self.transport.run(address, command, given=given)
        if result.code:
            raise StepError(f"worker {self.transport.name(address)}: {result.errors or result.text.strip()}")
        return str(result.text)

    def _next_address(self) -> str:
        """Return the next address of the administration network, with its length."""
        found = IPv4Interface((self._admin.ip + self._used, self._admin.network.prefixlen))
        if found.ip not in self._admin.network or found.ip == self._admin.network.broadcast_address:
            raise StepError(
                f"the administration network {self._admin.network} is full: give `admin` a larger one"
            )
        self._used += 1
        return str(found)

    def _node(self, document: Document) -> Any:
        name, kind = document["name"], document["kind"]
        image = f"{self._settings['image']} -c {TAG}={self._settings['network']}"  # for `lxc init`
        info = {"image": image, "pub_id": self._public}
        common = {
            "admin_ip": self._next_address(), "loop": self.network.loop, "master": self.network.masterSsh,
            "username": self._settings["user"], "bastion": None, "waitStart": False, **info,
        }  # fmt: skip
        if kind == "host":
            self._topo.addHost(name, **info)
            return self.network.addHost(name, cls=CLASSES["host"], **common)
        self._topo.addSwitch(name, **info)
        options = {key: document[key] for key in ("failMode", "datapath", "protocols") if document.get(key)}
        node = self.network.addSwitch(name, cls=CLASSES[kind], dpid=document.get("dpid"), **options, **common)
        node.given = document.get("controllers", [])
        return node

    def _containers(self, nodes: list[Any], progress: Progress) -> None:
        """Create and start the containers, and connect to them."""
        for node in nodes:
            self.transport.names[node.ssh.host] = node.name
            self.transport.starting.add(node.ssh.host)
        self._each("nodes", [partial(self._container, node) for node in nodes], progress)
        for node in nodes:
            if node.target not in self._joined:
                self._joined.add(node.target)
                number = Link.newLinkId()
                words = node.connectToAdminNetwork(
                    master=self.master, target=node.target, link_id=number, admin_br=ADMIN_BRIDGE
                )
                if words:
                    self.network.masterSsh.cmd(";".join(words))
        self._each("connections", [partial(self._connect, node) for node in nodes], progress)
        for node in nodes:
            self._require_programs(node)

    def _require_programs(self, node: Any) -> None:
        """Raise StepError when the image lacks programs; one node of each kind and worker tells."""
        kind = next(kind for kind, found in CLASSES.items() if isinstance(node, found))
        if (node.target, kind) in self._complete:
            return
        if lacking := node.execute(lacking_script(kind)).text.split():
            worker = self.transport.name(node.target)
            raise StepError(lacking_words(self._settings["image"], worker, lacking))
        self._complete.add((node.target, kind))

    def _container(self, node: Any) -> None:
        node.createContainer()
        node.waitCreated()
        node.addContainerInterface(intfName="admin", brname=ADMIN_BRIDGE)
        node.configureContainer()

    def _connect(self, node: Any) -> None:
        node.waitConnected()
        node.ready = True
        node.cmd("ip link set dev lo up")

    def _beside_userspace(self, document: Document) -> frozenset[str]:
        """Return switches in user space: they read packets before the checksums are computed."""
        known = {node.name for node in self.network.switches if getattr(node, "datapath", "") == "user"}
        return frozenset(known | {n["name"] for n in document["nodes"] if n.get("datapath") == "user"})

    def _link(self, document: Document, userspace: frozenset[str]) -> None:
        first, second = document["ends"]
        plain = {first["node"], second["node"]} & userspace
        options: Document = {}
        for number, end in enumerate((first, second), 1):
            shape = {**end["shape"], **({"txo": False} if plain else {})}
            options |= {
                f"port{number}": end["port"], f"intfName{number}": end["name"], f"addr{number}": end["mac"],
                f"cls{number}": partial(Interface, mtu=document["mtu"], up=bool(end["up"]), **shape),
            }  # fmt: skip
            if end.get("blocked"):
                self.network[end["node"]].out.add(end["name"])
        link = self.network.addLink(first["node"], second["node"], **options)
        self.interfaces |= {first["name"]: link.intf1, second["name"]: link.intf2}

    def _each(self, phase: str, jobs: Iterable[Callable[[], object]], progress: Progress) -> None:
        """Run jobs in a few threads; the first failure ends the phase."""
        listed = list(jobs)
        if not listed:
            return
        with ThreadPoolExecutor(_AT_A_TIME) as pool, self.transport.together() as work:
            pending = [pool.submit(work.run, job) for job in listed]
            try:
                for done, future in enumerate(as_completed(pending), 1):
                    future.result()
                    if said := self.transport.complaints.taken():  # what comes next would wait in vain
                        raise StepError("; ".join(said))
                    progress(phase, done, len(listed))
            finally:
                for future in pending:
                    future.cancel()
