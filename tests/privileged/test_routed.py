"""Routed networks on the real kernel: who reaches whom, by which way, over which links."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import networkx as nx
import pytest
from support.command import CommandLine

from emulator.forwarding.routed import RoutedForwarding
from topologies.build import open_topology
from topologies.topology import Kind

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

ALL = ("--sample", "100000")
IPV6 = 'addressing: {ipv6: "fd00::/48"}\n'

NETWORKS = {
    "fat-tree": "forwarding: routed\ntopology: {generator: fat-tree, k: 4}\n",
    "leaf-spine": "forwarding: routed\ntopology: {generator: leaf-spine}\n" + IPV6,
    "torus": "forwarding: routed\ntopology: {generator: torus, dims: [3, 4], hosts_per_switch: 2}\n" + IPV6,
    "bcube": "forwarding: routed\ntopology: {generator: bcube, n: 4, k: 1}\n",
    "dcell": "forwarding: routed\ntopology: {generator: dcell, n: 3, k: 1}\n" + IPV6,
    "two-lans": """\
topology:
  nodes:
    h1: {ip: 192.168.1.10/24}
    h2: {}
    h3: {}
    h4: {}
    s1: {kind: switch}
    s2: {kind: switch}
    s3: {kind: switch}
    r1: {kind: router}
    r2: {kind: router}
  links: [[h1, s1], [h2, s1], [h3, s2], [h4, s3], [s2, s3], [s1, r1], [r1, s2], [r2, s3], [h2, r2]]
""",
    "static": "forwarding: routed\ntopology: {generator: ring, k: 5}\naddressing: {static_arp: true}\n",
}

PROBE = """
import json, os, socket, struct, sys
# for each address: the least time-to-live that gets an echo reply, None when there is none
def least(address, most):
    six = ":" in address
    sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, 58 if six else 1)
    sock.settimeout(0.3)
    for ttl in range(1, most + 1):
        sock.setsockopt(41 if six else 0, 16 if six else 2, ttl)
        body = struct.pack("!BBHHH", 128 if six else 8, 0, 0, os.getpid() & 0xffff, ttl)
        total = sum(struct.unpack("!4H", body))
        total = (total >> 16) + (total & 0xffff)
        body = body[:2] + struct.pack("!H", ~total & 0xffff) + body[4:]
        sock.sendto(body, (address, 0))
        while True:
            try:
                got = sock.recv(2048)
            except OSError:
                break
            at = 0 if six else (got[0] & 15) * 4
            if got[at] in (3, 11) and not six or six and got[at] in (1, 3):
                break
            if got[at] == (129 if six else 0) and got[at + 4 : at + 8] == body[4:8]:
                return ttl
    return None
print(json.dumps({a: least(a, 12) for a in sys.argv[1:]}))
"""

FLOWS = """
import socket, sys
for port in range(int(sys.argv[2])):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.sendto(b"x" * 100, (sys.argv[1], 9))
    sock.close()
"""


def up(cli: CommandLine, name: str) -> Path:
    path = cli.folder / f"{name}.yaml"
    path.write_text(f"name: {name}\n{NETWORKS[name]}")
    cli("up", path.name, code=0)
    return path


def everything_is_as_expected(cli: CommandLine, name: str) -> dict[str, int]:
    found = cli.json("check", name, *ALL)
    assert found["unexpected"] == []
    return {key: found[key] for key in ("pairs", "reachable")}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_pair_and_again_after_links_failed_and_came_back(cli: CommandLine, name: str) -> None:
    path = up(cli, name)
    topology = open_topology(path)
    hosts = len(topology.hosts)
    pairs = hosts * (hosts - 1)
    assert everything_is_as_expected(cli, name) == {"pairs": pairs, "reachable": pairs}
    passing = topology.kinds[topology.ends] != Kind.HOST
    inner = [link for link in range(topology.link_count) if passing[link].all()] or [0, 1]
    words = [[topology.names[n] for n in topology.ends[link].tolist()] for link in inner[:2]]
    for pair in words:
        cli("link", *pair, "down", code=0)
    everything_is_as_expected(cli, name)
    for pair in words:
        cli("link", *pair, "up", code=0)
    assert everything_is_as_expected(cli, name) == {"pairs": pairs, "reachable": pairs}
    cli("down", name, code=0)


@pytest.mark.parametrize("name", ["fat-tree", "torus", "bcube"])
def test_every_node_answers_after_as_many_hops_as_the_graph_says(cli: CommandLine, name: str) -> None:
    path = up(cli, name)
    topology = open_topology(path)
    forwarding = RoutedForwarding(topology)
    graph = nx.Graph(topology.ends.tolist())
    source = int(topology.hosts[0])
    far = nx.single_source_shortest_path_length(graph, source)
    expected = {}
    for node in range(topology.node_count):
        for address in forwarding.addresses(node) if node != source else ():
            if not forwarding.is_router(node) or address.port == 0xFFFE:
                together = forwarding.gateway(node) is not None and far[node] == 2
                expected[address.text] = 1 if together else far[node]
    done = cli("exec", topology.names[source], "--", sys.executable, "-c", PROBE, *expected, code=0)
    assert json.loads(done.stdout) == expected
    cli("down", name, code=0)


def test_flows_spread_over_all_equal_paths(cli: CommandLine) -> None:
    up(cli, "fat-tree")
    uplinks = {"e1": ("e1-eth3", "e1-eth4"), "a1": ("a1-eth3", "a1-eth4"), "a2": ("a2-eth3", "a2-eth4")}

    def sent() -> dict[str, int]:
        out = {}
        for node, ports in uplinks.items():
            files = [f"/sys/class/net/{port}/statistics/tx_packets" for port in ports]
            counts = cli("exec", node, "--", "cat", *files, code=0).stdout.split()
            out |= dict(zip(ports, map(int, counts), strict=True))
        return out

    target = cli("exec", "h16", "--", "ip", "-4", "-br", "address", "show", "h16-eth0", code=0).stdout
    before = sent()
    flows = 400
    cli("exec", "h1", "--", sys.executable, "-c", FLOWS, target.split()[2].split("/")[0], str(flows), code=0)
    more = {port: count - before[port] for port, count in sent().items()}
    for share, ports in ((flows // 2, uplinks["e1"]), (flows // 4, uplinks["a1"] + uplinks["a2"])):
        for port in ports:
            assert share // 2 < more[port] < share * 2, more
    cli("down", "fat-tree", code=0)


def test_routers_forward_and_hosts_do_not(cli: CommandLine) -> None:
    up(cli, "torus")
    for node, word in (("s1", "1"), ("h1", "0")):
        for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            assert (
                cli("exec", node, "--", "cat", f"/proc/sys/{key.replace('.', '/')}", code=0).stdout
                == word + "\n"
            )
    cli("down", "torus", code=0)


def test_an_address_that_nobody_has_is_refused_and_does_not_circle(cli: CommandLine) -> None:
    up(cli, "fat-tree")
    said = cli("exec", "h1", "--", "ping", "-n", "-c1", "-W1", "10.200.0.1").stdout
    assert "Net Unreachable" in said
    done = cli("exec", "h1", "--", sys.executable, "-c", PROBE, "10.200.0.1", "203.0.113.9", code=0)
    assert json.loads(done.stdout) == {"10.200.0.1": None, "203.0.113.9": None}
    cli("down", "fat-tree", code=0)


def test_a_changed_network_has_the_tables_of_a_fresh_one(cli: CommandLine) -> None:
    def tables(dims: str) -> str:
        text = f"name: t\nforwarding: routed\ntopology: {{generator: torus, dims: {dims}}}\n{IPV6}"
        (cli.folder / "t.yaml").write_text(text)
        cli("up", "t.yaml", code=0)
        shown = "ip route | sort; ip -6 route | grep -v fe80 | sort; ip address | grep 'inet.* global' | sort"
        lines = cli("exec", "*", "--", "sh", "-c", shown, code=0).stdout.splitlines()
        return "\n".join(sorted(lines, key=lambda line: line.partition(":")[0]))  # the nodes' lines mix

    fresh = tables("[4, 4]")
    assert "nexthop" in fresh
    tables("[3, 4]")
    assert tables("[4, 4]") == fresh
    for way in ("down", "up"):
        cli("link", "s1", "s2", way, code=0)
        cli("link", "h1", "s1", way, code=0)
    assert tables("[4, 4]") == fresh
    cli("down", "t", code=0)
