"""What the engine `cluster` decides by itself: underlay, VNIs, placement beside what runs, errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from emulator.engines.cluster.calls import SummedProgress, raise_for
from emulator.engines.cluster.facts import NO_UNDERLAY, WorkerFacts, free_vnis, underlay_of, worker_facts
from emulator.engines.cluster.refusals import refuse
from emulator.engines.cluster.running import as_running
from emulator.errors import (
    BrokenError,
    EmulationError,
    LostWorkerError,
    NotWholeError,
    RefusedError,
    UsageError,
)
from emulator.placement.worker import Worker
from emulator.plan import make_plan
from emulator.tunnels import MOST_VNIS
from topologies.build import build
from topologies.spec.load import load_text


def device(name: str, *addresses: str, mtu: int = 1500, up: bool = True) -> dict[str, Any]:
    return {"name": name, "addresses": list(addresses), "mtu": mtu, "up": up}


def facts_of(*devices: dict[str, Any], heard: str = "", **underlay: Any) -> WorkerFacts:
    return worker_facts("w1", {"memory": 1 << 30, "processors": 2, "devices": devices}, underlay, heard)


class TestUnderlay:
    def test_it_is_what_the_carrier_reaches_the_worker_by(self) -> None:
        found = facts_of(device("eth0", "192.0.2.1"), device("eth1", "10.0.0.1", mtu=9000), heard="10.0.0.1")
        assert (found.address, found.device, found.mtu) == ("10.0.0.1", "eth1", 9000)

    def test_the_file_chooses_by_device_or_network(self) -> None:
        devices = device("eth0", "192.0.2.1"), device("eth1", "10.0.0.1")
        assert facts_of(*devices, heard="192.0.2.1", device="eth1").address == "10.0.0.1"
        assert facts_of(*devices, heard="192.0.2.1", address="10.0.0.0/8").device == "eth1"
        assert facts_of(*devices, device="eth7").address == ""
        assert facts_of(*devices, address="10.1.0.0/16").address == ""

    def test_a_device_that_is_down_carries_nothing_and_ipv4_comes_first(self) -> None:
        assert facts_of(device("eth0", "10.0.0.1", up=False)).address == ""
        assert facts_of(device("eth0", "2001:db8::1", "10.0.0.1")).address == "10.0.0.1"
        assert facts_of(device("eth0", "2001:db8::1")).address == "2001:db8::1"

    def test_the_least_mtu_counts_and_every_worker_needs_an_address(self) -> None:
        one = facts_of(device("eth0", "10.0.0.1", mtu=9000))
        other = facts_of(device("eth0", "10.0.0.2", mtu=1500))
        found = underlay_of([one, other], {"underlay": {"port": 5000}})["underlay"]
        assert (found["mtu"], found["port"]) == (1500, 5000)
        chosen = {"device": "eth7"}
        found = underlay_of([one, facts_of(device("eth0"), **chosen)], {"underlay": chosen})
        assert found["underlay"] is None
        (reason,) = found[NO_UNDERLAY]
        assert "no device that is up has an address for tunnels (device eth7)" in reason

    def test_who_has_all_vnis_of_the_port_is_named(self) -> None:
        own = {"holder": "network `x`", "port": 4789, "first": 1 << 16, "count": 9}
        other = {"holder": "vxlan0", "port": 4789, "first": 0, "count": MOST_VNIS}
        found = facts_of(device("eth0", "10.0.0.1"))
        taken = replace(found, plain={**found.plain, "vnis": [own, other]})
        (reason,) = underlay_of([found, taken], {})[NO_UNDERLAY]
        assert reason.startswith("w1: vxlan0 uses UDP port 4789, and so all its VNIs")
        assert "`underlay: {port: 4790}`" in reason
        assert underlay_of([found, taken], {"underlay": {"port": 4790}})["underlay"]["port"] == 4790

    def test_a_plan_with_tunnels_says_what_is_lacking_for_them(self) -> None:
        topology = build(load_text("name: t\ntopology: {generator: tree, depth: 2, fanout: 2}\n"))
        lacking = {"underlay": None, NO_UNDERLAY: ["w1: no address"]}
        plan = make_plan(topology, "cluster", [Worker("w1"), Worker("w2")], options=lacking)
        with pytest.raises(RefusedError, match="w1: no address"):
            refuse(plan)


def first(count: int) -> int:
    assert count > 0
    return 0


class TestVnis:
    def test_it_begins_where_most_are_free(self) -> None:
        assert free_vnis([], first) == 1 << 16
        assert free_vnis([(1 << 16, (1 << 16) + 5)], first) == (1 << 16) + 1024
        assert free_vnis([(70_000, 1 << 24)], first) == 1 << 16

    def test_clients_that_plan_at_once_seldom_meet(self) -> None:
        found = {free_vnis([]) for _ in range(20)}
        assert len(found) > 15
        assert all((1 << 16) <= vni < (1 << 23) + (1 << 16) and vni % 1024 == 0 for vni in found)

    def test_none_is_free(self) -> None:
        assert free_vnis([(0, 1 << 24)]) == 0

    def test_taken_ones_are_avoided_whatever_their_order(self) -> None:
        taken = [(9_000_000, 9_000_100), (65_536, 65_540), (200_000, 300_000)]
        for _ in range(20):
            vni = free_vnis(taken)
            assert all(vni >= end or vni + 1_000_000 <= begin for begin, end in taken)


TREE = "name: t\ntopology: {generator: tree, depth: 2, fanout: 3}\n"


def test_running_nodes_keep_their_workers_and_new_ones_go_beside_them() -> None:
    topology = build(load_text(TREE))
    running = make_plan(topology, "cluster", [Worker("b"), Worker("a")], options={"underlay": None})
    larger = build(load_text(TREE.replace("fanout: 3", "fanout: 4")))
    new = as_running(running, make_plan(larger, "cluster", [Worker("a"), Worker("b"), Worker("c")]))
    assert [worker.name for worker in new.workers] == ["b", "a", "c"]
    for name, worker in zip(topology.names, running.placement.tolist(), strict=True):
        assert new.workers[new.placement[new.topology.names.index(name)]] == running.workers[worker]


def test_without_a_running_worker_nothing_is_placed_as_it_runs() -> None:
    topology = build(load_text(TREE))
    running = make_plan(topology, "cluster", [Worker("a"), Worker("b")])
    alone = make_plan(topology, "cluster", [Worker("b")])
    assert np.array_equal(as_running(running, alone).placement, alone.placement)


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ([UsageError("x"), UsageError("y")], UsageError),
        ([LostWorkerError("x")], LostWorkerError),
        ([NotWholeError("x"), LostWorkerError("y")], BrokenError),
        ([RefusedError(["x", "y"])], RefusedError),
        ([RefusedError(["x"]), UsageError("y")], BrokenError),
    ],
)
def test_errors_of_workers_keep_their_kind_and_name_their_worker(
    errors: list[EmulationError], kind: type[EmulationError]
) -> None:
    with pytest.raises(kind) as caught:
        raise_for({f"w{number}": error for number, error in enumerate(errors)})
    assert type(caught.value) is kind
    for line in str(caught.value).splitlines():
        assert line.startswith(("w0: ", "w1: ")) or line == "y"


def told(workers: list[str], *words: tuple[str, list[Any]]) -> list[tuple[str, int, int]]:
    shown: list[tuple[str, int, int]] = []
    progress = SummedProgress(lambda *each: shown.append(each), workers)
    for worker, each in words:
        progress(worker, each)
    return shown


def test_progress_is_the_sum_over_workers_in_a_phase_and_each_is_shown() -> None:
    assert told(
        ["w1", "w2"], ("w1", ["nodes", 5, 10]), ("w2", ["nodes", 1, 20]), ("w1", ["kernel", 0, 1])
    ) == [
        ("nodes (w1 50%, w2: begins)", 5, 10), ("nodes (w1 50%, w2 5%)", 6, 30),
        ("kernel (w1 0%, w2: nodes)", 0, 1),
    ]  # fmt: skip


def test_of_many_workers_the_last_is_shown() -> None:
    workers = [f"w{number}" for number in range(9)]
    words = [(name, ["nodes", 5 + (name != "w3"), 10]) for name in workers]
    assert told(workers, *words)[-1] == ("nodes on 9 of 9 workers (w3 50%)", 53, 90)
