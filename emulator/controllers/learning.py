"""Learning controller: each switch learns the port behind which a MAC address is.

Run as `python -m emulator.controllers.learning --listen PORT`, it listens on 127.0.0.1. It needs no
package, and takes any number of switches: Open vSwitch's own test controller takes 16
(MAX_SWITCHES in utilities/ovs-testcontroller.c).

A switch asks once about each address that it hasn't seen. It then knows the port of the address, and
floods by itself what it has no port for. (A switch that speaks only version 1.0 has no second table for
this, and asks about every pair.) When a port goes down, all switches forget the addresses behind it at
once, so that frames find another way without waiting. Cut the loops of a graph by a spanning tree
beforehand, as for learning bridges.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from emulator.controllers import openflow
from emulator.controllers.openflow import HEADER, V10, Type

_LOCAL = bytes.fromhex("0180c20000")
"""Frames for these (IEEE 802.1D, table 7-10) are the switch's own business: never passed on."""


class Learner:
    """The connected switches, which forget addresses together."""

    def __init__(self) -> None:
        self.switches: set[Switch] = set()

    def forget(self, macs: set[bytes]) -> None:
        """Make all switches forget where `macs` are."""
        for switch in self.switches:
            switch.forget(macs)


class Switch(asyncio.Protocol):
    """One switch's connection, and the port of each address."""

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._heard = b""
        self._answers: list[bytes] = []
        self._version = 0
        self._transport: asyncio.Transport
        self.ports: dict[bytes, int] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send hello."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 -- of a TCP server
        self._transport = transport
        self._learner.switches.add(self)
        transport.write(openflow.hello())

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the switch."""
        del exc
        self._learner.switches.discard(self)

    def data_received(self, data: bytes) -> None:
        """Handle each complete message in the received bytes."""
        heard = self._heard + data
        at = 0
        while len(heard) - at >= HEADER.size:
            length = int.from_bytes(heard[at + 2 : at + 4], "big")
            if length < HEADER.size:
                self._transport.abort()
                return
            if len(heard) - at < length:
                break
            self._take(heard[at : at + length])
            at += length
        self._heard = heard[at:]
        self._flush()

    def _take(self, heard: bytes) -> None:
        kind = heard[1]
        if kind == Type.HELLO:
            self._begin(heard)
        elif not self._version:
            self._transport.abort()
        elif kind == Type.ECHO_REQUEST:
            xid = int.from_bytes(heard[4:8], "big")
            self._answer(openflow.message(self._version, Type.ECHO_REPLY, heard[8:], xid))
        elif kind == Type.PACKET_IN:
            frame = openflow.frame_in(heard)
            if frame is not None:
                self._forward(frame)
        elif kind == Type.PORT_STATUS:
            lost = openflow.lost_port(heard)
            if lost is not None:
                self._learner.forget({mac for mac, port in self.ports.items() if port == lost})

    def _begin(self, heard: bytes) -> None:
        version = openflow.common_version(heard)
        if version is None:
            sys.stderr.write(f"a switch speaks none of {', '.join(openflow.VERSIONS)}\n")
            self._transport.abort()
            return
        self._version = version
        features = openflow.message(version, Type.FEATURES_REQUEST)
        self._answer(features + openflow.greeting(version))

    def _forward(self, frame: openflow.Frame) -> None:
        destination, source = frame.data[:6], frame.data[6:12]
        if destination[:5] == _LOCAL and destination[5] < 0x10:
            return
        if not source[0] & 1:
            known = self.ports.get(source)
            if known not in (None, frame.port):
                self._delete(source)  # it moved
            self.ports[source] = frame.port
        if self._version != V10:
            if not source[0] & 1:
                self._answer(openflow.learned_flows(self._version, source, frame.port))
            self._answer(openflow.send_frame(self._version, frame))
            return
        out = self.ports.get(destination)
        if out == frame.port:
            return  # it is on that side: flooded here by a switch that doesn't know it yet
        if out is not None or destination[0] & 1:
            self._answer(openflow.pair_flow(frame.port, source, destination, out))
        self._answer(openflow.send_frame(self._version, frame, out))

    def forget(self, macs: set[bytes]) -> None:
        """Forget the addresses of `macs` that this switch knows, and delete their flows at once."""
        for mac in macs.intersection(self.ports):
            del self.ports[mac]
            self._delete(mac)
        self._flush()

    def _delete(self, mac: bytes) -> None:
        self._answer(openflow.delete_flows(self._version, mac))

    def _answer(self, words: bytes) -> None:
        self._answers.append(words)

    def _flush(self) -> None:
        """Send all answers at once: a system call for each would cost more than all the rest."""
        if self._answers:
            self._transport.write(b"".join(self._answers))
            self._answers.clear()


async def serve(port: int) -> None:
    """Listen on 127.0.0.1:`port` until SIGTERM."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    learner = Learner()
    server = await loop.create_server(lambda: Switch(learner), "127.0.0.1", port, backlog=1024)
    await ended.wait()
    server.close()


def main() -> None:
    """Run the controller until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m emulator.controllers.learning")
    parser.add_argument("--listen", type=int, required=True)
    asyncio.run(serve(parser.parse_args().listen))


if __name__ == "__main__":
    main()
