"""Which sysctls which node gets; nothing is written here."""

from __future__ import annotations

from typing import Any

import pytest
from support.topologies import made

from emulator.linux.nodes import node_sysctls
from emulator.linux.nodes.node_sysctls import NodeSysctls
from emulator.plan import make_plan

MIXED = {
    "nodes": {
        "h1": {}, "h2": {}, "s1": {"kind": "switch"}, "r1": {"kind": "router"}, "r2": {"kind": "router"},
    },
    "links": [["h1", "s1"], ["s1", "r1"], ["r1", "r2"], ["h2", "r1"], ["h2", "r2"]],
}  # fmt: skip


class Written(dict[str, dict[str, bytes]]):
    """{node: {sysctl: value}}."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.node = ""
        self.proc: list[str] = []
        self.lacks = ""
        self.here = {"net.ipv4.conf.all.rp_filter": "0", "net.ipv4.conf.default.rp_filter": "0"}
        self.reads: list[str] = []
        monkeypatch.setattr(node_sysctls, "read", self.read)
        monkeypatch.setattr(node_sysctls, "_write", self.write)
        monkeypatch.setattr(
            node_sysctls, "disable_ipv6_here", lambda: self.write("ipv6/conf/default/disable_ipv6", b"1")
        )
        monkeypatch.setattr(node_sysctls.syscalls, "mount", lambda *words: self.proc.append(f"on {words[1]}"))
        monkeypatch.setattr(
            node_sysctls.syscalls, "umount", lambda *words: self.proc.append(f"off {words[0]}")
        )

    def read(self, name: str) -> str:
        self.reads.append(name)
        if self.lacks and self.lacks in name.replace(".", "/"):
            raise FileNotFoundError(name)
        return self.here.get(name, "0")

    def write(self, name: str, value: bytes) -> None:
        if self.lacks and self.lacks in name:
            raise FileNotFoundError(name)
        self.setdefault(self.node, {})[name] = value

    def by(self, topology: dict[str, Any], **keys: Any) -> None:
        """Apply all nodes of a network."""
        made_of = made(topology, **keys)
        with NodeSysctls(make_plan(made_of, "netns").whole) as sysctls:
            for node, name in enumerate(made_of.names):
                self.node = name
                sysctls.apply(node)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    return Written(monkeypatch)


def test_routers_forward_by_a_hash_of_their_own(written: Written) -> None:
    written.by(MIXED)
    assert set(written) == {"s1", "r1", "r2"}
    assert written["r1"]["ipv4/ip_forward"] == b"1"
    assert written["r1"]["ipv4/fib_multipath_hash_policy"] == b"1"
    assert written["r1"]["ipv4/fib_multipath_hash_seed"] != written["r2"]["ipv4/fib_multipath_hash_seed"]
    assert written["s1"] == {"ipv6/conf/default/disable_ipv6": b"1"}


def test_an_old_kernel_hashes_other_fields_in_each_router(written: Written) -> None:
    written.lacks = "hash_seed"
    written.by({"generator": "fat-tree", "k": 4}, forwarding="routed", addressing={"ipv6": "fd00::/48"})
    fields = {node: values["ipv4/fib_multipath_hash_fields"] for node, values in written.items()}
    assert len(set(fields.values())) > 4
    assert all(int(value) & 16 for value in fields.values())  # the source port
    assert all(v["ipv6/fib_multipath_hash_fields"] == fields[node] for node, v in written.items())
    assert {v["ipv4/fib_multipath_hash_policy"] for v in written.values()} == {b"3"}


def test_ipv6_is_forwarded_where_the_file_asks_for_it(written: Written) -> None:
    written.by(MIXED, addressing={"ipv6": "fd00::/48"})
    assert set(written) == {"r1", "r2"}
    assert written["r1"]["ipv6/conf/all/forwarding"] == b"1"
    assert "ipv6/conf/default/disable_ipv6" not in written["r1"]


def test_no_path_filter_where_the_way_back_may_differ(written: Written) -> None:
    written.here["net.ipv4.conf.all.rp_filter"] = "1"
    written.by(MIXED)
    filtered = {node for node, values in written.items() if values.get("ipv4/conf/all/rp_filter") == b"0"}
    assert filtered == {"r1", "r2", "h2"}


def test_bridged_networks_are_left_as_the_machine_is(written: Written) -> None:
    written.here["net.ipv4.conf.all.rp_filter"] = "1"
    written.by({"generator": "bcube", "n": 2, "k": 1})
    assert {name for values in written.values() for name in values} == {"ipv6/conf/default/disable_ipv6"}


def test_another_procfs_every_64_nodes_and_none_left(written: Written) -> None:
    written.by({"generator": "linear", "k": 150})
    assert written.proc == ["on /proc", "off /proc"] * 3


def test_nothing_is_mounted_for_hosts_alone(written: Written) -> None:
    written.by({"nodes": {"h1": {}, "h2": {}}, "links": [["h1", "h2"]]})
    assert written.proc == []


def test_a_bridged_host_with_several_links_takes_answers_on_any(written: Written) -> None:
    written.here["net.ipv4.conf.default.rp_filter"] = "1"
    both = {
        "nodes": {
            "h1": {},
            "h2": {},
            "h3": {"relay": True},
            "s1": {"kind": "switch"},
            "s2": {"kind": "switch"},
        },
        "links": [["h1", "s1"], ["h1", "s2"], ["h2", "s1"], ["h3", "s1"], ["h3", "s2"]],
    }
    written.by(both)
    assert {name for name, values in written.items() if any("rp_filter" in key for key in values)} == {"h1"}


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_on_a_machine_that_forwards_hosts_and_switches_do_not(written: Written, family: str) -> None:
    name = "ip_forward" if family == "ipv4" else "conf.all.forwarding"
    written.here[f"net.{family}.{name}"] = "1"
    written.by(MIXED, addressing={"ipv6": "fd00::/48"})
    file = f"{family}/{name.replace('.', '/')}"
    assert {node: values[file] for node, values in written.items() if values.get(file) == b"0"} == {
        "h1": b"0", "h2": b"0", "s1": b"0",
    }  # fmt: skip
    assert {written[router][file] for router in ("r1", "r2")} == {b"1"}
    assert written.reads.count(f"net.{family}.{name}") == 1
    assert written.proc == ["on /proc", "off /proc"]


def test_a_kernel_without_ipv6_forwards_none(written: Written) -> None:
    written.here["net.ipv4.ip_forward"] = "1"
    written.lacks = "ipv6/"
    written.by({"nodes": {"h1": {}, "h2": {}}, "links": [["h1", "h2"]]})
    assert written == {node: {"ipv4/ip_forward": b"0"} for node in ("h1", "h2")}
