"""The netns engine: every node a network namespace, made by batched rtnetlink, no process per node."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from emulator.difference import difference
from emulator.engines.hosts_file import hosts_text
from emulator.engines.limits import global_needs
from emulator.engines.netns_links import change_links
from emulator.engines.refusals import refuse
from emulator.errors import EmulationError, UnableError
from emulator.forwarding.base import Forwarding
from emulator.forwarding.select import forwarding_for
from emulator.linux import cgroups
from emulator.linux.capture import Captured, Wanted
from emulator.linux.capture import record as record_packets
from emulator.linux.converge import converge
from emulator.linux.deploy import make_nodes
from emulator.linux.execute import start
from emulator.linux.icmp import Pinger
from emulator.linux.interrupts import deferred
from emulator.linux.namespaces import NamespaceStore, ensure_private, restored, unmount_all
from emulator.linux.repair import find_damage, repair
from emulator.linux.session import NetnsSession
from emulator.linux.sysctl import Ledger
from emulator.linux.teardown import Sentinel, kill_inside
from emulator.locks import locked
from emulator.network import CommandResult, Echo, Health, LinkState, Progress, silent
from emulator.plan import Plan, make_plan
from emulator.state import NetworkState, Record, link_states, names, state_root
from topologies import store as topology_store
from topologies.topology import Topology

AT_ONCE = 64
"""Commands that run side by side in one `execute`."""


class NetnsNetwork:
    """A network that runs on this machine's kernel."""

    engine = "netns"
    changes: tuple[str, ...] | None = None

    def __init__(self, state: NetworkState) -> None:
        self.name = state.name
        self._state = state
        self._record = state.read()
        self._store = _store(state)

    @cached_property
    def topology(self) -> Topology:
        """The graph that runs."""
        return topology_store.load(self._state.topology_path)

    @cached_property
    def forwarding(self) -> Forwarding:
        """How packets find their way."""
        return forwarding_for(self.topology)

    @property
    def links(self) -> Mapping[int, LinkState]:
        """What was changed on links since `up`."""
        return link_states(self._record)

    def addresses(self, node: int) -> Sequence[str]:
        """Return the addresses of a node."""
        return [address.text for address in self.forwarding.addresses(node)]

    def health(self) -> Health:
        """Look whether every node's namespace is there."""
        if not self._store.exists:
            return Health(running=False, problems=(f"its namespaces are gone; `emulator down {self.name}`",))
        with self._store.entered():
            nodes = self._store.nodes()
        missing = self.topology.node_count - len(nodes)
        problems = [f"{missing} nodes are missing"] if missing else []
        if self._record.phase != "up":
            problems.append(f"`up` did not finish; `emulator down {self.name}` removes the rest")
        return Health(running=not problems, nodes=len(nodes), problems=tuple(problems))

    def execute(
        self, nodes: Sequence[int], argv: Sequence[str], timeout: float | None = None
    ) -> Sequence[CommandResult]:
        """Run a command in each of `nodes`, up to 64 at once."""
        results: list[CommandResult] = []
        for at in range(0, len(nodes), AT_ONCE):
            some = [self.topology.names[node] for node in nodes[at : at + AT_ONCE]]
            started = [self._start(node, argv, capture=True) for node in nodes[at : at + AT_ONCE]]
            with ThreadPoolExecutor(len(started)) as pool:
                results += pool.map(_result, some, started, [timeout] * len(some))
        return results

    def interact(self, node: int, argv: Sequence[str]) -> int:
        """Run a command in a node with this process's terminal."""
        code = self._start(node, argv, capture=False).wait()
        return code if code >= 0 else 128 - code  # as shells say that a signal ended it

    def _start(self, node: int, argv: Sequence[str], *, capture: bool) -> subprocess.Popen[bytes]:
        """Start a command in a node, within the node's limits."""
        name, profile = self.topology.names[node], self.topology.node_profile_of(node)
        group = cgroups.group_name(self._state.root, self.name)
        with cgroups.entry(group, name, profile) as (prefix, inherit):
            words = [*prefix, *argv]
            return start(self._store, name, self._state.hosts_path, words, capture=capture, inherit=inherit)

    def ping(self, echoes: Sequence[Echo], timeout: float) -> Sequence[float | None]:
        """Send ICMP echoes from inside the nodes."""
        with self._store.entered():
            return Pinger(echoes, timeout).run(self._store, self.topology.names)

    def capture(self, node: int, wanted: Wanted, file: BinaryIO) -> Captured:
        """Record packets in a node until what is wanted is there, or Ctrl-C."""
        require_root()
        return record_packets(self._store, self.topology.names[node], wanted, file)

    def set_link(self, link: int, state: LinkState) -> None:
        """Make a running link be as `state` says."""
        require_root()
        with self._state.locked("link"):
            self._record = self._state.read()
            self.change_links({link: state})

    def change_links(self, wanted: Mapping[int, LinkState]) -> bool:
        """Make running links be as `wanted` says; the caller holds the network's lock."""
        return change_links(self._state, self._record, self._store, self.topology, wanted)

    def session(self) -> NetnsSession:
        """Return a session for many quick changes; it is noted in the record before the first one."""
        require_root()
        return NetnsSession(make_plan(self.topology, self.engine, up=self._links_up()), self._store)

    def repair(self) -> list[str]:
        """Look at every node in the kernel, give back what is missing, and return what it was."""
        require_root()
        plan = make_plan(self.topology, self.engine, up=self._links_up())
        down = frozenset(link for link, state in self.links.items() if not state.up)
        with self._state.locked("repair"), self._store.entered(), deferred():
            damage = find_damage(plan, self._store, down)
            repair(plan, self._store, damage, _go_on)
        return damage.words(plan)

    def _links_up(self) -> npt.NDArray[np.bool_]:
        up = np.ones(self.topology.link_count, dtype=bool)
        up[[link for link, state in self.links.items() if not state.up]] = False
        return up

    def open_socket(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Return a socket opened inside `node`."""
        with self._store.entered():
            self._store.go(self.topology.names[node])
            return socket.socket(family, kind, protocol)

    def spawn(self, node: int, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a command in a node and return at once."""
        return self._start(node, argv, capture=True)

    def down(self, progress: Progress = silent) -> None:
        """Take the network down."""
        take_down(self._state, progress)


class NetnsEngine:
    """Deploys plans to this machine's kernel."""

    name = "netns"
    needs_root = True

    def accept(self, plan: Plan) -> None:
        """Raise RefusedError with every reason why this machine can't carry `plan` out."""
        refuse(plan)

    def deploy(self, plan: Plan, file: str = "", progress: Progress = silent) -> NetnsNetwork:
        """Make the network of `plan`; on any failure roll back and leave nothing."""
        require_root()
        state = NetworkState(state_root(), plan.topology.name)
        with state.locked("up"), deferred() as signals:

            def watched(phase: str, done: int, total: int) -> None:
                signals.check()
                progress(phase, done, total)

            running = _running(state)
            if running is not None:
                return _change(running, plan, state, file, signals.check)
            _take_down(state, silent)  # what an `up` or `down` that was killed left behind
            try:
                _deploy(plan, state, file, watched)
                signals.check()
            except BaseException:
                _take_down(state, silent)
                raise
        return NetnsNetwork(state)

    def attach(self, name: str) -> NetnsNetwork:
        """Return the network `name` that runs; UsageError when there is none."""
        return NetnsNetwork(NetworkState(state_root(), name))


def require_root() -> None:
    """Raise UnableError unless this process may make namespaces."""
    if os.geteuid() != 0:
        raise UnableError("making network namespaces needs root; run it under sudo")


def _store(state: NetworkState) -> NamespaceStore:
    return NamespaceStore(state.folder / "mnt", state.folder / "ns")


def _running(state: NetworkState) -> NetnsNetwork | None:
    """Return the network if it is wholly up; UsageError if another engine runs it."""
    state.require_engine(NetnsEngine.name)
    try:
        network = NetnsNetwork(state)
        return network if network.health().running else None
    except EmulationError:  # no record, or a damaged one
        return None


def _change(
    network: NetnsNetwork, plan: Plan, state: NetworkState, file: str, check: Callable[[], None]
) -> NetnsNetwork:
    """Make the running network be as `plan` says; on failure change it back."""
    words = []
    for link in list(network.links):
        a, b = (network.topology.names[int(end)] for end in network.topology.ends[link])
        words.append(f"link {a} -- {b} is as the file says again")
    network.change_links(dict.fromkeys(network.links, LinkState()))
    old = Plan(network.topology, plan.engine, plan.placement)
    change = difference(old, plan)
    record = state.read()
    record.file = file
    if not change.is_empty:
        record.phase = "changing"
        state.write(record)
        store = _store(state)
        Ledger(state.root).require(state.name, global_needs(plan))
        with store.entered():
            try:
                converge(plan, change, store, check)
            except BaseException:
                converge(old, difference(plan, old), store, _go_on)
                record.phase = "up"
                state.write(record)
                raise
        words += change.words(plan.topology.names[node] for node in change.new_nodes)
    state.save(plan.topology, hosts_text(plan))
    record.phase = "up"
    state.write(record)
    changed = NetnsNetwork(state)
    changed.changes = tuple(words)
    return changed


def _go_on() -> None:
    """Never stop: a change back is not interrupted."""


def _deploy(plan: Plan, state: NetworkState, file: str, progress: Progress) -> None:
    state.make()
    record = Record(name=plan.topology.name, engine="netns", file=file)
    state.write(record)
    state.save(plan.topology, hosts_text(plan))
    Ledger(state.root).require(state.name, global_needs(plan))
    store = _store(state)
    store.folder.mkdir(mode=0o700)
    store.pin.touch(mode=0o600)
    with restored("net", "mnt"):
        with state.shared_lock():
            ensure_private(state.root)
            store.create()
        make_nodes(plan, store, progress)
    record.phase = "up"
    state.write(record)


def take_down(state: NetworkState, progress: Progress = silent) -> None:
    """Remove all of a network that this engine made, whatever state it is in."""
    require_root()
    with state.locked("down"), deferred():
        _take_down(state, progress)


def _take_down(state: NetworkState, progress: Progress) -> None:
    """Remove everything, whatever was there; the folder goes last: a killed `down` can be repeated."""
    if state.folder.exists():
        store = _store(state)
        sentinel = Sentinel()
        if store.exists:
            with store.entered():
                inodes = store.inodes()
            progress("processes", 0, 1)
            kill_inside(inodes)
            store.release()
        cgroups.remove(cgroups.group_name(state.root, state.name))
        progress("kernel", 0, 1)
        sentinel.wait()  # also for what a `down` that was killed has let go of
        Ledger(state.root).release(state.name)
        state.remove()
    sweep(state.root)


def sweep(root: Path) -> None:
    """Put away what no network needs any more: sysctls, and the state directory's own mount."""
    if not root.is_dir():
        return
    ledger = Ledger(root)
    for network in ledger.networks() - set(names(root)):
        ledger.release(network)
    with locked(root / ".lock", wait=True):
        if not names(root):
            unmount_all(root)


def _result(name: str, process: subprocess.Popen[bytes], timeout: float | None) -> CommandResult:
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        return CommandResult(name, 124, output, errors + b"timed out\n")
    return CommandResult(name, process.returncode, output, errors)
