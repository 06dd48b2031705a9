"""The plan of light ports: compute hosts, tenants' namespaces, addresses, forwarding."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Address
from itertools import combinations

import numpy as np
import pytest
from support.topologies import made

from emulator.cli.plan_text import plan_lines, sample_lines
from emulator.forwarding.overlay import OverlayForwarding
from emulator.forwarding.reach import Reach
from emulator.forwarding.routed import RoutedForwarding
from emulator.overlay.light_ports import LightPorts
from emulator.overlay.plan import OVERHEAD, Overlay
from emulator.overlay.summary import light_summary
from emulator.plan import Plan, make_plan
from emulator.summary import sample, summary
from topologies.identifiers import mac

OVERLAP = {"generator": "vpc", "vpcs": 3, "ports": 5, "hosts": 4, "overlap": True}
APART = {"generator": "vpc", "vpcs": 3, "subnets": 2, "ports": 5, "hosts": 4}


def planned(topology: dict[str, object], **keys: object) -> tuple[Plan, Overlay]:
    plan = make_plan(made(topology, **keys), "netns")
    assert plan.overlay is not None
    return plan, plan.overlay


def test_a_network_without_light_nodes_has_no_overlay() -> None:
    plan = make_plan(made({"generator": "single"}), "netns")
    assert plan.overlay is None
    assert plan.full is plan


UNDERLAY_MTU = [{"match": {"between": ["host", "switch"]}, "mtu": 1400}]


@pytest.mark.parametrize("forwarding", ["bridged", "routed"])
def test_compute_hosts_are_what_the_plan_of_full_nodes_says(forwarding: str) -> None:
    plan, overlay = planned(APART, forwarding=forwarding, links=UNDERLAY_MTU)
    underlay = plan.full
    assert list(overlay.hosts) == underlay.topology.carriers.tolist()
    for node, host in overlay.hosts.items():
        assert str(IPv4Address(host.vtep)) in {one.text for one in underlay.forwarding.addresses(node)}
        (end,) = underlay.topology.incident(node)
        assert host.mac == mac(underlay.topology, node, end.port)
        assert host.mtu == 1400 - OVERHEAD
    assert len({host.uplink for host in overlay.hosts.values()}) == len(overlay.hosts)
    assert len({host.vtep for host in overlay.hosts.values()}) == len(overlay.hosts)


def test_the_next_hop_of_a_compute_host_is_the_router_at_its_link() -> None:
    plan, overlay = planned(APART, forwarding="routed")
    topology = plan.full.topology
    for node, host in overlay.hosts.items():
        (end,) = topology.incident(node)
        leaf = int(topology.ends[end.link, 1 - end.end])
        ours = {mac(topology, leaf, port) for _, _, port in topology.incident(leaf)}
        assert host.gateway in ours | {mac(topology, leaf, 0xFFFF)}


def test_a_bridged_underlay_is_one_subnet_without_a_next_hop() -> None:
    _, overlay = planned(APART)
    assert {host.gateway for host in overlay.hosts.values()} == {b""}
    (length,) = {host.length for host in overlay.hosts.values()}
    assert len({host.vtep >> (32 - length) for host in overlay.hosts.values()}) == 1


def test_namespaces_of_tenants_are_only_where_equal_addresses_meet() -> None:
    assert planned(APART)[1].tenants == ()
    plan, overlay = planned(OVERLAP)
    ports, names = overlay.ports, plan.topology.names
    by_host: dict[int, set[int]] = {}
    for host, vpc in zip(ports.host.tolist(), ports.vpc.tolist(), strict=True):
        by_host.setdefault(host, set()).add(vpc)
    assert {len(own) for own in by_host.values()} == {3}
    assert [(one.host, one.space) for one in overlay.tenants] == sorted(
        (host, space) for host in by_host for space in range(3)
    )
    assert len({one.device for one in overlay.tenants}) == len(overlay.tenants)
    assert not {one.device for one in overlay.tenants} & {h.uplink for h in overlay.hosts.values()}
    for row in range(len(ports)):
        tenant = overlay.tenants[overlay.tenant[row]]
        assert (tenant.host, tenant.space) == (ports.host[row], ports.space[row])
        assert overlay.device[row] == tenant.device
        assert overlay.file_behind(int(overlay.device[row])) == tenant.file
        assert plan.namespaces.file(ports.first + row) == tenant.file
        assert tenant.file.startswith(f".{names[tenant.host]}.")
    assert set(overlay.spaces_of_host.values()) == {-1}


def test_one_vpc_on_a_host_stays_in_the_hosts_namespace() -> None:
    plan, overlay = planned(OVERLAP | {"vpcs": 2, "hosts": 4, "ports": 4, "spread": "packed"})
    assert overlay.tenants == ()
    assert sorted(set(overlay.spaces_of_host.values())) == [0, 1]
    ports = overlay.ports
    for row in range(len(ports)):
        host = int(ports.host[row])
        assert overlay.device[row] == overlay.hosts[host].uplink
        assert plan.namespaces.file(ports.first + row) == plan.topology.names[host]
        assert overlay.vtep[row] == overlay.hosts[host].vtep


def test_a_host_with_equal_addresses_does_not_touch_the_others() -> None:
    nodes = {"s": {"kind": "switch"}, "c1": {}, "c2": {}} | {
        name: {"fidelity": "light", "vpc": vpc} for name, vpc in (("a", "x"), ("b", "y"), ("c", "x"))
    }
    links = [["c1", "s"], ["c2", "s"], ["a", "c1"], ["b", "c1"], ["c", "c2"]]
    plan, overlay = planned({"nodes": nodes, "links": links}, vpcs={"x": "10.0.0.0/24", "y": "10.0.0.0/16"})
    names = plan.topology.names
    assert [(names[one.host], one.space) for one in overlay.tenants] == [("c1", 0), ("c1", 1)]
    assert {names[host]: space for host, space in overlay.spaces_of_host.items()} == {"c1": -1, "c2": 0}


def test_rows_are_those_of_single_ports() -> None:
    nodes = {"p": {"fidelity": "light", "mac": "02:00:00:00:00:09"}, "c": {}, "s": {"kind": "switch"}}
    topology = made({"compose": {
        "a": OVERLAP, "b": {"nodes": nodes, "links": [["p", "c"], ["c", "s"]]},
    }})  # fmt: skip
    ports, vpcs = LightPorts(topology), topology.vpcs
    assert vpcs is not None
    for row in range(len(ports)):
        node = ports.first + row
        vpc = vpcs.vpc_of(node)
        assert vpc == ports.vpc[row]
        assert ports.vni[row] == vpcs.vni(int(ports.vpc[row]))
        assert ports.address[row] == vpcs.addresses[node]
        own = topology.explicit.get(node)
        want = own.macs[0][1] if own and own.macs else vpcs.mac(node).hex(":")
        assert bytes(ports.mac[row]).hex(":") == want
        (end,) = topology.incident(node)
        assert ports.link[row] == end.link
        assert ports.rows_of_links(np.array([end.link])).tolist() == [row]
        assert topology.ends[end.link, 1 - end.end] == ports.host[row]
        assert topology.ports[end.link, 1 - end.end] == ports.host_port[row]
    for a, b in combinations(range(len(ports)), 2):
        assert ports.vpc[a] != ports.vpc[b] or bytes(ports.mac[a]) != bytes(ports.mac[b])
    assert len(set(ports.key.tolist())) == len(ports)


@pytest.mark.parametrize("forwarding", ["bridged", "routed"])
def test_columns_of_forwarding_are_the_rows_of_single_nodes(forwarding: str) -> None:
    plan, _ = planned(APART, forwarding=forwarding)
    found = plan.forwarding
    assert isinstance(found, OverlayForwarding)
    nodes = np.arange(plan.topology.node_count)
    for some in (nodes, nodes[::3], nodes[plan.topology.full.node_count :], nodes[:0], nodes[:5]):
        columns = found.address_columns(some)
        for row, node in enumerate(some.tolist()):
            assert columns.of(row) == found.addresses(node)
    first = plan.topology.full.node_count
    assert {len(found.routes(node)) + len(found.neighbours(node)) for node in nodes[first:].tolist()} == {0}
    assert not any(found.has_bridge(node) or found.is_router(node) for node in nodes[first:].tolist())
    for node in range(first):
        assert found.routes(node) == plan.full.forwarding.routes(node)
        assert found.addresses(node) == plan.full.forwarding.addresses(node)
    assert found.roles.shape == plan.topology.ends.shape


def test_links_of_light_ports_that_go_down_leave_the_forwarding_of_full_nodes() -> None:
    plan, overlay = planned(APART, forwarding="routed")
    up = plan.links_up.copy()
    up[int(overlay.ports.link[3])] = False
    after = plan.with_links(up)
    assert after.full is plan.full
    assert after.ports_up.tolist() == [row != 3 for row in range(len(overlay.ports))]


def test_compute_hosts_reach_each_other_in_the_underlay() -> None:
    plan, overlay = planned(APART, forwarding="routed")
    reach = Reach(RoutedForwarding(plan.full.topology))
    for a, b in combinations(overlay.hosts, 2):
        address = next(one.text for one in plan.full.forwarding.addresses(b))
        assert reach.answers(a, b, address)


def test_a_plan_says_vpcs_ports_and_what_equal_addresses_cost() -> None:
    plan, overlay = planned(OVERLAP)
    said, each = light_summary(overlay.ports, plan.engine), Counter(overlay.ports.host.tolist())
    assert (said["ports"], said["compute_hosts"], said["ports_per_host"]) == (
        15, 4, {"least": min(each.values()), "most": max(each.values())},
    )  # fmt: skip
    assert said["vpcs"][2] == {"name": "v3", "vni": 3, "ports": 5, "subnets": ["10.0.0.0/29"]}
    assert said["tenants"]["namespaces"] == len(overlay.tenants) == 12
    assert said["tenants"]["compute_hosts"] == 4
    one = made(OVERLAP | {"vpcs": 1, "ports": 15})
    more = plan.counts.memory.sum() - make_plan(one, "netns").counts.memory.sum()
    assert more == said["tenants"]["memory_bytes"]
    assert plan.seconds - make_plan(one, "netns").seconds == pytest.approx(
        said["tenants"]["seconds"], abs=1e-3
    )


def test_the_text_of_a_plan_has_a_line_for_vpcs_and_one_for_namespaces() -> None:
    plan, _ = planned(OVERLAP | {"vpcs": 6, "ports": 8})
    lines = list(plan_lines(summary(plan) | {"seconds": {"total": 0.0}}))
    assert "  vpcs        v1, v2, v3, v4 … v6: 48 ports on 4 compute hosts, 12 on each" in lines
    (line,) = (line for line in lines if line.startswith("  namespaces  "))
    where = "as VPCs with equal addresses meet on 4 compute hosts"
    assert line[14:] == f"24 more, {where}: 8.0 MiB and 0.0 s of these"
    lines = list(
        plan_lines(
            summary(planned(APART | {"ports": 6, "spread": "packed", "hosts": 5})[0])
            | {"seconds": {"total": 0.0}}
        )
    )
    assert "  vpcs        v1, v2, v3: 36 ports on 5 compute hosts, 7 to 8 on each" in lines
    assert not any("namespaces" in line for line in lines)


def test_single_nodes_of_a_plan_show_what_will_run() -> None:
    plan, overlay = planned(OVERLAP)
    shown = {node["name"]: node for node in sample(plan)["nodes"]}
    port, host = shown["v1s1p1"], shown["h1"]
    assert [one["mac"] for one in port["ports"]] == [bytes(overlay.ports.mac[0]).hex(":")]
    assert port["addresses"] == [{"port": "v1s1p1", "address": "10.0.0.2/29"}]
    assert len(host["ports"]) == 1
    carried = overlay.ports.host.tolist().count(plan.topology.names.find("h1"))
    assert host["light_ports"] == carried
    lines = list(sample_lines(sample(plan)))
    assert "v1s1p1  host, light, of VPC v1, on w1" in lines
    assert f"h1  host, full, on w1, {carried} light ports" in lines
