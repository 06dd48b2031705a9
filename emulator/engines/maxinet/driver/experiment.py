"""One network of MaxiNet: created by its public API, completed and verified on the workers."""

from __future__ import annotations

import logging
import shlex
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import Pyro4.errors
import Pyro4.util
from serving.deadline import DeadlineError
from serving.jobs import job_mark
from serving.progress import ClientGoneError, Progress
from serving.server import StepError

from .connect import RESTART, Connection, require_free
from .fleet import Fleet
from .inventory import Inventory
from .marking import announce, forget
from .program import imported, version
from .removal import destroy, free_all
from .switching import Switching

Document = dict[str, Any]
_LOOK = 2.0
"""Seconds between counts of what exists while MaxiNet creates the network."""
_COUNT = "echo $(($(pgrep -fc mininet:) + $(grep -c : /proc/net/dev)))"
_DATAPATH = "[ -d /sys/module/openvswitch ] || modprobe -q openvswitch && echo kernel || echo user"


class Experiment:
    """A network on reserved workers."""

    def __init__(self, settings: Document, progress: Progress) -> None:
        self._home = settings["home"]
        self.connection = Connection(settings)
        self.fleet = Fleet(self.connection.password, self.connection.owner)
        self.inventory = Inventory(settings["workers"], self.fleet, self.connection.mark)
        self.switching = Switching(self.inventory)
        self._experiment: Any = None
        self._terminals = threading.Lock()
        self._cluster = self._reserve(progress)
        found = self.fleet.each(lambda worker: self.fleet.shell(worker, _DATAPATH).strip())
        self._datapath = "kernel" if set(found.values()) == {"kernel"} else "user"

    def opened(self) -> Document:
        """Return MaxiNet's version, the workers, and the kind of datapath that all of them have."""
        workers = self.inventory.workers
        return {"version": version(self._home), "workers": workers, "datapath": self._datapath}

    def _reserve(self, progress: Progress) -> Any:
        """Return the cluster with the workers, in their order."""
        maxinet = imported(self._home)
        names = self.inventory.workers
        require_free(self.connection, names)
        host, port, password = self.connection.host, self.connection.port, self.connection.password
        with failing("MaxiNet's cluster"):
            cluster = maxinet.Cluster(host, port, password, minWorkers=0, maxWorkers=0)
        try:
            for done, name in enumerate(names, 1):
                with failing(f"worker {name}"):
                    added = cluster.add_worker_by_hostname(name)
                if not added:
                    raise StepError(  # noqa: TRY301 -- rolled back below like any other failure
                        f"worker {name} was taken by somebody else in this moment; try again"
                    )
                cluster.get_worker(name).mininet._pyroTimeout = None  # noqa: SLF001 -- the step has its own limit
                self.fleet.add(name, *self.connection.addresses(name))
                destroy(self.fleet, name)
                progress("workers", done, len(names))
        except BaseException:
            free_all(self.connection, cluster, self.inventory)
            raise
        return cluster

    def create(self, document: Document, progress: Progress) -> None:
        """Create everything; StepError names what MaxiNet didn't do, although it reports success."""
        from mininet.node import OVSSwitch

        from .topology import NOWHERE, clustering

        self.inventory.plan(document)
        announce(self.inventory, {})
        self.switching.hold(document)
        parts = clustering(document, len(self.inventory.workers), self.switching.held)
        self._experiment = imported(self._home).Experiment(
            self._cluster, parts, controller=NOWHERE, is_partitioned=True, switch=OVSSwitch
        )
        with self._watched(document, progress), progress.interruptible(), failing("MaxiNet's setup"):
            self._experiment.setup()
        self.inventory.read_back(node["name"] for node in document["nodes"])
        for link in document["links"]:
            if link["tunnel"]:
                first, second = (end["node"] for end in link["ends"])
                self.switching.rename(self._experiment.tunnellookup[first, second], link)
        self.switching.complete(document)
        forget(self.inventory)

    def add(self, document: Document, progress: Progress) -> None:
        """Add nodes and links, each by MaxiNet's own call."""
        from . import topology

        self.refresh()
        known = {worker: self.inventory.names(worker) for worker in self.inventory.workers}
        self.inventory.plan(document)
        announce(self.inventory, known)
        self.switching.postpone(document["links"])
        held = self.switching.held
        for done, node in enumerate(document["nodes"], 1):
            with failing(f"node {node['name']}"):
                if node["kind"] == "host":
                    options = topology.host_options(node)
                    self._experiment.addHost(node["name"], wid=node["worker"], **options)
                else:
                    options = topology.switch_options(node, held)
                    self._experiment.addSwitch(node["name"], wid=node["worker"], **options)
            progress("nodes", done, len(document["nodes"]))
        self.inventory.read_back(node["name"] for node in document["nodes"])
        soft = topology.has_soft_switch({"nodes": list(self.inventory.nodes.values())})
        for done, link in enumerate(document["links"], 1):
            first, second = (end["node"] for end in link["ends"])
            with failing(f"link {first} -- {second}"):
                if link["tunnel"]:
                    device = f"mn_tun{self._cluster.tunhelper.tunnr}"
                    options = topology.tunnel_options(link)
                    self._experiment.addLink(first, second, **options)
                    self.switching.rename(device, link)
                else:
                    self._experiment.addLink(first, second, **topology.link_options(link, soft=soft))
            progress("links", done, len(document["links"]))
        self.switching.complete(document)
        forget(self.inventory)

    def terminal(self, node: str, argv: Sequence[str], *, tty: bool) -> list[str]:
        """Return a local command line: MaxiNet's own SSH, into the worker and the node."""
        worker, (pid, _, _, _) = self.inventory.in_node(node, argv, None)
        with self.fleet.proxy(worker, "server") as server:
            server.get_hostname()  # a lost worker is told here; SSH would only wait
        inside = shlex.join(["mnexec", "-a", str(pid), "env", "--", job_mark(self.connection.owner), *argv])
        options = ["-tt" if tty else "-T", "-o", "BatchMode=yes"]
        with self._terminals, failing("MaxiNet's SSH"):
            self._cluster.config._pyroRelease()  # noqa: SLF001 -- as in `refresh`
            try:
                return [str(word) for word in self._cluster.sshtool.get_ssh_cmd(worker, inside, options)]
            except Pyro4.errors.CommunicationError as error:  # its address and user come from the front end
                said = f"the front end at {self.connection.host} doesn't answer ({error})"
                raise StepError(f"{said}; {RESTART}") from None

    def stop(self) -> list[str]:
        """Remove everything; return what failed."""
        self.refresh()
        return free_all(self.connection, self._cluster, self.inventory)

    def refresh(self) -> None:
        """Drop MaxiNet's own connections, which may have been idle for hours; each call connects again."""
        cluster = self._cluster
        proxies = [cluster.nameserver, cluster.manager, cluster.config]
        for worker in cluster.worker:
            proxies += [worker.server, worker.mininet, worker.ssh, worker.config]
        for proxy in (*proxies, self.connection.names, self.connection.manager):
            proxy._pyroRelease()  # noqa: SLF001 -- Pyro's way

    @contextmanager
    def _watched(self, document: Document, progress: Progress) -> Iterator[None]:
        """Report progress while MaxiNet's one call creates all nodes: its time limit counts from there."""
        over = threading.Event()
        total = len(document["nodes"]) + len(document["links"])

        def watch() -> None:
            seen = 0
            while not over.wait(_LOOK):
                with suppress(ClientGoneError, StepError, OSError, ValueError):
                    counts = self.fleet.each(lambda worker: self.fleet.shell(worker, _COUNT))
                    now = sum(int(said) for said in counts.values())
                    if now > seen and not over.is_set():
                        seen = now
                        progress("nodes", min(seen, total), total)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@contextmanager
def failing(what: str) -> Iterator[None]:
    """Raise a StepError with the program's words for whatever fails."""
    try:
        yield
    except (StepError, DeadlineError):
        raise
    except Exception as error:  # noqa: BLE001 -- it becomes the answer, whatever it is
        # the traceback of the worker, if it has failed there
        logging.getLogger(__name__).warning("%s: %s", what, "".join(Pyro4.util.getPyroTraceback()))
        raise StepError(f"{what}: {type(error).__name__}: {error}") from None
