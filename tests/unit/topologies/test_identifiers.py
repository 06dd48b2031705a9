from __future__ import annotations

import io

import numpy as np
import pytest

from topologies import store
from topologies.build import build as built
from topologies.builder import Builder
from topologies.identifiers import bridge_name, dpid, interface_name, mac
from topologies.names import NameBlock, NameList
from topologies.spec.load import load_text
from topologies.topology import Explicit, Kind, Topology


def named(*names: str, kind: Kind = Kind.SWITCH) -> Topology:
    build = Builder()
    build.add_nodes(kind, NameList(names))
    return build.build()


def test_short_names_are_mininet_s() -> None:
    assert interface_name(named("s1"), 0, 12) == "s1-eth12"


def test_the_longest_that_fits() -> None:
    assert interface_name(named("abcdefghij"), 0, 0) == "abcdefghij-eth0"


@pytest.mark.parametrize(
    ("name", "port", "made"),
    [("abcdefghijk", 0, "_0-eth0"), ("abcdefghij", 10, "_0-eth10"), ("x" * 63, 65534, "_0-eth65534")],
)
def test_long_names_are_numbers(name: str, port: int, made: str) -> None:
    assert interface_name(named(name), 0, port) == made


def test_the_last_node_and_port_still_fit() -> None:
    build = Builder()
    build.add_nodes(Kind.SWITCH, NameBlock(("a-long-switch-name-",), (2**24 - 2,)))
    topology = build.build()
    assert interface_name(topology, 2**24 - 3, 65534) == "_fffffd.fffe"
    assert mac(topology, 2**24 - 3, 65534).hex() == "02fffffefffe"


@pytest.mark.parametrize(
    ("name", "made"), [("s1", "s1"), ("lo", "_0"), ("all", "_0"), ("default", "_0"), ("a" * 16, "_0")]
)
def test_bridges(name: str, made: str) -> None:
    assert bridge_name(named(name), 0) == made


def test_macs_are_local_unicast_and_tell_node_and_port() -> None:
    topology = named("s1", "s2")
    assert mac(topology, 1, 3).hex(":") == "02:00:00:02:00:03"


def test_given_macs_win_on_their_port_only() -> None:
    build = Builder()
    build.add_node(Kind.HOST, "h1")
    topology = build.build()
    object.__setattr__(topology, "explicit", {0: Explicit(macs=((0, "0a:00:00:00:00:01"),))})
    assert mac(topology, 0, 0).hex(":") == "0a:00:00:00:00:01"
    assert mac(topology, 0, 1).hex(":") == "02:00:00:01:00:01"


def test_dpid() -> None:
    assert dpid(named("s1", "s2"), 1) == "0000000000000002"


def test_only_switches_have_a_dpid() -> None:
    with pytest.raises(ValueError, match="h1 is a host, not a switch"):
        dpid(named("h1", kind=Kind.HOST), 0)


def test_look_alike_names_do_not_collide() -> None:
    """A node may be called like another's interface."""
    topology = named("s1", "s1-eth1", "s1-eth1-eth1", "s1-eth")
    ends = [(node, port) for node in range(4) for port in range(1, 30)]
    made = [interface_name(topology, node, port) for node, port in ends]
    assert len(set(made)) == len(made)
    assert max(map(len, made)) <= 15
    assert np.char.str_len(made).min() > 0


@pytest.mark.parametrize(
    ("names", "made"),
    [
        (("s7", "s10"), (7, 10)),
        (("s1", "t1"), (1, 2)),
        (("s01", "s1"), (1, 2)),
        (("s0", "s1"), (1, 2)),
        (("core", "edge"), (1, 2)),
        (("7", "3"), (7, 3)),
        (("s1", "s9999999999999999"), (1, 2)),
    ],
)
def test_dpids_are_the_numbers_of_names_that_are_one_word(
    names: tuple[str, ...], made: tuple[int, ...]
) -> None:
    topology = named(*names)
    assert tuple(int(dpid(topology, node), 16) for node in range(len(names))) == made


def test_what_the_file_states_of_ports_and_datapath_ids() -> None:
    topology = built(
        load_text("""
name: stated
switch: ovs
openflow: {dpid_base: 256}
topology:
  nodes: {h1: , h2: , s3: {kind: switch}, s7: {kind: switch, dpid: 0xabc}}
  links:
    - [h1, s3, {ports: [null, 9], interfaces: [wan0, null]}]
    - [h2, s3]
    - [h1, s7, {ports: [4, null]}]
    - [s3, s7, {interfaces: [null, up0]}]
nodes: [{match: {name: h1}, kind: router}]
""")
    )
    assert [dpid(topology, node) for node in (2, 3)] == [f"{259:016x}", f"{0xABC:016x}"]
    assert topology.ports.tolist() == [[0, 9], [0, 1], [4, 1], [2, 2]]
    assert [interface_name(topology, node, port) for node, port in ((0, 0), (0, 4), (2, 9), (3, 2))] == [
        "wan0", "h1-eth4", "s3-eth9", "up0",
    ]  # fmt: skip
    file = io.BytesIO()
    store.write(topology, file)
    file.seek(0)
    assert store.read(file).explicit == topology.explicit
