"""What a file gives to programs in nodes, on the engines whose nodes are namespaces here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import CommandLine

import emulator
from emulator.deviation import Deviation
from emulator.engines.cluster.connection import close_all
from emulator.services.control import under_way

pytestmark = [pytest.mark.privileged]
ENGINES = [
    "netns",
    pytest.param(
        "mininet",
        marks=pytest.mark.skipif(
            any(shutil.which(name) is None for name in ("mnexec", "brctl")), reason="needs Debian's mininet"
        ),
    ),
    "cluster",
]
SEEN = "echo $ROLE; cat /proc/sys/net/ipv4/tcp_keepalive_time /proc/sys/net/ipv4/conf/h1-eth0/arp_ignore"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, cli: CommandLine) -> Iterator[str]:
    if request.param == "cluster":
        cli("workers", "local", "1", code=0)
    yield request.param
    if request.param == "cluster":
        close_all()  # else it connects again while the scheduler ends, and Dask leaves a refused socket open
        cli("workers", "local", "--down", code=0)


def test_are_there_repaired_changed_and_back_with_a_node(
    engine: str, tmp_path: Path, state_dir: Path
) -> None:
    (held := tmp_path / "held").mkdir()
    (shown := tmp_path / "shown").write_text("the machine's\n")
    rule: dict[str, Any] = {
        "match": {"name": "h1"}, "environment": {"ROLE": "web"}, "private": [str(held)],
        "sysctl": {"net.ipv4.tcp_keepalive_time": 77, "net.ipv4.conf.h1-eth0.arp_ignore": 1},
        "files": {str(shown): "one\n"},
        "run": {"sleep": {"command": f"sh -c 'echo started >> {held}/log; exec sleep 600'"}},
    }  # fmt: skip
    rule["run"]["sleep"]["user"] = "root"
    file = {"name": "own", "engine": engine, "topology": {"generator": "single", "hosts": 2}, "nodes": [rule]}
    log = ["sh", "-c", f"cat {held}/log {shown}"]
    with emulator.up(file) as net:
        assert net["h1"].run(SEEN).output.split() == ["web", "77", "1"]
        assert net["h2"].run(SEEN.replace("h1", "h2")).output.split()[-2:] == ["7200", "0"]
        assert net["h1"].run(log).output == "started\none\n"
        assert [one["state"] for one in net["h1"].describe()["services"]] == ["ready"]
        net["h1"].run("echo 99 > /proc/sys/net/ipv4/tcp_keepalive_time")
        net["h1"].run(f"echo more >> {shown}; pkill -x sleep")
        assert {one.object for one in net.deviations()} >= {
            "sysctl net.ipv4.tcp_keepalive_time", f"file {shown}",
        }  # fmt: skip
        net.repair()
        assert net["h1"].run(SEEN).output.split() == ["web", "77", "1"]
        assert not net.deviations()
        with emulator.attach("own")._running.session() as session:
            session.remove_node(net["h1"].index)
            session.add_node(net["h1"].index)
        net.repair()
        assert not net.deviations()
        assert net["h1"].run(SEEN).output.split() == ["web", "77", "1"]
        assert net["h1"].run(log).output.endswith("started\none\n")
        del rule["sysctl"]["net.ipv4.tcp_keepalive_time"]
        after = emulator.up(file | {"nodes": [rule | {"environment": {"ROLE": "db"}, "files": {}}]})
        assert after["h1"].run(SEEN).output.split() == ["db", "7200", "1"]
        assert after["h1"].run(["cat", str(shown)]).output == "the machine's\n"
    assert not (state_dir / "own").exists()


@pytest.mark.parametrize(
    ("object_", "found", "expected"),
    [
        ("service web", "starting", True),
        ("service web", "restarting: exit code 1", True),
        ("service web", "waiting", True),
        ("service web", "failed: exit code 1", False),
        ("service web", "missing", False),
        ("supervisor of the services", "missing", False),
        ("sysctl net.x", "waiting", False),
    ],
)
def test_services_that_come_by_themselves_are_no_repairs(object_: str, found: str, expected: bool) -> None:
    assert under_way(Deviation("h1", object_, "ready", found)) is expected
