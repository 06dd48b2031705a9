"""Ethernet frames that carry ARP (RFC 826), sent from ports by a task (`stress.tasks.frames`)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from emulator.errors import UnableError
from emulator.tasks import Task
from stress.actions.action_context import ActionContext, SkippedError
from stress.actions.plan_context import PlanContext
from stress.targets import Target
from topologies.identifiers import interface_name, mac
from topologies.topology import Topology

BROADCAST = b"\xff" * 6
_ETHERTYPE_ARP = 0x0806
_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
REQUEST = 1


class Speaker(NamedTuple):
    """Sender of ARP: a port's MAC and IPv4 address."""

    mac: bytes
    ip: bytes


def arp(sender: Speaker, asked: bytes) -> bytes:
    """Return the broadcast request "who has `asked`? tell `sender`", 42 bytes.

    Asking for one's own address is a gratuitous ARP (RFC 5227, section 3): it tells switches and
    neighbours where the MAC is.
    """
    header = _ETHERNET.pack(BROADCAST, sender.mac, _ETHERTYPE_ARP)
    return header + _ARP.pack(1, 0x0800, 6, 4, REQUEST, sender.mac, sender.ip, bytes(6), asked)


def full_hosts(topology: Topology) -> npt.NDArray[np.int64]:
    """Return the hosts that have a port of their own in the kernel, ascending: all but light ones."""
    hosts = topology.hosts
    return hosts[~topology.light[hosts]]


def without_light(context: PlanContext, targets: Sequence[Target], words: str) -> list[Target]:
    """Return the ports of full nodes among `targets`; ParameterError with `words` when there are none."""
    light = context.topology.light
    found = [target for target in targets if not light[target.number]]
    if not found:
        raise context.error("target", f"matches light ports only: {words}; choose hosts with interfaces")
    return found


class Senders:
    """Sender of frames from ports, for the duration of a step."""

    def __init__(self, context: ActionContext) -> None:
        self._topology = context.network.topology
        self._task = context.network.access.start(Task("stress.tasks.frames:FrameSenders"))

    def send(self, target: Target, frame: bytes, times: int = 1) -> None:
        """Send a frame from a port; skipped when the port is down or gone."""
        interface = interface_name(self._topology, target.number, target.port)
        request = {"node": target.number, "interface": interface, "frame": frame.hex(), "times": times}
        if not self._task.ask(request):
            raise SkippedError("the port is down or gone")

    def close(self) -> None:
        """End the task."""
        self._task.stop()


def speaker(context: ActionContext, topology: Topology, target: Target) -> Speaker:
    """Return the speaker on a host's port; UnableError when it has no IPv4 address."""
    for text in context.network.addresses(target.number):
        if ":" not in text:
            return Speaker(mac(topology, target.number, target.port), socket.inet_aton(text))
    raise UnableError(f"{topology.names[target.number]} has no IPv4 address to ask from")
