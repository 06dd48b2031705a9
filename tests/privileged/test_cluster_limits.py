"""A limit of one worker that is met in the middle of `up` rolls all back; `down` works all the same."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.namespace_cluster import SCHEDULER, NamespaceCarrier, assert_empty, machines_of_test

from emulator.engines.cluster import connection
from emulator.engines.planning import planned
from emulator.engines.registry import engine_named
from emulator.errors import EmulationError
from emulator.state import names
from topologies.build import build
from topologies.spec.load import load_text

pytestmark = [pytest.mark.privileged]

FILE = """\
name: far
topology: {generator: tree, depth: 2, fanout: 3}
placement:
  - {match: {name: "s[12]"}, worker: w1}
  - {match: {name: "s[34]"}, worker: w2}
"""
NODES = 8
"""Nodes on w2: two switches with three hosts each."""


@pytest.fixture
def carrier(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NamespaceCarrier]:
    with machines_of_test(2, apart={2}) as machines:
        monkeypatch.setenv("EMULATOR_CLUSTER_SCHEDULER", SCHEDULER)
        monkeypatch.setitem(connection._open, (SCHEDULER, ""), machines)
        yield machines


def test_namespaces_that_run_out_on_one_worker_roll_all_back(carrier: NamespaceCarrier) -> None:
    """Its limit suffices for the plan, but others on the machine have namespaces, too."""
    machine = carrier.machines["w2"]
    document = load_text(FILE)
    plan = planned(document, build(document), engine_named("cluster"))
    engine_named("cluster").accept(plan)
    machine.nsenter("sh", "-c", f"echo {NODES + 1} > /proc/sys/user/max_net_namespaces")
    words = [*machine.entered, "unshare", "--net", "sh", "-c", "echo; read line"]
    others = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)]
    try:
        for other in others:
            assert other.stdout is not None
            other.stdout.readline()
        with pytest.raises(EmulationError) as caught:
            engine_named("cluster").deploy(plan)
    finally:
        for other in others:
            other.communicate()
    words = str(caught.value)
    assert re.match(r"w2: make the namespace of [hs]\d+: No space left on device; a kernel limit", words)
    assert names() == []
    for each in carrier.machines.values():
        assert_empty(each)
    engine_named("cluster").deploy(plan).down()  # others are gone


def test_down_works_while_no_namespace_can_be_made(carrier: NamespaceCarrier) -> None:
    document = load_text(FILE)
    network = engine_named("cluster").deploy(planned(document, build(document), engine_named("cluster")))
    carrier.machines["w2"].nsenter("sh", "-c", "echo 3 > /proc/sys/user/max_net_namespaces")
    network.down()
    assert names() == []
    for each in carrier.machines.values():
        assert_empty(each)
