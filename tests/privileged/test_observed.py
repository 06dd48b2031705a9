"""What is changed by hand inside nodes: `status NAME` names it, `up` of the same file repairs exactly that.

The state before and after is read by `ip -j` and `tc -j`, none of it through our own netlink code.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.command import CommandLine

from emulator.engines.registry import attach

pytestmark = [pytest.mark.e2e, pytest.mark.privileged]

BRIDGED = """\
name: n
topology: {generator: ring, k: 3, hosts_per_switch: 1}
links:
  - {match: {between: [h1, s1]}, bandwidth: 10 Mbit}
"""
STATIC = "name: n\naddressing: {static_arp: true}\ntopology: {generator: single, hosts: 3}\n"
ROUTED = (
    "name: n\nforwarding: routed\n"
    "topology: {generator: leaf-spine, leaves: 2, spines: 2, hosts_per_leaf: 1}\n"
)
ROUTED6 = ROUTED + "addressing: {ipv6: fd00::/48}\n"
OVS = "name: n\nswitch: ovs\ntopology: {generator: linear, k: 2, hosts_per_switch: 1}\n"
OVS_USER = OVS + "openflow: {datapath: userspace}\n"
OVS_TREE = OVS + "openflow: {flows: tree}\n"
LEARNING = OVS + "openflow: {controller: learning}\n"
LEARNING10, LEARNING14, OVS15 = (
    OVS + f"openflow: {{{words}}}\n"
    for words in (
        "controller: learning, protocols: [OpenFlow10]",
        "controller: learning, protocols: [OpenFlow10, OpenFlow14]",
        "protocols: [OpenFlow15]",
    )
)

# what is done in a node, and a word that `status` must say of it
SHOWN = (
    "ip -j -d link show", "ip -j addr show", "ip -j -4 route show", "ip -j -6 route show",
    "ip -j neigh show nud permanent", "tc -j qdisc show", "ip -j -4 rule show", "ip -j -6 rule show",
    "bridge -j -d link show",
)  # fmt: skip
BY_HAND: list[tuple[str, str, str, str]] = [
    (BRIDGED, "s1", "link set s1-eth1 down", "port s1-eth1 is down"),
    (BRIDGED, "h1", "link set h1-eth0 down", "port h1-eth0 is down"),
    (BRIDGED, "h1", "addr flush dev h1-eth0", "address 10.0.0.1/8"),
    (BRIDGED, "h1", "route del 10.0.0.0/8", "route 10.0.0.0/8"),
    (BRIDGED, "h1", "link del h1-eth0", "link s1 -- h1 is missing"),
    (BRIDGED, "h1", "link set h1-eth0 name x", "link s1 -- h1 is missing"),
    (BRIDGED, "s2", "link set s2-eth1 nomaster", "s2-eth1"),
    (BRIDGED, "h1", "link set h1-eth0 mtu 1400", "MTU of h1-eth0"),
    (BRIDGED, "h1", "link set h1-eth0 address 02:aa:00:00:00:01", "MAC of h1-eth0"),
    (BRIDGED, "s1", "link set s1 down", "bridge s1"),
    (BRIDGED, "s1", "link del s1", "bridge s1"),
    (BRIDGED, "s1", "link set s1 type bridge stp_state 1", "stp_state of bridge s1"),
    (BRIDGED, "s1", "link set s1 type bridge mcast_snooping 1", "mcast_snooping of bridge s1"),
    (BRIDGED, "s1", "bridge link set dev s1-eth1 state 0", "state of s1-eth1"),
    (BRIDGED, "s1", "link set s1-eth1 type bridge_slave isolated on flood off", "isolated of s1-eth1"),
    (BRIDGED, "h1", "link set h1-eth0 arp off", "arp of h1-eth0"),
    (BRIDGED, "h1", "link set lo down", "lo"),
    (BRIDGED, "h1", "addr del 127.0.0.1/8 dev lo", "127.0.0.1"),
    (BRIDGED, "h1", "rule del prio 32766", "IPv4 rule 32766"),
    (STATIC, "h1", "neigh del 10.0.0.2 dev h1-eth0", "permanent neighbour 10.0.0.2"),
    (STATIC, "h1", "route del 10.0.0.0/8", "route 10.0.0.0/8"),
    (STATIC, "h1", "link set h1-eth0 arp off", "arp of h1-eth0"),
    (ROUTED, "h1", "route del default", "route 0.0.0.0/0"),
    (
        ROUTED,
        "leaf1",
        "sysctl -w net.ipv4.conf.leaf1-eth1.forwarding=0",
        "forwarding of IPv4 from leaf1-eth1",
    ),
    (
        ROUTED6,
        "leaf1",
        "sysctl -w net.ipv6.conf.leaf1-eth1.forwarding=0",
        "forwarding of IPv6 from leaf1-eth1",
    ),
    (ROUTED6, "h1", "sysctl -w net.ipv6.conf.h1-eth0.disable_ipv6=1", "address fd"),
    (ROUTED6, "h1", "sysctl -w net.ipv6.conf.all.disable_ipv6=1", "address fd"),
    (ROUTED6, "h1", "-6 addr flush dev h1-eth0", "link-local address on h1-eth0"),
    (ROUTED6, "leaf1", "-6 rule del prio 32766", "IPv6 rule 32766"),
    (ROUTED, "spine1", "link set spine1-eth1 down", "port spine1-eth1 is down"),
    (ROUTED, "leaf1", "link del leaf1-eth1", "is missing"),
    (ROUTED6, "h1", "-6 addr flush dev h1-eth0 scope global", "address fd"),
    (ROUTED6, "h1", "-6 route del default", "route ::/0"),
    (ROUTED6, "h1", "link set h1-eth0 down", "port h1-eth0 is down"),
    (OVS, "h1", "link set h1-eth0 down", "port h1-eth0 is down"),
    (OVS, "h1", "link del h1-eth0", "link s1 -- h1 is missing"),
    (OVS_TREE, "s1", "ofctl del-flows s1", "s1: flows"),
    (OVS, "h1", "addr flush dev h1-eth0", "address 10.0.0.1/8"),
    (OVS_USER, "h1", "ethtool -K h1-eth0 tx on", "checksums of h1-eth0"),
    (LEARNING10, "s1", "ofctl mod-port s1 s1-eth1 no-flood", "port s1-eth1: expected none, found no-flood"),
    (LEARNING14, "s1", "ofctl del-flows s1", "s1: flows: expected those of its controller, found none"),
    (OVS15, "s2", "ofctl mod-port s2 s2-eth1 no-receive", "port s2-eth1: expected none, found no-receive"),
    (OVS_TREE, "s1", "vsctl set bridge s1 protocols=OpenFlow10", "s1: protocols"),
    (OVS_TREE, "s1", "vsctl del-port s1 s1-eth1", "s1: port s1-eth1"),
]


OF_A_SWITCH = [
    ("s1", "vsctl set-controller s1 tcp:127.0.0.1:9999", "s1: controllers: expected tcp:127.0.0.1"),
    ("s1", "vsctl del-controller s1", "s1: controllers: expected tcp:127.0.0.1"),
    ("s1", "vsctl set-fail-mode s1 standalone", "s1: fail mode: expected secure"),
    ("s1", "vsctl set bridge s1 protocols=OpenFlow10", "s1: protocols: expected OpenFlow13"),
    ("s1", "vsctl set interface s1-eth1 ofport_request=77", "s1: number of port s1-eth1"),
    ("s1", "vsctl set bridge s1 stp_enable=true", "s1: stp_enable"),
    ("s1", "vsctl set bridge s1 other-config:datapath-id=00000000000000aa", "s1: datapath ID"),
    ("s1", "vsctl set port s1-eth1 tag=7", "settings of port s1-eth1: expected none, found tag 7"),
    ("s1", "vsctl del-br s1", "the bridge of s1 is missing"),
    ("s1", "ofctl del-flows s1", "s1: flows: expected those of its controller, found none"),
    ("s1", "ofctl mod-port s1 s1-eth1 no-forward", "port s1-eth1: expected none, found no-forward"),
]


def program(words: str) -> list[str]:
    """Return the command of a row: `ip`, unless it names another."""
    first, *rest = words.split()
    if first == "ofctl":
        return ["ovs-ofctl", "-O", "OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15", *rest]
    if first == "vsctl":
        return ["ovs-vsctl", *rest]
    return [first, *rest] if first in {"bridge", "ethtool", "sysctl"} else ["ip", first, *rest]


def assert_named_and_repaired(cli: CommandLine, node: str, words: str, said: str) -> None:
    """Do what a row does in a node: `status` and `up` say so, and nothing differs afterwards."""
    cli("exec", node, "--", *program(words), code=0)
    assert said in cli("status", "n", code=1).stdout
    assert said in cli("up", "n.yaml", code=0).stdout
    assert cli.json("status", "n")["networks"][0]["deviations"] == []


def state_of() -> dict[str, Any]:
    """Return what `ip` and `tc` say of all nodes, without what comes and goes by itself."""
    out: dict[str, Any] = {}
    store = attach("n")._store  # type: ignore[attr-defined]
    with store.entered():
        for file in store.files():
            store.go(file)
            for words in SHOWN:
                said = subprocess.run(words.split(), check=True, capture_output=True).stdout
                kept = [_kept(item) for item in json.loads(said or b"[]")]
                out[f"{file}: {words}"] = sorted(kept, key=lambda item: json.dumps(item, sort_keys=True))
    return out


_PASSING = {"stats", "stats64", "flags", "operstate", "group", "preferred_life_time", "valid_life_time",
            "link_netnsid", "linkinfo", "refcnt", "used", "expires", "tentative"}  # fmt: skip


def _kept(item: Any) -> Any:
    if isinstance(item, dict):
        up = {"up": "UP" in item["flags"]} if "flags" in item and "ifname" in item else {}
        return {key: _kept(value) for key, value in item.items() if key not in _PASSING} | up
    return [_kept(one) for one in item] if isinstance(item, list) else item


@pytest.mark.parametrize(
    "case", BY_HAND, ids=[f"{node}-{words}".replace(" ", "-") for _, node, words, _ in BY_HAND]
)
def test_what_is_changed_by_hand_is_named_and_restored(
    case: tuple[str, str, str, str], cli: CommandLine, tmp_path: Path
) -> None:
    file, node, words, said = case
    (tmp_path / "n.yaml").write_text(file)
    cli("up", "n.yaml", code=0)
    before = state_of()
    assert cli.json("status", "n")["networks"][0]["deviations"] == []
    cli("exec", node, "--", *program(words), code=0)
    status = cli("status", "n", code=1).stdout
    assert "BROKEN" in status
    assert said in status
    up = cli("up", "n.yaml", code=0).stdout
    assert "repaired: " in up
    assert said in up
    assert cli.json("status", "n")["networks"][0]["deviations"] == []
    assert state_of() == before
    assert cli.json("check")["unexpected"] == []
    cli("down", "n", code=0)


def test_what_somebody_added_in_a_node_stays(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text(BRIDGED)
    cli("up", "n.yaml", code=0)
    for words in ("addr add 192.0.2.1/24 dev h1-eth0", "route add 198.51.100.0/24 via 10.0.0.2"):
        cli("exec", "h1", "--", "ip", *words.split(), code=0)
    cli("exec", "h1", "--", "ip", "link", "add", "extra", "type", "bridge", code=0)
    cli("status", "n", code=0)
    assert "nothing differs" in cli("up", "n.yaml", code=0).stdout
    routes = cli("exec", "h1", "--", "ip", "route", code=0).stdout
    assert "198.51.100.0/24" in routes
    assert "192.0.2.0/24" in routes
    assert "extra" in cli("exec", "h1", "--", "ip", "link", code=0).stdout
    cli("down", "n", code=0)


def test_all_that_a_switch_is_set_to_is_named_and_restored(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text(LEARNING)
    cli("up", "n.yaml", code=0)
    for node, words, said in OF_A_SWITCH:
        assert_named_and_repaired(cli, node, words, said)
        assert cli.json("check")["unexpected"] == []
    cli("down", "n", code=0)


def test_files_of_programs_that_somebody_deleted_are_made_again(
    cli: CommandLine, tmp_path: Path, state_dir: Path
) -> None:
    (tmp_path / "n.yaml").write_text(LEARNING)
    cli("up", "n.yaml", code=0)
    for name, said in (
        ("controllers/c0.pid", "started controller c0 (learning) again"),
        ("ovs/db.sock", "the socket of ovsdb-server is gone"),
        ("ovs/ovsdb-server.pid", "ovsdb-server of Open vSwitch has ended"),
    ):
        (state_dir / "n" / name).unlink()
        assert "BROKEN" in cli("status", "n", code=1).stdout
        done = cli("up", "n.yaml", code=0)
        assert said in done.stdout + done.stderr
        assert cli.json("status", "n")["networks"][0]["deviations"] == []
        assert cli.json("check")["unexpected"] == []
    (state_dir / "n" / "ovs" / "ovs-vswitchd.pid").unlink()
    assert "Open vSwitch has ended" in attach("n").repair()
    assert cli.json("check")["unexpected"] == []
    (state_dir / "n" / "ovs" / "db.sock").unlink()
    cli("down", "n", code=0)


def test_flows_and_ports_that_somebody_added_to_a_switch_stay(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text(LEARNING)
    cli("up", "n.yaml", code=0)
    flow = "priority=65535,ip,nw_dst=192.0.2.9,actions=drop"
    added = (
        "link add extra type veth peer name extra2",
        "vsctl add-port s1 extra",
        f"ofctl add-flow s1 {flow}",
    )
    for words in added:
        cli("exec", "s1", "--", *program(words), code=0)
    cli("status", "n", code=0)
    assert "nothing differs" in cli("up", "n.yaml", code=0).stdout
    cli("exec", "s1", "--", "ovs-vsctl", "set", "bridge", "s1", "stp_enable=true", code=0)
    assert "s1: stp_enable" in cli("up", "n.yaml", code=0).stdout
    assert "extra" in cli("exec", "s1", "--", "ovs-vsctl", "list-ports", "s1", code=0).stdout
    assert "192.0.2.9" in cli("exec", "s1", "--", *program("ofctl dump-flows s1"), code=0).stdout
    cli("down", "n", code=0)


def test_a_node_whose_namespace_went_is_made_again(cli: CommandLine, tmp_path: Path, state_dir: Path) -> None:
    (tmp_path / "n.yaml").write_text(BRIDGED)
    cli("up", "n.yaml", code=0)
    before = state_of()
    pin = state_dir / ".mounts" / "n"
    from emulator.engines.registry import attach

    store = attach("n")._store  # type: ignore[attr-defined]
    assert store.pin == pin
    with store.entered():
        store.remove("h2")
    assert "node h2 is missing" in cli("status", "n", code=1).stdout
    assert "repaired: node h2 is missing" in cli("up", "n.yaml", code=0).stdout
    assert state_of() == before
    cli("down", "n", code=0)


def test_links_changed_on_purpose_are_no_deviation(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text(BRIDGED)
    cli("up", "n.yaml", code=0)
    cli("link", "s1", "s2", "down", code=0)
    cli("link", "h1", "s1", "set", "--bandwidth", "5Mbit", code=0)
    status = cli("status", "n", code=0)
    assert "1 link down, 1 reshaped" in status.stdout
    assert "s1 -- s2: down" in status.stdout
    shown = cli("link", code=0).stdout.splitlines()
    assert len(shown) == 6
    assert sum("(changed)" in line for line in shown) == 2
    cli("exec", "s1", "--", "ip", "link", "set", "s1-eth2", "up", code=0)
    assert "expected down, found up" in cli("status", "n", code=1).stdout
    assert "only namespaces" in cli("status", code=0).stdout
    cli("down", "n", code=0)


MININET = """\
name: n
engine: mininet
topology: {generator: ring, k: 3, hosts_per_switch: 1}
links:
  - {match: {between: [h1, s1]}, bandwidth: 10 Mbit}
"""
IN_MININET = [
    ("h1", "addr flush dev h1-eth0", "address 10.0.0.1/8"),
    ("h1", "route del 10.0.0.0/8", "route 10.0.0.0/8"),
    ("s1", "link set s1-eth1 down", "port s1-eth1 is down"),
    ("s2", "link set s2-eth2 nomaster", "s2-eth2"),
    ("h1", "link set h1-eth0 mtu 1400", "MTU of h1-eth0"),
    ("h2", "link set h2-eth0 address 02:aa:00:00:00:01", "MAC of h2-eth0"),
    ("h1", "link del h1-eth0", "link s1 -- h1 is missing"),
    ("s1", "link set s1 down", "bridge s1 is down"),
    ("s1", "link set s1 type bridge stp_state 1", "stp_state of bridge s1"),
    ("s1", "bridge link set dev s1-eth1 isolated on state 0", "isolated of s1-eth1"),
    ("h1", "link set h1-eth0 arp off", "arp of h1-eth0"),
    ("h1", "rule del prio 32766", "IPv4 rule 32766"),
]


MININET_OVS = "engine: mininet\n" + OVS + "openflow: {datapath: userspace, controller: learning}\n"
IN_MININET_OVS = [
    ("h1", "ethtool -K h1-eth0 tx on", "checksums of h1-eth0"),
    ("s1", "vsctl set-controller s1 tcp:127.0.0.1:9999", "s1: controllers: expected tcp:127.0.0.1"),
    ("s1", "ofctl del-flows s1", "s1: flows: expected those of its controller"),
    ("s1", "vsctl set bridge s1 stp_enable=true", "s1: stp_enable"),
    ("s1", "vsctl set port s1-eth1 tag=7", "settings of port s1-eth1"),
    ("s1", "vsctl del-port s1 s1-eth1", "s1: port s1-eth1"),
    ("s1", "ofctl mod-port s1 s1-eth1 no-forward", "configuration of port s1-eth1"),
]


@pytest.mark.parametrize(
    ("file", "rows"),
    [(MININET, IN_MININET), (MININET_OVS, IN_MININET_OVS)],
    ids=["lxbr", "ovs"],
)
def test_in_mininet_too_it_is_named_and_restored(
    file: str, rows: list[tuple[str, str, str]], cli: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "n.yaml").write_text(file)
    cli("up", "n.yaml", code=0)
    for node, words, said in rows:
        assert_named_and_repaired(cli, node, words, said)
    assert cli.json("check")["unexpected"] == []
    cli("down", "n", code=0)
