from __future__ import annotations

import os
import signal
import time
import tracemalloc
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from support.topologies import made

from emulator.engines.dry_run import DryRunEngine, DryRunNetwork
from emulator.engines.dry_run_session import DryRunSession
from emulator.errors import BrokenError, KernelError, MissingError
from emulator.network import LinkState, Network
from emulator.plan import make_plan
from emulator.stress_recovery import recover
from stress.journal import Journal
from stress.operations import Operation, Outcome
from stress.outcomes import Outcomes
from stress.records import ProbeRecord, RunResult, Sample
from stress.runner import RunStatus, conductor, observers, run
from stress.runner.columns import Columns
from stress.runner.columns import outcomes as outcomes_of
from stress.runner.validity import Spent, validity_warnings
from stress.runner.work_distribution import SLOW_WORKERS, shares
from stress.runner.worker import error_kind
from stress.scenario.load import load_text
from stress.schedule import planned
from topologies.profiles import Shape

EVERYTHING = """\
name: x
warmup: 50 ms
cooldown: 50 ms
steps:
  - parallel:
      - {action: port-flap, target: host, rate: 100, down: 20 ms, duration: 500 ms}
      - {action: node-churn, rate: 20, away: 100 ms, duration: 500 ms}
      - {action: port-churn, target: {between: [switch, switch]}, rate: 20, away: 50 ms, duration: 500 ms}
      - {action: switch-restart, rate: 10, down: 50 ms, duration: 500 ms}
      - {action: link-flap, target: host, reroute: true, rate: 20, down: 50 ms, duration: 500 ms}
      - {action: link-impair, rate: 20, shape: {bandwidth: 1 Mbit}, impaired: 50 ms, duration: 500 ms}
      - {action: process, rate: 10, command: ["true"], duration: 500 ms}
  - {action: partition, halves: true, duration: 100 ms}
  - {action: rolling, target: edge, down: 10 ms, pause: 10 ms, duration: 200 ms}
"""
FLAP = "name: x\nsteps: [{action: port-flap, target: host, rate: 200, down: 5 ms, duration: %s}]"


@pytest.fixture
def network(state_dir: Path) -> Network:
    topology = made({"generator": "tree", "depth": 2, "fanout": 4})
    return DryRunEngine().deploy(make_plan(topology, "dry-run"))


def run_scenario(text: str, network: Network, **options: Any) -> RunResult:
    document = load_text(text)
    schedule = planned(document, network.topology, 0, document.steps())
    return run(document, schedule, network, seed=0, **options)


def untouched(network: DryRunNetwork) -> bool:
    gone = network.removed
    return not (gone.ports or gone.links or gone.nodes or network.link_changes)


@pytest.mark.usefixtures("unwatched")
def test_everything_at_once_is_done_and_undone(network: DryRunNetwork) -> None:
    record = run_scenario(EVERYTHING, network)
    assert [outcome.error for outcome in record.outcomes if outcome.error] == []
    assert len(record.outcomes) == sum(record.offered.values())
    assert untouched(network)
    assert [outcome.operation.number for outcome in record.outcomes] == list(range(len(record.outcomes)))
    assert all(outcome.started >= outcome.operation.at for outcome in record.outcomes)
    assert all(outcome.finished >= outcome.started for outcome in record.outcomes)
    assert record.leaks.leaked == []
    assert record.leaks.counts == {"host.namespaces": (3.0, 3.0)}


@pytest.mark.usefixtures("unwatched")
def test_phases_follow_each_other(network: DryRunNetwork) -> None:
    record = run_scenario(EVERYTHING, network)
    names = [phase.name for phase in record.phases]
    assert names == ["warmup", *record.offered, "cooldown", "restore"]
    assert all(phase.start <= phase.end for phase in record.phases)


@pytest.mark.usefixtures("unwatched")
def test_overlapping_operations_are_skipped_and_say_why(network: DryRunNetwork) -> None:
    record = run_scenario(
        "name: x\nsteps: [{parallel: [{action: node-churn, rate: 100, away: 200 ms, duration: 500 ms},"
        " {action: port-flap, target: host, rate: 100, down: 100 ms, duration: 500 ms}]}]",
        network,
    )
    assert not [outcome.error for outcome in record.outcomes if outcome.error]
    why = {outcome.skipped for outcome in record.outcomes if outcome.skipped}
    assert "a node of the link is removed" in why
    assert untouched(network)


@pytest.mark.usefixtures("unwatched")
def test_a_run_waits_for_the_disk_once_however_many_operations_it_has(
    network: DryRunNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    record = run_scenario(
        "name: x\nsteps: [{parallel: [{action: node-churn, rate: 50, away: 20 ms, duration: 200 ms},"
        " {action: port-flap, target: host, rate: 100, down: 5 ms, duration: 200 ms}]}]",
        network,
        journal=tmp_path / "journal",
    )
    assert len(record.outcomes) > 20
    assert len(synced) == 1


class Failing:
    """A session in which bringing ports down fails, as a kernel that has no memory does."""

    def __init__(self, session: Any, error: Exception) -> None:
        self._session = session
        self._error = error

    def __enter__(self) -> Self:
        self._session.__enter__()
        return self

    def __exit__(self, *args: object) -> None:
        self._session.__exit__(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        self._session.set_port(node, port, up=up)
        if not up and node % 2:
            raise self._error


def failing(network: Any, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    make = network.session
    monkeypatch.setattr(network, "session", lambda: Failing(make(), error))


@pytest.mark.usefixtures("unwatched")
def test_errors_are_counted_by_kind_and_the_run_goes_on(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(network, monkeypatch, KernelError("bring down", "h1-eth0", 12))
    record = run_scenario(FLAP % "300 ms", network)
    assert {outcome.error for outcome in record.outcomes} == {"", "bring down: Cannot allocate memory"}
    assert untouched(network)


@pytest.mark.usefixtures("unwatched")
def test_a_bug_ends_the_run_and_all_is_given_back(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(network, monkeypatch, ZeroDivisionError("a bug"))
    begin = time.monotonic()
    record = run_scenario(FLAP % "30 s", network)
    assert time.monotonic() - begin < 10
    assert isinstance(record.failure, ZeroDivisionError)
    assert record.aborted == "ZeroDivisionError: a bug"
    assert 0 < len(record.outcomes) < 6000
    assert untouched(network)


@pytest.mark.usefixtures("unwatched")
def test_a_live_view_that_fails_ends_the_run_in_order(network: DryRunNetwork) -> None:
    def look(watch: RunStatus) -> None:
        if watch.done():
            raise BrokenPipeError(32, "Broken pipe")

    record = run_scenario(FLAP % "30 s", network, look=look)
    assert record.aborted.startswith("BrokenPipeError")
    assert untouched(network)


@pytest.mark.usefixtures("unwatched")
def test_a_link_that_cannot_be_given_back_is_told_and_stays_in_the_journal(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_links = network.set_links

    def set_link(link: int, state: LinkState) -> None:
        set_links({link: state})

    def broken(link: int, state: LinkState) -> None:
        if state.up and link == 0:
            raise BrokenError("the engine is gone")
        set_link(link, state)

    def broken_at_once(wanted: Mapping[int, LinkState]) -> None:
        for link, state in wanted.items():
            broken(link, state)

    step = "{action: link-flap, target: {count: 20}, reroute: true, rate: 100, down: 1 s, duration: 250 ms}"
    journal = tmp_path / "stress.json"
    with monkeypatch.context() as patch:
        patch.setattr(network, "set_link", broken)
        patch.setattr(network, "set_links", broken_at_once)
        record = run_scenario(f"name: x\nsteps: [{step}]", network, journal=journal)
    assert record.aborted == "the engine is gone"
    assert [words for words in record.leaks.leaked if words.endswith("is not as before the run")] != []
    assert set(network.link_changes) == {0}  # the others are back
    assert journal.exists()
    assert len(recover(network, journal, print)) == 1
    assert untouched(network)


@pytest.mark.usefixtures("unwatched")
def test_a_network_that_is_taken_down_in_mid_run_ends_it_and_is_left_alone(
    network: DryRunNetwork, tmp_path: Path
) -> None:
    journal = tmp_path / "stress.json"

    def look(watch: RunStatus) -> None:
        if watch.done() and journal.exists():
            journal.unlink()  # as `down` does, with the folder
            network.set_link = refuse  # type: ignore[method-assign]

    def refuse(link: int, state: LinkState) -> None:
        pytest.fail(f"link {link} of another network was set to {state}")

    step = "{action: link-flap, target: {count: 2}, reroute: true, rate: 1, down: 40 s, duration: 60 s}"
    begin = time.monotonic()
    record = run_scenario(f"name: x\nsteps: [{step}]", network, journal=journal, look=look)
    assert time.monotonic() - begin < 30
    assert record.aborted.startswith("the network was taken down during the stress run")
    assert record.leaks.leaked == ["the network is not there any more"]
    assert not journal.exists()


class Dying:
    """Probes that end before their time."""

    cost = 0.0
    failure = BrokenError("no more sockets")

    def wrong(self) -> int:
        return 1

    def stop(self) -> list[ProbeRecord]:
        return [ProbeRecord("ping", "h1", "h2", sent=10, answered=9, unasked=3)]


@pytest.mark.usefixtures("unwatched")
def test_probes_that_end_early_are_told_and_what_they_found_is_kept(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observers, "create_probes", lambda *_: Dying())
    record = run_scenario(FLAP % "200 ms" + "\nprobes: [{probe: ping, pairs: 1}]", network)
    assert record.aborted == "no more sockets"
    assert record.probes[0].answered == 9
    assert any("3 of 13 probes" in words for words in record.warnings)


@pytest.mark.usefixtures("unwatched")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_steps_and_all_is_given_back(
    network: DryRunNetwork, number: signal.Signals
) -> None:
    sent: list[int] = []

    def stop(watch: RunStatus) -> None:
        if watch.done() and not sent:  # a moment by the clock may come before the first operation
            sent.append(number)
            os.kill(os.getpid(), number)

    record = run_scenario(EVERYTHING.replace("500 ms", "20 s"), network, look=stop)
    assert record.interrupted == number.name
    assert 0 < len(record.outcomes) < sum(record.offered.values())
    assert untouched(network)
    assert not any("never begun" in doubt for doubt in record.warnings)


@pytest.mark.usefixtures("unwatched")
def test_links_get_back_what_they_were_before_not_what_the_file_says(network: DryRunNetwork) -> None:
    before = LinkState(up=True, forward=Shape(bandwidth=5e6))
    network.set_link(3, before)
    run_scenario(
        "name: x\nsteps: [{action: link-impair, rate: 50, shape: {bandwidth: 1 Mbit},"
        " impaired: 10 ms, duration: 1 s}]",
        network,
    )
    assert dict(network.link_changes) == {3: before}


class Grows:
    """Brings up three networks, then no more."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.up: list[str] = []
        self.hosts: list[int] = []

    def grow(self, name: str, hosts: int) -> Any:
        if len(self.up) == 3:
            raise BrokenError("no more memory")
        self.up.append(name)
        self.hosts.append(hosts)
        time.sleep(self.seconds)
        topology = made({"generator": "single", "hosts": hosts})
        grown = DryRunEngine().deploy(make_plan(topology, "dry-run"))
        down = grown.down
        grown.down = lambda *_: (self.up.remove(name), down())  # type: ignore[method-assign, assignment, func-returns-value]
        return grown


@pytest.mark.usefixtures("unwatched")
def test_lateness_does_not_pile_up_where_steps_of_a_ramp_outlast_its_interval(
    network: DryRunNetwork,
) -> None:
    """A step that takes 120 ms every 50 ms: the next is due when it is done, and begins then."""
    record = run_scenario(f"name: x\nsteps: [{RAMP % '1 h'}]", network, growth=Grows(0.12))
    done = list(record.outcomes)
    assert [one.skipped for one in done] == [""] * 4 + ["stopped: no more memory"]
    due = [max(k * 0.05, done[k - 1].finished if k else 0.0) for k in range(len(done))]
    assert [one.operation.at for one in done] == pytest.approx(due)
    assert due[3] >= 0.36
    assert max(one.lateness for one in done) < 0.12, "before, the fourth was 210 ms late"


RAMP = "{action: ramp, hosts: 4, interval: 50 ms, duration: %s}"


@pytest.mark.usefixtures("unwatched")
def test_a_ramp_says_the_last_good_size_and_takes_all_down(network: DryRunNetwork) -> None:
    grows = Grows()
    record = run_scenario(f"name: x\nsteps: [{RAMP % '500 ms'}]", network, growth=grows)
    assert record.ramps[0]["last_good"] == 12
    assert record.ramps[0]["stopped_by"] == "no more memory"
    assert grows.up == []


@pytest.mark.usefixtures("unwatched")
def test_a_run_is_over_when_its_last_ramp_is(network: DryRunNetwork) -> None:
    grows = Grows()
    record = run_scenario(f"name: x\nsteps: [{RAMP % '1 h'}]", network, growth=grows)
    assert record.phases[0].end < 60.0
    assert record.offered == {"ramp": 5}
    assert [outcome.skipped for outcome in record.outcomes] == [""] * 4 + ["stopped: no more memory"]
    assert not [words for words in record.warnings if "never begun" in words]
    assert grows.up == []


@pytest.mark.usefixtures("unwatched")
def test_a_ramp_that_is_over_leaves_the_times_of_other_steps_alone(network: DryRunNetwork) -> None:
    flap = "{action: port-flap, target: host, rate: 20, down: 5 ms, duration: %s}"
    beside, after = flap % "700 ms", flap % "100 ms"
    record = run_scenario(
        f"name: x\nsteps: [{{parallel: [{RAMP % '900 ms'}, {beside}]}}, {after}]", network, growth=Grows()
    )
    assert len(record.outcomes) == sum(record.offered.values()) == 5 + 28 + 4
    assert all(outcome.started >= outcome.operation.at for outcome in record.outcomes)
    assert [phase.start for phase in record.phases if phase.name == "port-flap-2"] == [0.9]


def test_a_domain_has_one_worker(network: DryRunNetwork) -> None:
    document = load_text(EVERYTHING)
    schedule = planned(document, network.topology, 0, document.steps())
    numbers = np.flatnonzero(schedule.step < 4)
    owner: dict[int, int] = {}
    found = shares(schedule, numbers)
    assert sorted(k for share in found for k in share.numbers.tolist()) == numbers.tolist()
    for worker, share in enumerate(found):
        assert share.numbers.tolist() == sorted(share.numbers.tolist())
        for number in share.numbers.tolist():
            target = schedule.targets[int(schedule.target[number])]
            touched = {"port": [target.link], "link": [target.number]}.get(
                target.kind, [end.link for end in network.topology.incident(target.number)]
            )
            for link in touched:
                assert owner.setdefault(link, worker) == worker


def test_hosts_that_churn_are_spread_over_many_workers(network: DryRunNetwork) -> None:
    document = load_text("name: x\nsteps: [{action: node-churn, rate: 100, duration: 1 s}]")
    schedule = planned(document, network.topology, 0, document.steps())
    found = shares(schedule, np.arange(len(schedule)))
    assert len(found) == min(SLOW_WORKERS, len(network.topology.hosts))
    assert max(len(share.numbers) for share in found) <= 2 * len(schedule) / len(found)


def outcome(at: float, started: float, finished: float) -> Outcome:
    return Outcome(Operation(0, at, "s", "a", "v", ()), started, finished)


def record_of(outcomes: list[Outcome], **values: Any) -> RunResult:
    scenario = {"metrics": {"interval": 1.0}}
    return RunResult(scenario, {}, {}, seed=0, began=0.0, outcomes=Outcomes.of(outcomes), **values)


def found(record: RunResult, offered: int = 0, idle: float = 0.5, stolen: float = 0.0) -> list[str]:
    return validity_warnings(record, offered, lambda: Spent(idle, stolen))


def test_late_arrivals_and_a_busy_machine_are_said() -> None:
    good = [outcome(k, k + 0.001, k + 0.002) for k in range(1000)]
    assert found(record_of(good), 1000) == []
    late = good[:900] + [outcome(k, k + 0.5, k + 1) for k in range(900, 1000)]
    assert (
        "10.0% of the operations of s (100 of 1,000) began more than 10 ms late, 0.5 s"
        in found(record_of(late))[0]
    )
    burst = [outcome(k // 10, k // 10 + k % 10 * 0.1, k // 10 + 0.9) for k in range(1000)]
    assert found(record_of(burst)) == [], "of a burst the first to begin tells"
    assert "99% busy" in found(record_of(good), idle=0.01)[0]
    assert "gave 10% of the CPU time to others" in found(record_of(good), stolen=0.1)[0]
    assert "5 of 1,005" in found(record_of(good), 1005)[0]
    assert found(record_of(good, aborted="it broke"), 1005) == []


def test_doubts_count_operations_as_the_events_do() -> None:
    """2,500 moments at which two operations are due each: of 2,486 both are late."""
    events = [
        (k / 100, k / 100 + (0.02 + late if k >= 14 else 0.001)) for k in range(2500) for late in (0, 0.1)
    ]
    record = record_of([outcome(due, began, began) for due, began in events])
    late = np.array([began - due for due, began in events])
    assert (np.count_nonzero(late > 0.010), len(late)) == (4972, 5000)
    (words,) = found(record, 5000)
    assert words.startswith(
        "99.4% of the operations of s (4,972 of 5,000) began more than 10 ms late, 0.12 s"
    )


@pytest.mark.usefixtures("unwatched")
def test_second_0_of_a_run_is_when_it_says_that_it_began(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, remove_link = conductor.machine_facts, DryRunSession.remove_link
    noted: list[float] = []

    def slowly() -> dict[str, Any]:
        time.sleep(0.1)
        return facts()

    def noting(self: DryRunSession, link: int) -> None:
        noted.append(time.time())
        remove_link(self, link)

    monkeypatch.setattr(conductor, "machine_facts", slowly)
    monkeypatch.setattr(DryRunSession, "remove_link", noting)
    record = run_scenario("name: x\nsteps: [{action: port-churn, rate: 10, duration: 500 ms}]", network)
    moments = [record.began + one.started for one in record.outcomes if one.operation.verb == "remove"]
    assert len(moments) == len(noted)
    between = [noted[k] - moments[k] for k in range(len(noted))]
    assert min(between) == pytest.approx(0, abs=0.01), "a thread may be late, but not all of them"


def test_what_was_not_asked_looked_at_or_done_is_said() -> None:
    probes = [ProbeRecord("p", "h1", "h2", sent=95, unasked=5), ProbeRecord("p", "h2", "h1")]
    words = found(record_of([], probes=probes))
    assert ["5 of 100 probes" in words[0], "1 of 2 pairs" in words[1]] == [True, True]
    samples = [Sample(at, {}) for at in (0.0, 1.0, 4.0)]
    assert found(record_of([], samples=samples)) == [
        "no sample of the machine for 3 s, although the interval is 1 s"
    ]
    full = [Sample(at, {"host.neighbours.full": 12.0 * (at == 2.0)}) for at in (0.0, 1.0, 2.0)]
    assert "neighbour table was full, 12 times a second" in found(record_of([], samples=full))[0]
    waited = [Sample(at, {"host.rtnl.wait": 39.0 if at else 0.1}) for at in (0.0, 1.0)]
    assert "a change of the network waited 39 s" in found(record_of([], samples=waited))[0]
    assert found(record_of([], samples=waited[:1])) == []
    flows = [{"error": "ECONNREFUSED"}, {"error": ""}]
    assert "1 of 2 flows of traffic failed: 1 x ECONNREFUSED" in found(record_of([], traffic=flows))
    idle = [outcome(k, k, k) for k in range(10)]
    idle[0].skipped = "the node is removed"
    assert "10.0% of the operations of s (1 of 10) had nothing to do" in found(record_of(idle))[0]


def test_errors_alike_have_one_kind() -> None:
    kinds = {error_kind(KernelError("bring up", f"h{k}-eth0", 19), f"h{k}-eth0") for k in range(3)}
    assert kinds == {"bring up: No such device"}
    assert error_kind(BrokenError("h3 is odd"), "h3") == "… is odd"
    assert error_kind(MissingError("/run/h3 is gone"), "h3") == "/run/… is gone"
    assert error_kind(FileNotFoundError(2, "No such file"), "h3") == "FileNotFoundError: No such file"


def test_what_a_killed_run_had_changed_is_given_back(network: DryRunNetwork, tmp_path: Path) -> None:
    before = LinkState(forward=Shape(bandwidth=5e6))
    network.set_link(3, before)
    journal = Journal(tmp_path / "stress.json", dict(network.link_changes))
    for link in (3, 4):
        journal.will_change(link)
        network.set_link(link, LinkState(up=False))
    journal.will_grow("x-ramp-1")
    taken: list[str] = []
    said = recover(network, tmp_path / "stress.json", taken.append)
    assert dict(network.link_changes) == {3: before}
    assert taken == ["x-ramp-1"]
    assert said[0] == "removed the network x-ramp-1 of a ramp"
    assert [line.startswith("restored link ") for line in said[1:]] == [True, True]
    assert recover(network, tmp_path / "stress.json", taken.append) == []


@pytest.mark.usefixtures("unwatched")
@pytest.mark.parametrize(("most", "grows_by"), [(8, [4, 4]), (9, [4, 4, 1])])
def test_a_ramp_that_has_its_most_ends_its_step(
    network: DryRunNetwork, most: int, grows_by: list[int]
) -> None:
    grows = Grows()
    ramp = (RAMP % "1 h").replace("hosts", f"most: {most}, hosts")
    begin = time.monotonic()
    record = run_scenario(f"name: x\nsteps: [{ramp}]", network, growth=grows)
    assert time.monotonic() - begin < 60
    assert (record.ramps[0]["last_good"], record.ramps[0]["stopped_by"]) == (most, "`most` is reached")
    assert grows.hosts == grows_by
    assert [outcome.operation.verb for outcome in record.outcomes] == [*["grow"] * len(grows_by), "take down"]
    assert not [outcome for outcome in record.outcomes if outcome.skipped or outcome.error]
    assert record.offered == {"ramp": len(record.outcomes)}
    assert grows.up == []


def test_what_a_run_keeps_of_an_operation_is_numbers() -> None:
    columns = Columns(np.arange(100_000), np.zeros(100_000))
    words = [f"the node {k % 2} is removed" for k in range(4)]
    tracemalloc.start()
    for k in range(len(columns.numbers)):
        columns.skipped(k, words[k % 4]) if k % 5 else columns.failed(k, f"error {k % 20}")
        columns.done = k + 1
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 4096
    assert columns.errors == 20_000
    assert len(columns.latencies(0, 100_000)) == 0


def test_more_kinds_of_errors_than_are_kept_are_one_kind(network: DryRunNetwork) -> None:
    text = "name: x\nsteps: [{action: port-flap, target: host, rate: 1000, down: 5 ms, duration: 1 s}]"
    document = load_text(text)
    schedule = planned(document, network.topology, 0, document.steps())
    columns = Columns(np.arange(2000), schedule.at / 1e6)
    for k in range(2000):
        columns.failed(k, f"error {k}")
    columns.done = 2000
    found = [outcome.error for outcome in outcomes_of(schedule, [columns])]
    assert found[:999] == [f"error {k}" for k in range(999)]
    assert set(found[999:]) == {"more kinds of errors than are kept"}


@pytest.mark.usefixtures("unwatched")
def test_what_refers_to_itself_does_not_pile_up(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: weakref.WeakSet[Failing] = weakref.WeakSet()
    most = 0

    def look(watch: RunStatus) -> None:
        nonlocal most
        most = max(most, len(made))

    set_links = network.set_links

    def leaves_a_cycle(wanted: Mapping[int, LinkState]) -> None:
        set_links(wanted)
        one = Failing(None, ZeroDivisionError())
        one._session = one
        made.add(one)

    monkeypatch.setattr(network, "set_links", leaves_a_cycle)
    flap = "{action: link-flap, reroute: true, rate: 100, down: 5 ms, duration: 4 s}"
    record = run_scenario(f"name: x\nsteps: [{flap}]", network, look=look)
    assert len(record.outcomes) == 800
    assert 0 < most <= 400
