"""Counters of light ports, added up by VPC and by compute host: against sums of plain lists."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import numpy as np
import pytest
from support.runs import made_run

from emulator.errors import UsageError
from emulator.tasks import PORT_COUNTERS, Task
from stress.limits import judge, parse
from stress.metrics import light_ports
from stress.metrics.figure_units import figure_unit
from stress.metrics.light_ports import LightPorts
from stress.records import Sample
from stress.report.files import write
from stress.report.schema import schema
from stress.tasks.light_ports import LightPortCounters
from stress.tasks.ports import PortCounters
from topologies.build import build
from topologies.spec.load import load_text

TOPOLOGY = build(load_text("name: v\ntopology: {generator: vpc, vpcs: 2, ports: 3, hosts: 2}\n"))
FIRST = TOPOLOGY.full.node_count
HOSTS = [TOPOLOGY.names.index(name) for name in ("h1", "h2")]


class Ports:
    """Six light ports with counters that a test sets."""

    def __init__(self) -> None:
        self.now = np.full((6, 5), 1000, dtype=np.uint64)
        self.at = np.array([HOSTS[0], HOSTS[1]] * 3, dtype=np.int32)
        self.closed = 0

    def vpcs(self) -> Any:
        return np.array([0, 0, 0, 1, 1, 1])

    def hosts(self, first: int, end: int) -> Any:
        return self.at[first:end]

    def counters(self, first: int, end: int) -> Any:
        return self.now[first:end].copy()

    def close(self) -> None:
        self.closed += 1


class Nodes:
    names = TOPOLOGY.names

    def __init__(self, ports: Ports | None) -> None:
        self.ports = ports

    def light_ports(self) -> Ports | None:
        return self.ports


def task(ports: Ports) -> LightPortCounters:
    return LightPortCounters(Nodes(ports), {})  # type: ignore[arg-type]


def test_what_ports_count_is_added_up_from_the_begin() -> None:
    ports = Ports()
    counters = task(ports)
    assert counters.ask() == {"vpc": {}, "compute": {}}
    ports.now[0] += np.uint64(5)
    ports.now[4] += np.uint64(7)
    sums = counters.ask()
    assert sums == counters.ask() == {
        "vpc": {"0": [5] * 5, "1": [7] * 5}, "compute": {str(HOSTS[0]): [12] * 5},
    }  # fmt: skip
    json.dumps(sums)
    counters.stop()
    assert ports.closed == 1


def test_a_port_that_moved_counts_where_it_is() -> None:
    ports = Ports()
    counters = task(ports)
    ports.now[0] += np.uint64(5)
    counters.ask()
    ports.at[0] = HOSTS[1]
    ports.now[0] += np.uint64(3)
    found = counters.ask()
    assert found["compute"] == {str(HOSTS[0]): [5] * 5, str(HOSTS[1]): [3] * 5}
    assert found["vpc"] == {"0": [8] * 5}


def test_a_port_that_was_made_again_counts_from_zero_and_one_that_is_gone_nowhere() -> None:
    ports = Ports()
    counters = task(ports)
    ports.now[2] = 4
    ports.at[2] = -1
    assert counters.ask() == {"vpc": {"0": [4] * 5}, "compute": {}}


def test_many_ports_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stress.tasks.light_ports._PART", 4)
    ports = Ports()
    counters = task(ports)
    ports.now += np.arange(1, 7, dtype=np.uint64)[:, None]
    assert counters.ask()["vpc"] == {"0": [1 + 2 + 3] * 5, "1": [4 + 5 + 6] * 5}


def test_networks_without_light_ports_have_nothing_to_count() -> None:
    with pytest.raises(UsageError, match="no light ports"):
        LightPortCounters(Nodes(None), {})  # type: ignore[arg-type]


def test_a_chosen_light_port_is_read_from_memory() -> None:
    ports = Ports()
    ports.now[1] = (1, 2, 3, 4, 5)
    counters = PortCounters(Nodes(ports), {"ports": [[FIRST + 1, "v1s1p2-eth0"]]})  # type: ignore[arg-type]
    numbers = {"rx_packets": 1, "rx_bytes": 2, "tx_packets": 3, "tx_bytes": 4, "rx_dropped": 5}
    assert counters.ask() == {"v1s1p2-eth0": numbers}
    counters.stop()
    counters.stop()
    assert ports.closed == 1


class Access:
    def __init__(self, ports: Ports) -> None:
        self.nodes = Nodes(ports)

    def supports(self, capability: object) -> bool:
        del capability
        return True

    def start(self, task: Task) -> LightPortCounters:
        assert task.entry == "stress.tasks.light_ports:LightPortCounters"
        return LightPortCounters(self.nodes, {})  # type: ignore[arg-type]


def measured(ports: Ports) -> LightPorts:
    return LightPorts(SimpleNamespace(topology=TOPOLOGY, access=Access(ports)))  # type: ignore[arg-type]


def test_series_have_names_and_begin_at_zero() -> None:
    ports = Ports()
    found = measured(ports)
    begin = found.counters()
    every = ("light", "vpc.v1", "vpc.v2", "compute.h1", "compute.h2")
    assert set(begin) == {f"{of}.{key}" for of in every for key in PORT_COUNTERS}
    assert set(begin.values()) == {0.0}
    ports.now[3] += np.uint64(9)
    later = found.counters()
    assert {name for name, value in later.items() if value} == {
        f"{of}.{key}" for of in ("light", "vpc.v2", "compute.h2") for key in PORT_COUNTERS
    }
    assert found.totals() == {
        "vpcs": [{"name": "v2", **dict.fromkeys(PORT_COUNTERS, 9)}],
        "compute_hosts": [{"name": "h2", **dict.fromkeys(PORT_COUNTERS, 9)}],
    }
    assert all(figure_unit(f"{name}.max") in {"rate", "byterate"} for name in later)


def test_of_many_vpcs_only_totals_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light_ports, "MOST_SERIES", 1)
    ports = Ports()
    found = measured(ports)
    ports.now += np.uint64(1)
    assert set(found.counters()) == {f"light.{key}" for key in PORT_COUNTERS}
    assert [row["name"] for row in found.totals()["vpcs"]] == ["v1", "v2"]


def test_networks_without_light_ports_have_no_series() -> None:
    tree = build(load_text("name: t\ntopology: {generator: tree, depth: 1, fanout: 2}\n"))
    found = LightPorts(SimpleNamespace(topology=tree, access=None))  # type: ignore[arg-type]
    assert (found.counters(), found.totals()) == ({}, {})
    found.close()


def test_reports_and_limits_have_them(tmp_path: Path) -> None:
    row = {"name": "v1", **dict.fromkeys(PORT_COUNTERS, 3)}
    totals = {"vpcs": [row], "compute_hosts": [{**row, "name": "h1"}]}
    made = made_run(seconds=30.0, operations=100, probes=2)
    samples = [Sample(one.at, {**one.values, "vpc.v1.rx_bytes": 2048.0}) for one in made.samples]
    run = replace(made, samples=samples, light_ports=totals)
    (verdict,) = judge(run, [parse("vpc.v1.rx_bytes.mean >= 2 KiB/s")])
    assert verdict.held
    write(run, [], tmp_path)
    found = json.loads((tmp_path / "report.json").read_text())
    jsonschema.validate(found, schema())
    assert found["light_ports"] == totals
    page = (tmp_path / "report.html").read_text()
    assert "Light ports by VPC" in page
    assert '"compute_hosts"' in page
