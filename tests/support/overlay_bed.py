"""Three compute hosts with light ports, a tenant's namespace and a plain VXLAN device.

Two of the hosts and the device are on one bridge; the third host is behind a router, in another subnet.

Everything but the programs and their maps is set up by iproute2. VPC 7 has 10.0.1.0/24 on the first host,
10.0.2.0/24 on the second and 10.0.3.0/24 on the third; 10.0.4.1 is the tenant's, behind the first host, and
10.0.5.1 is the plain device. VPC 8 has 10.0.7.1 on the first host and 10.0.7.2 on the second.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import numpy as np

from emulator.linux.machine.udp_segmentation import segment_udp
from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.guard import namespace_guard
from emulator.linux.netlink import bpf_filter
from emulator.linux.netlink.connection import Batch, Netlink
from emulator.linux.overlay import maps as overlay
from emulator.linux.overlay.maps import OverlayMaps
from emulator.linux.overlay.programs import Programs, load_programs
from support.overlay import HERE, SPACE, Port, add_port, device, number

VTEPS = [HERE, "172.16.0.2", "172.16.1.3"]
ROUTERS = ["172.16.0.254", "172.16.0.254", "172.16.1.254"]
PLAIN_VTEP = "172.16.0.4"
UPLINKS = [8101, 8102, 8103]
TENANT, PLAIN = Port("10.0.4.1", HERE, 8201), Port("10.0.5.1", PLAIN_VTEP, 8104)
SUPERNET = "10.0.0.0/16"
ROUTER_MACS = {"172.16.0.254": "02:fe:00:00:00:01", "172.16.1.254": "02:fe:00:00:00:02"}


def run(*words: str, timeout: float = 30) -> str:
    """Run a command that must succeed; return its output."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def ip_batch(namespace: str, *lines: str) -> None:
    words = ["ip", "-n", namespace, "-batch", "-"]
    done = subprocess.run(words, input="\n".join(lines), capture_output=True, text=True, check=False)
    assert done.returncode == 0, (namespace, done.stderr)


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Run the body in a network namespace of iproute2."""
    with namespace_guard("net"):
        descriptor = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            syscalls.setns(descriptor, syscalls.CLONE_NEWNET)
        finally:
            os.close(descriptor)
        yield


@dataclass
class NetworkBed:
    """The namespaces, by name, and the maps."""

    maps: OverlayMaps
    programs: Programs
    prefix: str = field(default_factory=lambda: f"lp{os.getpid()}")

    @property
    def hosts(self) -> list[str]:
        return [self.name(f"h{at}") for at in range(1, len(VTEPS) + 1)]

    def name(self, short: str) -> str:
        return f"{self.prefix}{short}"

    def at(self, address: str) -> str:
        """Return the namespace in which an address of VPC 7 is at first."""
        others = {TENANT.address: self.name("t"), PLAIN.address: self.name("p")}
        return others.get(address) or self.hosts[int(address.split(".")[2]) - 1]

    def execute(self, namespace: str, *words: str, timeout: float = 30) -> str:
        return run("ip", "netns", "exec", namespace, *words, timeout=timeout)

    @contextmanager
    def recording(self, namespace: str, interface: str, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Run tcpdump, and the body as soon as it listens; it ends when it has what `words` ask for."""
        with self.started(namespace, "tcpdump", "-nlvvi", interface, *words) as process:
            assert process.stderr is not None
            assert "listening on" in process.stderr.readline()
            yield process

    @contextmanager
    def started(self, namespace: str, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command beside the body; it ends with it."""
        command = ["ip", "netns", "exec", namespace, *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()

    def reaches(self, namespace: str, source: str, target: str) -> bool:
        """Return whether three of three pings are answered, within seconds even on a busy machine."""
        return self._answers(namespace, source, target, 3.0) == 3

    def is_cut_off(self, namespace: str, source: str, target: str) -> bool:
        """Return whether three of three pings are lost; the last gets some tenths of a second."""
        return self._answers(namespace, source, target, 0.15) == 0

    def _answers(self, namespace: str, source: str, target: str, wait: float) -> int:
        words = ["ping", "-n", "-c", "3", "-i", "0.02", "-W", str(wait), "-I", source, target]
        done = subprocess.run(
            ["ip", "netns", "exec", namespace, *words], capture_output=True, text=True, check=False
        )
        found = re.search(r"(\d+) received", done.stdout)
        assert found, done.stdout + done.stderr
        return int(found[1])

    def attach(self, namespace: str, index: int, *, is_uplink: bool) -> None:
        batch = Batch()
        batch.add(bpf_filter.clsact(index), "create clsact", namespace)
        incoming = self.programs.from_wire if is_uplink else self.programs.from_device
        batch.add(bpf_filter.bpf_filter(index, bpf_filter.INGRESS, incoming, "in"), "attach", namespace)
        if is_uplink:
            outgoing = bpf_filter.bpf_filter(index, bpf_filter.EGRESS, self.programs.from_stack, "out")
            batch.add(outgoing, "attach", namespace)
        with inside(namespace), Netlink() as netlink:
            netlink.run(batch)

    def mac(self, namespace: str, interface: str) -> str:
        text = self.execute(namespace, "cat", f"/sys/class/net/{interface}/address")
        return text.strip()

    def build(self) -> None:
        middle = self.name("u")
        for name in (middle, *self.hosts, self.name("t"), self.name("p")):
            run("ip", "netns", "add", name)
            ip_batch(name, "link set lo up")
        first = f"br0 address {ROUTER_MACS[ROUTERS[0]]}"
        ip_batch(
            middle, f"link add {first} type bridge", f"addr add {ROUTERS[0]}/24 dev br0", "link set br0 up"
        )
        self.execute(middle, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for at, host in enumerate(self.hosts):
            self._underlay(host, UPLINKS[at], VTEPS[at], ROUTERS[at])
            self._compute_host(host, f"10.0.{at + 1}.1")
            self._register(host, UPLINKS[at], VTEPS[at], UPLINKS[at])
            self.attach(host, UPLINKS[at], is_uplink=True)
        for host in self.hosts:
            with inside(host):
                segment_udp(["eth0"])
        self._plain()
        self._tenant()
        self._ports()

    def _underlay(self, name: str, index: int, vtep: str, router: str = ROUTERS[0]) -> None:
        ip_batch(
            name,
            f"link add eth0 index {index} type veth peer name p{index} netns {self.name('u')}",
            f"addr add {vtep}/24 dev eth0",
            "link set eth0 up",
            f"route add 172.16.0.0/16 via {router}",
        )
        if router == ROUTERS[0]:
            ip_batch(self.name("u"), f"link set p{index} master br0 up")
            return
        port = f"p{index}"
        ip_batch(
            self.name("u"),
            f"link set {port} address {ROUTER_MACS[router]} up",
            f"addr add {router}/24 dev {port}",
        )

    def _compute_host(self, name: str, source: str) -> None:
        settings = ["all.rp_filter=0", "eth0.rp_filter=0", "eth0.accept_local=1", "eth0.arp_ignore=1"]
        self.execute(name, "sysctl", "-qw", *(f"net.ipv4.conf.{setting}" for setting in settings))
        ip_batch(
            name,
            "neigh add 169.254.0.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent",
            f"route add local {SUPERNET} dev eth0 table local",
            f"route add {SUPERNET} via 169.254.0.1 dev eth0 onlink src {source} mtu lock 1450 table 100",
            f"rule add pref 10 iif lo to {SUPERNET} lookup 100",
            "rule add pref 100 lookup local",
            "rule del pref 0",
        )

    def _register(self, host: str, index: int, vtep: str, uplink: int) -> None:
        gateway = ROUTER_MACS[ROUTERS[VTEPS.index(vtep)]]
        entry = device(vtep, uplink, self.mac(host, "eth0"), gateway)
        self.maps.devices.update(struct.pack("=I", index), entry)
        self._peer(vtep, self.mac(host, "eth0"))

    def _peer(self, vtep: str, mac: str) -> None:
        self.maps.peers.update(socket.inet_aton(vtep), bytes.fromhex(mac.replace(":", "")) + bytes(2))

    def _plain(self) -> None:
        name = self.name("p")
        self._underlay(name, 8104, PLAIN_VTEP)
        for vni, address in ((7, f"{PLAIN.address}/16"), (8, "10.0.7.5/24")):
            ip_batch(
                name,
                f"link add vxlan{vni} address {PLAIN.mac} mtu 1450 "
                f"type vxlan id {vni} dstport 4789 local {PLAIN_VTEP}",
                f"link set vxlan{vni} up",
                f"addr add {address} dev vxlan{vni}",
            )
            for vtep in VTEPS:
                flood = f"00:00:00:00:00:00 dev vxlan{vni} dst {vtep}".split()
                run("bridge", "-n", name, "fdb", "append", *flood)
        self._peer(PLAIN_VTEP, self.mac(name, "eth0"))

    def _tenant(self) -> None:
        """Give the tenant's namespace one address, as any host has one: its stack asks by ARP."""
        host, name = self.hosts[0], self.name("t")
        ip_batch(
            host,
            f"link add vpc7 index {TENANT.device} mtu 1450 type veth peer name eth0 netns {name}",
            "link set vpc7 up",
        )
        ip_batch(name, "link set eth0 mtu 1450 up", f"addr add {TENANT.address}/16 dev eth0")
        self._register(host, TENANT.device, HERE, UPLINKS[0])
        self.attach(host, TENANT.device, is_uplink=False)

    def _ports(self) -> None:
        keys = overlay.page_keys(SPACE, number("10.0.0.0"), 32)
        self.maps.pages.update_batch(keys, np.arange(0, 2048, 64, dtype=np.uint32))
        self.maps.vnis.update_batch(np.array([7, 8], np.uint32), np.full(2, SPACE, np.uint32))
        for at, (uplink, vtep) in enumerate(zip(UPLINKS, VTEPS, strict=True)):
            for last in range(1, 255):
                add_port(self.maps, Port(f"10.0.{at + 1}.{last}", vtep, uplink))
            if at < 2:
                add_port(self.maps, Port(f"10.0.7.{at + 1}", vtep, uplink, vni=8))
        add_port(self.maps, TENANT)
        add_port(self.maps, PLAIN)

    def remove(self) -> None:
        for name in (*self.hosts, self.name("t"), self.name("p"), self.name("u")):
            with suppress(AssertionError):
                run("ip", "netns", "del", name)


@contextmanager
def network_bed() -> Iterator[NetworkBed]:
    """Build the bed, and remove it at the end."""
    with OverlayMaps.create(2048, 64, 16) as maps, load_programs(maps) as programs:
        bed = NetworkBed(maps, programs)
        try:
            bed.build()
            yield bed
        finally:
            bed.remove()
