"""Distrinet's nodes, links and interfaces, with what the plan asks for and Distrinet leaves out."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any, ClassVar

from mininet.cloudlink import CloudLink
from mininet.cloudswitch import LxcOVSSwitch, LxcSwitch
from mininet.link import TCIntf
from mininet.lxc_container import LxcNode

from .connection import Connection
from .results import Result
from .worker_scripts import start_ssh

Document = dict[str, Any]
_OVS_SECONDS = 60.0
_PAUSE = 0.3


class Numbers:
    """Numbers of devices on workers: Distrinet's own counters aren't thread-safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._interfaces = itertools.count(1)
        self._last = 19  # Distrinet begins with 20

    def interface(self) -> str:
        """Return the next name of a bridge on a worker."""
        with self._guard:
            return f"intf{next(self._interfaces)}"

    def tunnel(self) -> int:
        """Return the next number of a tunnel."""
        with self._guard:
            self._last += 1
            return self._last

    def next_tunnels(self, count: int) -> list[str]:
        """Return the names of the next `count` tunnels, without taking them."""
        return [f"vx_{self._last + number}" for number in range(1, count + 1)]


class _Container:
    """A node: commands by the connection's own sessions, with exit codes, instead of an echoing terminal."""

    name: str
    ssh: Connection
    targetSsh: Connection  # noqa: N815 -- Distrinet's name
    target: str
    containerInterfaces: dict[str, str]  # noqa: N815 -- Distrinet's name
    out: set[str]
    """Names of the interfaces that stay out of the switch: they would close a loop."""
    ready = False
    """True when the container runs: Distrinet configures the loopback before that."""
    bridges: ClassVar[dict[str, str]] = {}
    """The bridge on the worker that was recorded for each interface."""

    def __init__(self, *args: Any, **rest: Any) -> None:
        self.out: set[str] = set()
        self._attaching = threading.Lock()
        super().__init__(*args, **rest)

    def execute(self, text: str, given: bytes = b"") -> Result:
        """Run a shell command in the node."""
        return self.ssh.transport.run(self.ssh.host, text, given=given)

    def cmd(self, *args: Any, **_kwargs: Any) -> str:
        """Run a command in the node; return its output without an echo. Failures are collected."""
        if not self.ready:
            return ""
        words = args[0] if len(args) == 1 and isinstance(args[0], list) else args
        text = " ".join(str(word) for word in words)
        result = self.execute(text)
        self.ssh.transport.complaints.judge_node(self.name, text, result)
        return result.text + (result.errors if result.code else "")

    def pexec(self, *args: Any, **_kwargs: Any) -> tuple[str, str, int]:
        """Run a command in the node; return its output, errors and exit code."""
        words = args[0] if len(args) == 1 and isinstance(args[0], list) else args
        result = self.execute(" ".join(str(word) for word in words))
        return result.text.rstrip(), result.errors, result.code

    def addContainerInterface(self, intfName: str, brname: Any = None, **rest: Any) -> Any:  # noqa: N802, N803
        """Add an interface with the bridge that was recorded for it.

        One at a time for a container: LXD refuses a change of a container that changes.
        """
        options = {"devicename": intfName, "brname": brname or self.bridges[intfName], **rest}
        with self._attaching:
            return super().addContainerInterface(intfName, **options)  # type: ignore[misc]

    def configureContainer(self, *args: Any, **rest: Any) -> None:  # noqa: N802 -- Distrinet's name
        """Configure the container when it takes orders: Distrinet doesn't wait until its init runs."""
        self.targetSsh.cmd(start_ssh(self.name))
        super().configureContainer(*args, **rest)  # type: ignore[misc]

    def createContainerLinkCommandList(self, target1: str, target2: str, *args: Any, **rest: Any) -> Any:  # noqa: N802
        """Join two bridges of one worker once: Distrinet tries both ways, and the second fails.

        It also joins the master's administration bridge with one called `None`.
        """
        names = dict(zip(("vxlan_id", "vxlan_name", "bridge1", "bridge2"), args, strict=False)) | rest
        one, other = names["bridge1"], names["bridge2"]
        if target1 == target2 and (other is None or _number(one) > _number(other)):
            return []
        return super().createContainerLinkCommandList(target1, target2, *args, **rest)  # type: ignore[misc]


def _number(bridge: str) -> int:
    """Return the number in the name of a bridge; 0 for the administration's."""
    digits = bridge.removeprefix("intf")
    return int(digits) if digits.isdigit() else 0


class Host(_Container, LxcNode):
    """A host or a router."""


class Bridge(_Container, LxcSwitch):
    """A Linux bridge in a container: Distrinet itself has only Open vSwitch."""

    def _start(self) -> None:
        """Do nothing: Distrinet asks it of each switch."""

    def start(self, controllers: list[Any]) -> None:
        """Create the bridge with all ports."""
        del controllers
        name = self.name
        self.cmd(f"ip link add {name} type bridge mcast_snooping 0 && ip link set dev {name} up")
        for intf in self.intfList():
            if intf.name != "lo" and intf.name not in self.out:
                self.attach(intf)

    def attach(self, intf: Any) -> None:
        """Attach an interface."""
        self.cmd(f"ip link set dev {intf} master {self.name}")

    def detach(self, intf: Any) -> None:
        """Detach an interface."""
        self.cmd(f"ip link set dev {intf} nomaster")


class OpenVSwitch(_Container, LxcOVSSwitch):
    """Open vSwitch in a container, with its own controllers only."""

    given: list[str] = []  # noqa: RUF012 -- set for each switch
    _starting = False

    def start(self, controllers: list[Any]) -> None:
        """Wait until Open vSwitch runs in the container, then start the switch."""
        self._wait()
        self._starting = True
        try:
            super().start([c for c in controllers if c.name in self.given])
        finally:
            self._starting = False

    def intfList(self) -> list[Any]:  # noqa: N802 -- Distrinet's name
        """List the interfaces; during the start, only those that join."""
        found: list[Any] = super().intfList()
        return [intf for intf in found if intf.name not in self.out] if self._starting else found

    def attach(self, intf: Any) -> None:
        """Attach an interface with its port number."""
        self.vsctl("--may-exist add-port", self, intf, self.intfOpts(intf))
        self.TCReapply(intf)

    def detach(self, intf: Any) -> None:
        """Detach an interface."""
        self.vsctl("--if-exists del-port", self, intf)

    def _wait(self) -> None:
        deadline = time.monotonic() + _OVS_SECONDS
        started = False
        while self.execute("ovs-vsctl --timeout=5 show").code:
            if not started:
                started = True
                self.execute("service openvswitch-switch start")
            elif time.monotonic() > deadline:
                self.ssh.transport.complaints.add(f"{self.name}: Open vSwitch doesn't run in its container")
                return
            else:
                time.sleep(_PAUSE)


class Interface(TCIntf):
    """An interface with its MAC and MTU, which Distrinet's link ignores."""

    params: Document

    def __init__(self, *args: Any, mtu: int = 1500, **rest: Any) -> None:
        self._mtu = mtu
        self._addressed = False
        super().__init__(*args, **rest)
        self.params["up"] = None  # when its queues are applied again, it stays as it is

    def config(self, **params: Any) -> Any:
        """Set MAC and MTU, then what Distrinet sets."""
        if not self._addressed:
            self._addressed = True
            name = self.name
            self.cmd(
                f"ip link set dev {name} down && ip link set dev {name} address {self.mac} mtu {self._mtu}"
            )
        return super().config(**params)

    def shape(self, shape: Document) -> None:
        """Replace the queues; a port that is down stays down. Distrinet can't remove a shape."""
        self.node.execute(f"tc qdisc del dev {self.name} root")  # fails when there is none
        kept = {key: self.params[key] for key in ("txo",) if key in self.params}
        self.params = {**kept, **shape, "up": None}
        if shape:
            super().config(**self.params)


class Link(CloudLink):
    """A link whose tunnel's number is the one that was recorded."""

    numbers: ClassVar[Numbers] = Numbers()

    @classmethod
    def newLinkId(cls) -> int:  # noqa: N802 -- Distrinet's name
        """Return the next number."""
        return cls.numbers.tunnel()


CLASSES = {"host": Host, "bridge": Bridge, "ovs": OpenVSwitch}
