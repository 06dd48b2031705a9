"""Shares of a network on several machines: together they have what one machine has, joined by tunnels.

The machines are network namespaces, each with a state directory and a process that entered it alone. What the
kernel has is asked by iproute2 inside the nodes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.machines import MachineError, Machines, machines
from support.overlay import NEEDS_BPF

pytestmark = pytest.mark.privileged

LEAF_SPINE = """\
name: t
forwarding: routed
addressing: {ipv6: "fd00::/48"}
topology: {generator: leaf-spine, leaves: 2, spines: 2, hosts_per_leaf: 2}
"""
RING = "name: t\ntopology: {generator: ring, k: 3}\n"
TREE = "name: t\ntopology: {generator: tree, depth: 2, fanout: 2}\n"
OVS = "name: t\nswitch: ovs\ntopology: {generator: tree, depth: 2, fanout: 2}\n"
ASK = "ip -j address; echo =; ip -j route; echo =; ip -j -6 route; echo =; cat /proc/sys/net/ipv4/ip_forward"

REACH = "ping -q -c 1 -W 5 {}"
"""A first packet may wait for a neighbour that is asked for again only after a second."""
ROUTED_MTU = 1500
"""MTU of hosts whose router tells them of smaller ones."""
SERVE = "timeout 50 iperf3 -s -1 {} -D; until ss -ltn | grep -q :5201; do sleep 0.05; done"


@pytest.fixture
def two(state_dir: Path) -> Iterator[Machines]:
    with machines(2, state_dir) as made:
        yield made


@pytest.fixture
def three(state_dir: Path) -> Iterator[Machines]:
    with machines(3, state_dir) as made:
        yield made


def kernel_state(machine: Any) -> dict[str, Any]:
    """Return what the nodes of a machine have: interfaces with MACs and addresses, routes."""
    nodes = machine("here", name="t")
    out = {}
    for node, (code, text) in zip(nodes, machine("run", name="t", nodes=nodes, command=ASK), strict=True):
        assert code == 0, text
        links, routes, routes6, forwards = text.split("=\n")
        interfaces = {
            one["ifname"]: (
                one["address"], one["mtu"], "UP" in one["flags"], one.get("master"),
                sorted((a["local"], a["prefixlen"]) for a in one["addr_info"] if a["scope"] == "global"),
            )
            for one in json.loads(links)
        }  # fmt: skip
        hops = [
            (route["dst"], route.get("gateway"), route.get("dev"),
             sorted((str(hop.get("gateway")), hop["dev"]) for hop in route.get("nexthops", ())))
            for route in json.loads(routes or "[]") + json.loads(routes6 or "[]")
            if not str(route["dst"]).startswith("fe80") and route.get("protocol") != "kernel"
        ]  # fmt: skip
        out[node] = interfaces, sorted(map(str, hops)), forwards
    return out


def ping_all(made: Machines, hosts: list[str], size: int, *, routed: bool = False) -> None:
    """Ping every pair in both directions with packets that may not be cut; `size` is that of the packet.

    In a bridged network hosts have just this MTU: nothing there would tell them of a smaller one.
    """
    loop = f"for h in {' '.join(hosts)}; do ping -4 -q -c 1 -W 3 -M do -s {size - 28} $h || exit 1; done"
    for machine in made.machines:
        ours = [host for host in machine("here", name="t") if host in hosts]
        for code, text in machine("run", name="t", nodes=ours, command=loop):
            assert code == 0, text
        for code, text in machine("run", name="t", nodes=ours, command="cat /sys/class/net/h*/mtu"):
            assert (code, int(text)) == (0, ROUTED_MTU if routed else size)
    assert not fragments(made)


def fragments(made: Machines) -> int:
    """Return how many packets the machines cut to pieces: none, if no tunnel got more than it carries."""
    count = 0
    for machine in made.machines:
        names, values = machine.shell("grep ^Ip: /proc/thread-self/net/snmp").split("\n")[:2]
        count += int(dict(zip(names.split(), values.split(), strict=True))["FragCreates"])
        count += int(machine.shell("grep Ip6FragCreates /proc/thread-self/net/snmp6").split()[1])
    return count


@pytest.mark.parametrize(
    ("text", "placement", "hosts"),
    [
        (LEAF_SPINE, {"leaf2": 1, "h3": 1, "h4": 1, "spine2": 2}, 4),
        (RING, {"s2": 1, "h2": 1, "s3": 2, "h3": 2}, 3),
        (TREE, {"s3": 1, "h3": 1, "h4": 2}, 4),
    ],
    ids=["leaf-spine", "ring", "tree"],
)
def test_shares_have_together_what_one_machine_has(
    three: Machines, text: str, placement: dict[str, int], hosts: int
) -> None:
    assert three.up(text, placement)[0] == []
    shares = [kernel_state(machine) for machine in three.machines]
    together = {name: state for share in shares for name, state in share.items()}
    assert sum(map(len, shares)) == len(together)
    assert three.all("deviations", name="t") == [[], [], []]
    assert all(health["running"] for health in three.all("health", name="t"))
    names = [f"h{number + 1}" for number in range(hosts)]
    ping_all(three, names, 1450, routed=text == LEAF_SPINE)
    three.all("down", name="t")
    request = three.request(text, placement)
    three[0]("up", **request, share=None)
    assert together == kernel_state(three[0])
    three[0]("down", name="t")
    for machine in three.machines:
        assert machine("taken") == []
        assert "vxlan" not in machine.shell("ip -d link")


def test_tunnels_carry_tcp_in_frames_of_the_wire(two: Machines) -> None:
    """Without segmentation offload each packet crosses as a frame: a wrong MTU would stop TCP."""
    two.up(TREE, {"s3": 1, "h3": 1, "h4": 1})
    off = "for d in $(ls /sys/class/net | grep eth); do ethtool -K $d gso off tso off gro off; done"
    for machine in two.machines:
        nodes = machine("here", name="t")
        assert all(code == 0 for code, _ in machine("run", name="t", nodes=nodes, command=off))
    assert two[1]("run", name="t", nodes=["h3"], command=SERVE.format(""))[0][0] == 0
    ((code, text),) = two[0]("run", name="t", nodes=["h1"], command="iperf3 -c h3 -n 32M -J")
    assert code == 0, text
    received = json.loads(text)["end"]["sum_received"]["bytes"]  # up to the moment when all was sent
    assert received > 16_000_000
    assert not fragments(two)


def test_a_tunnel_goes_down_and_up_and_is_repaired(two: Machines) -> None:
    """s1 -- s3 is link 1 of the tree and a tunnel; both machines bring their own ends down."""
    two.up(TREE, {"s3": 1, "h3": 1, "h4": 1})
    reach = {"name": "t", "nodes": ["h1"], "command": REACH.format("h3")}
    cut = {**reach, "command": "ping -q -c 1 -W 1 h3"}
    two.all("link", name="t", link=1, up=False)
    assert two[0]("run", **cut)[0][0] != 0
    assert two.all("deviations", name="t") == [[], []]
    two.all("link", name="t", link=1, up=True)
    assert two[0]("run", **reach)[0][0] == 0
    two.all("link", name="t", link=1, bandwidth=5e6)
    ((_, queues),) = two[1]("run", name="t", nodes=["s3"], command="tc qdisc show dev s3-eth1")
    assert "rate 5Mbit" in queues, queues
    two[1]("run", name="t", nodes=["s3"], command="ip link del s3-eth1")
    assert two[0]("run", **cut)[0][0] != 0
    assert two.all("deviations", name="t") == [[], ["link s1 -- s3 is missing"]]
    assert two[1]("repair", name="t")
    assert two[0]("run", **reach)[0][0] == 0
    assert two.all("deviations", name="t") == [[], []]


def test_another_wire_in_a_tunnels_place_is_found(two: Machines) -> None:
    two.up(TREE, {"s3": 1, "h3": 1, "h4": 1})
    wrong = "ip link del s3-eth1 && ip link add s3-eth1 index 134217740 type veth"
    assert two[1]("run", name="t", nodes=["s3"], command=wrong)[0][0] == 0
    assert any("link s1 -- s3" in words for words in two[1]("deviations", name="t"))
    two[1]("repair", name="t")
    assert two[1]("deviations", name="t") == []
    assert two[0]("run", name="t", nodes=["h1"], command=REACH.format("h3"))[0][0] == 0


def test_stress_sessions_remove_and_restore_both_ends(two: Machines) -> None:
    """What a session does on each machine is together what it does to one network."""
    two.up(LEAF_SPINE, {"leaf2": 1, "h3": 1, "h4": 1})
    before = [kernel_state(machine) for machine in two.machines]
    names = two[0]("run", name="t", nodes=["h1"], command="ip -j route")
    two.all("session", name="t", call="begin")
    for link in range(4, 8):  # the fabric: each leaf to each spine
        two.all("session", name="t", call="remove_link", args=[link])
        two.all("session", name="t", call="add_link", args=[link])
    spine = 0
    two.all("session", name="t", call="remove_node", args=[spine])
    two.all("session", name="t", call="add_node", args=[spine])
    two.all("session", name="t", call="remove_link", args=[6])
    two.all("session", name="t", call="end")  # restores the last one
    assert two.all("deviations", name="t") == [[], []]
    assert [kernel_state(machine) for machine in two.machines] == before
    assert names == two[0]("run", name="t", nodes=["h1"], command="ip -j route")
    ping_all(two, ["h1", "h2", "h3", "h4"], 1450, routed=True)


def test_a_changed_placement_moves_nodes_between_shares(two: Machines) -> None:
    two.up(TREE, {"s3": 1, "h3": 1, "h4": 1})
    said = two.up(TREE, {"s3": 1, "h3": 1, "h4": 0})
    assert any("added 1 node: h4" in line for line in said[0])
    assert any("removed 1 node: h4" in line for line in said[1])
    assert two.all("deviations", name="t") == [[], []]
    ping_all(two, ["h1", "h2", "h3", "h4"], 1450)
    assert two.up(TREE, {"s3": 1, "h3": 1, "h4": 0}) == [[], []]
    more = TREE.replace("fanout: 2", "fanout: 3")
    two.up(more, {"s3": 1, "h4": 1, "h5": 1})
    assert two.all("deviations", name="t") == [[], []]
    ping_all(two, [f"h{n}" for n in range(1, 10)], 1450)


def test_neighbours_learned_of_other_machines_are_forgotten(two: Machines) -> None:
    """A node before h3 in the file changes the MAC of h3. Nothing of the first machine changes."""
    text = (
        "name: t\ntopology: {{nodes: {{h1: {{}}, s1: {{kind: switch}}, {}h3: {{}}, s2: {{kind: switch}}}}, "
        "links: [[h1, s1], [s1, s2], [h3, s2]{}]}}\n"
    )
    two.up(text.format("", ""), {"s2": 1, "h3": 1})
    ping = {"name": "t", "nodes": ["h1"], "command": f"{REACH.format('h3')} && ip neigh"}
    ((code, before),) = two[0]("run", **ping)
    assert code == 0
    said = two.up(text.format("s3: {kind: switch}, ", ", [s3, s2]"), {"s2": 1, "h3": 1, "s3": 1})
    assert said[0] == []
    assert any(line.startswith("h3: MAC") for line in said[1])
    ((code, after),) = two[0]("run", **ping)
    assert code == 0, (before, after)
    assert two.all("deviations", name="t") == [[], []]


def test_switches_of_open_vswitch_share_tunnels_too(two: Machines) -> None:
    two.up(OVS, {"s3": 1, "h3": 1, "h4": 1, "h2": 1})
    assert two.all("deviations", name="t") == [[], []]
    ping_all(two, ["h1", "h2", "h3", "h4"], 1450)
    assert two[1]("run", name="t", nodes=["h3"], command=SERVE.format(""))[0][0] == 0
    ((code, text),) = two[0]("run", name="t", nodes=["h1"], command="iperf3 -c h3 -n 200K -J")
    assert code == 0, text


def test_taken_vnis_are_refused_by_name(two: Machines) -> None:
    placement = {"s3": 1, "h3": 1, "h4": 1}
    two[0].shell("ip link add flannel.1 type vxlan id 100 dstport 4789 local 10.99.0.1 dev under0")
    with pytest.raises(MachineError, match=r"flannel\.1 has VNI 100 on UDP port 4789"):
        two.up(TREE, placement)
    two[0].shell("ip link del flannel.1")
    two.up(TREE, placement)
    with pytest.raises(MachineError, match="network `t` has VNI 100 on UDP port 4789"):
        two.up(TREE.replace("name: t", "name: u"), placement)
    assert two[0]("taken") == [{"holder": "network `t`", "port": 4789, "first": 100, "count": 1}]
    two.up(TREE.replace("name: t", "name: u"), placement, port=4790)
    two.up(TREE.replace("name: t", "name: v"), placement, vni=101)
    for name in "tuv":
        assert two[0]("run", name=name, nodes=["h1"], command=REACH.format("h4"))[0][0] == 0


def test_devices_that_are_not_visible_are_known_by_their_port(two: Machines) -> None:
    """As with Docker swarm: a device in a namespace of its own, with a socket in the machine's."""
    placement = {"s3": 1, "h3": 1, "h4": 1}
    inside = "until [ $(readlink /proc/$!/ns/net) != $(readlink /proc/self/ns/net) ]; do sleep 0.05; done"
    holder = two[0].shell(f"unshare --net sleep 60 >/dev/null 2>&1 & {inside}; echo $!").strip()
    try:
        two[0].shell(f"ip link add vx9 type vxlan id 7 dstport 4789 && ip link set vx9 netns {holder}")
        two[0].shell(f"nsenter --net=/proc/{holder}/ns/net ip link set vx9 up")
        with pytest.raises(MachineError, match="UDP port 4789 is used by another program"):
            two.up(TREE, placement)
        assert two[0]("taken") == [{"holder": "another program", "port": 4789, "first": 0, "count": 1 << 24}]
        two.up(TREE, placement, port=4790)
    finally:
        two[0].shell(f"kill {holder}")
    assert two[0]("run", name="t", nodes=["h1"], command=REACH.format("h4"))[0][0] == 0


def test_an_underlay_that_is_not_here_is_refused(two: Machines) -> None:
    placement = {"s3": 1, "h3": 1, "h4": 1}
    with pytest.raises(MachineError, match=r"10\.99\.0\.7 of w1 is no address of this machine"):
        two.up(TREE, placement, addresses={"w1": "10.99.0.7", "w2": "10.99.0.2"})
    with pytest.raises(MachineError, match="eno7"):
        two.up(TREE, placement, devices={"w1": "eno7"})
    two[0].shell("ip link set under0 mtu 1400")
    with pytest.raises(MachineError, match="MTU is 1,400 instead of 1,500"):
        two.up(TREE, placement)
    two[0].shell("ip link set under0 mtu 1500")
    two.up(TREE, placement, devices={"w1": "under0", "w2": "under0"})
    assert two.all("deviations", name="t") == [[], []]
    ping_all(two, ["h1", "h4"], 1450)


def test_an_ipv6_underlay_carries_20_bytes_less(state_dir: Path) -> None:
    with machines(2, state_dir, ipv6=True) as two:
        two.up(TREE, {"s3": 1, "h3": 1, "h4": 1})
        ping_all(two, ["h1", "h4"], 1430)
        assert two.all("deviations", name="t") == [[], []]


def test_a_machine_killed_while_it_makes_its_share_leaves_nothing_after_down(two: Machines) -> None:
    big = TREE.replace("fanout: 2", "fanout: 8")
    half = {f"s{n}": 1 for n in range(6, 10)} | {f"h{n}": 1 for n in range(33, 65)}
    request = two.request(big, half)
    for share, seconds in ((0, 0.15), (1, 0.3), (0, 0.6)):
        machine = two[share]
        machine.killed_during("up", seconds, **request, share=share)
        machine("down", name="t")
        assert machine("taken") == []
    two.up(big, half)
    assert two.all("deviations", name="t") == [[], []]


VPC = """\
name: t
forwarding: routed
topology: {{generator: vpc, vpcs: 2, ports: 4, hosts: 2, overlap: {overlap}}}
"""
ON_H2 = {"h2": 1, "v1s1p2": 1, "v1s1p4": 1, "v2s1p1": 1, "v2s1p3": 1}
ADDRESS = {f"v1s1p{port}": f"10.0.0.{port + 1}" for port in range(1, 5)}


@NEEDS_BPF
@pytest.mark.parametrize("overlap", ["false", "true"])
def test_a_vpc_spans_machines(two: Machines, overlap: str) -> None:
    """A light port's packet crosses in two tunnels, one in the other: 1,500 - 50 - 50 bytes."""
    two.up(VPC.format(overlap=overlap), ON_H2)
    assert two.all("deviations", name="t") == [[], []]
    assert [health["nodes"] for health in two.all("health", name="t")] == [9, 5]
    ping = "ping -q -c 1 -W {} -M do -I {} -s {} {}"

    def reaches(source: str, target: str, size: int = 1372, wait: int = 5) -> bool:
        command = ping.format(wait, ADDRESS[source], size, ADDRESS[target])
        machine = two[ON_H2.get(source, 0)]
        return bool(machine("run", name="t", nodes=[source], command=command)[0][0] == 0)

    assert reaches("v1s1p1", "v1s1p2")
    assert reaches("v1s1p2", "v1s1p3")
    assert not reaches("v1s1p1", "v1s1p2", 1373, wait=1)
    client = "iperf3 -c 10.0.0.3 -B 10.0.0.2 -n 4M -J"
    two[1]("run", name="t", nodes=["v1s1p2"], command=SERVE.format("-B 10.0.0.3"))
    ((code, text),) = two[0]("run", name="t", nodes=["v1s1p1"], command=client)
    assert code == 0, text
    two.all("link", name="t", link=7, up=False)  # that of v1s1p2
    assert not reaches("v1s1p1", "v1s1p2", wait=1)
    two.all("link", name="t", link=7, up=True)
    assert reaches("v1s1p1", "v1s1p2")
    two.all("migrate", name="t", port="v1s1p1", host="h2")
    command = ping.format(5, "10.0.0.4", 1372, "10.0.0.2")
    assert two[0]("run", name="t", nodes=["v1s1p3"], command=command)[0][0] == 0
    assert two.all("deviations", name="t") == [[], []]
