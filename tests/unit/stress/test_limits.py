"""What limits say, what they refuse, and how they are judged."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from stress.available_metrics import AvailableMetrics
from stress.histogram import Histogram
from stress.limits import Limit, Verdict, judge, parse
from stress.metrics.format import format_value
from stress.operations import Operation, Outcome
from stress.outcomes import Outcomes
from stress.records import (
    LeakCheck,
    LossWindow,
    Phase,
    ProbeRecord,
    RunResult,
    Sample,
)
from stress.report import write
from stress.scenario.load import load_text


def outcome(at: float, verb: str = "down", took: float = 0.001, **keys: str) -> Outcome:
    operation = Operation(int(at * 1e6), at, "flap", "port-flap", verb, (keys.pop("target", "h1-eth0"),))
    return Outcome(operation, at, at + took, **keys)


def record(**keys: object) -> RunResult:
    base = RunResult({"steps": [{"name": "flap", "action": "port-flap"}]}, {}, {}, 0, 0.0)
    base.phases = [Phase("flap", 0.0, 10.0)]
    for key, value in keys.items():
        setattr(base, key, Outcomes.of(value) if key == "outcomes" else value)
    return base


def verdict(text: str, run: RunResult) -> Verdict:
    (found,) = judge(run, [parse(text)])
    return found


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("port-flap.latency.p99 <= 20 ms", ("port-flap.latency.p99", "<=", 0.02, None)),
        ("probe.loss<=0.1%", ("probe.loss", "<=", 0.001, None)),
        ("host.memory.growth <= 50 MiB", ("host.memory.growth", "<=", 50 * 2**20, None)),
        ("errors == 0", ("errors", "==", 0, None)),
        ("achieved >= 99 % of offered", ("achieved", ">=", 0.99, "offered")),
        ("flap.achieved >= 99 % of offered", ("flap.achieved", ">=", 0.99, "flap.offered")),
        ("convergence.p99 < 1 s", ("convergence.p99", "<", 1, None)),
        ("a.rate > 10_000 /s", ("a.rate", ">", 10_000, None)),
        ("churn.give-back.latency.p99.99 <= 1 min", ("churn.give-back.latency.p99.99", "<=", 60, None)),
        ("port.h1-eth0.rx_bytes.mean >= 1 MiB/s", ("port.h1-eth0.rx_bytes.mean", ">=", 2**20, None)),
        ("traffic.slowest >= 10 Mbit", ("traffic.slowest", ">=", 1e7, None)),
        ("host.cpu.core3.p90 <= 95 %", ("host.cpu.core3.p90", "<=", 0.95, None)),
        ("host.memory.growth >= -1 GiB", ("host.memory.growth", ">=", -(2**30), None)),
    ],
)
def test_what_limits_say(text: str, limit: tuple[str, str, float, str | None]) -> None:
    found = parse(text)
    assert (found.figure, found.operator, found.bound, found.of) == (
        limit[0], limit[1], pytest.approx(limit[2]), limit[3])  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("errors", "`errors` is not a limit; write for example `errors == 0`"),
        ("eror == 0", "`eror` is not measured; did you mean `errors`?"),
        ("flap.latncy.p99 <= 1 s", "`flap.latncy.p99` is not measured; did you mean `flap.latency.p99`?"),
        ("host.memroy.used <= 1 GiB", "`host.memroy.used` is not measured; did you mean `host.memory.used`?"),
        ("flap.loss <= 20 MiB", "`MiB` is not a unit of `flap.loss`; use one of: `%`"),
        ("probe.loss <= none", "`none` is not a bound; write for example `probe.loss <= 0.1 %`"),
        ("errors == 0 ms", "`ms` is not a unit of `errors`; use one of: a bare number"),
        ("flap.latency.p99 <= 99 % of offered",
         "`flap.latency.p99` is not a share of `offered`; compare figures of the same unit"),
    ],
)  # fmt: skip
def test_what_is_no_limit_is_told_what_to_write(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        parse(text)


@pytest.mark.parametrize("figure", ["port.h1-eth0.rx_byte", "port.rx_bytes", "process.runner.size"])
def test_what_is_not_counted_of_ports_and_processes_is_no_figure(figure: str) -> None:
    with pytest.raises(ValueError, match="is not measured"):
        parse(f"{figure} <= 1")


MEASURED = """\
name: x
duration: 4 s
steps:
  - {action: port-flap, name: flap, rate: 1}
  - {action: link-impair, rate: 1, shape: {delay: 1 ms}}
  - {action: ramp, name: grow}
probes: [{probe: ping}, {probe: tcp, name: web}]
"""


def measured(text: str = MEASURED) -> AvailableMetrics:
    document = load_text(text)
    return AvailableMetrics.of(document.scenario, document.steps())


@pytest.mark.parametrize(
    "figure",
    ["ping.loss", "web.rtt.p99", "probe.loss", "flap.latency.p99", "port-flap.latency.p99", "errors",
     "port-flap.up.latency.max", "link-impair.give-back.errors", "grow.last_good", "flap.convergence.max",
     "recovery.p99", "link-impair.offered", "host.load.1", "process.runner.rss", "leaks", "probe.cpu",
     "sampler.cpu", "seconds", "ramp.achieved"],
)  # fmt: skip
def test_what_a_scenario_measures_may_be_limited(figure: str) -> None:
    assert measured().why_not(figure) == ""


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        ("flop.latency.p99", "there is no step or action `flop`; did you mean `flap`?"),
        (
            "zzz.errors",
            "there is no step or action `zzz`; use one of: flap, port-flap, link-impair, grow, ramp",
        ),
        ("port-flap.dwon.latency.p99", "`port-flap` has no verb `dwon`; did you mean `down`?"),
        ("flap.give-back.errors", "`flap` has no verb `give-back`; use one of: down, up"),
        (
            "errors.latency.p99",
            "there is no step or action `errors`; use one of: flap, port-flap, link-impair, grow, ramp",
        ),
        ("pong.loss", "there is no probe `pong`; did you mean `ping`?"),
        ("flap.loss", "there is no probe `flap`; use one of: ping, web, probe"),
        ("flap.last_good", "there is no ramp `flap`; use one of: grow"),
        ("traffic.rate", "the scenario has no `traffic` step"),
        ("port.h1-eth0.rx_bytes", "no ports are recorded; write for example `metrics: {ports: host}`"),
    ],
)
def test_what_a_scenario_does_not_measure_is_refused_with_what_it_does(figure: str, words: str) -> None:
    assert measured().why_not(figure) == words


def test_both_figures_of_a_limit_must_be_measured() -> None:
    for text in ("flop.errors == 0", "errors <= 1 % of flop.offered", "flop.errors <= 1 % of offered"):
        with pytest.raises(ValueError, match=r"^there is no step or action `flop`; did you mean `flap`\?$"):
            parse(text, measured())
    assert parse("flap.errors <= 1 % of offered", measured()).of == "flap.offered"


def test_without_probes_nothing_converges_and_nothing_is_lost() -> None:
    none = measured(MEASURED.replace("probes: [{probe: ping}, {probe: tcp, name: web}]\n", ""))
    for figure in ("probe.loss", "convergence.p99", "flap.recovery.max", "probe.cpu"):
        assert none.why_not(figure) == "the scenario has no probes"


def test_with_traffic_and_ports_their_figures_are_known() -> None:
    more = MEASURED.replace("ramp, name: grow", "traffic, name: flows") + "metrics: {ports: host}\n"
    assert measured(more).why_not("traffic.rate") == ""
    assert measured(more).why_not("port.h1-eth0.rx_bytes.max") == ""
    assert measured(more).why_not("grow.last_good") == "the scenario has no ramps"


def test_latencies_errors_and_rates() -> None:
    outcomes = [outcome(k / 10, took=0.001 * (k + 1)) for k in range(99)]
    outcomes += [outcome(9.9, error="No such device"), outcome(9.95, skipped="the port is up")]
    run = record(outcomes=outcomes, offered={"flap": 110})
    assert verdict("flap.latency.p50 <= 50.1 ms", run).held
    assert not verdict("flap.latency.max <= 98 ms", run).held
    assert verdict("port-flap.down.latency.p99 >= 90 ms", run).held
    assert str(verdict("errors == 0", run)) == "errors == 0 (measured 1)"
    assert str(verdict("achieved >= 99 % of offered", run)) == (
        "achieved >= 99 % of offered (measured 100 of 110, 90.91%)")  # fmt: skip
    assert not verdict("flap.achieved >= 95 % of offered", run).held
    assert verdict("flap.achieved >= 90 % of offered", run).held
    assert verdict("flap.skipped == 1", run).held
    assert verdict("flap.rate <= 10.1 /s", run).measured == pytest.approx(100 / 10)


@pytest.mark.parametrize(
    "text",
    ["flap.latency.p99 <= 1 s", "probe.loss <= 1 %", "convergence.p99 <= 1 s", "host.memory.growth <= 1 GiB",
     "traffic.rate >= 1 Mbit", "port.h1-eth0.rx_bytes <= 1 GiB", "ramp.last_good >= 1"],
)  # fmt: skip
def test_what_was_not_measured_does_not_hold(text: str) -> None:
    found = verdict(text, record())
    assert not found.held
    assert found.measured is None
    assert "was not measured" in str(found)


def test_series_have_extremes_and_growth() -> None:
    samples = [Sample(float(k), {"host.memory.used": 1e9 + k * 2**20, "host.load.1": abs(5.0 - k)})
               for k in range(11)]  # fmt: skip
    run = record(samples=samples, sampler_cost=0.1)
    assert verdict("host.memory.growth <= 10 MiB", run).held
    assert not verdict("host.memory.used.growth < 10 MiB", run).held
    assert verdict("host.load.1 <= 5", run).measured == 5
    assert verdict("host.load.1.min == 0", run).held
    assert verdict("host.load.1.p50 == 3", run).measured == 3
    assert verdict("sampler.cpu <= 2 %", run).measured == pytest.approx(0.01)


def probe(*windows: LossWindow, source: str = "h1", sent: int = 1000) -> ProbeRecord:
    lost = sum(window.lost for window in windows)
    return ProbeRecord("ping", source, "h9", sent, sent - lost, list(windows), [(0.0, 0.001)], interval=0.1)


def test_convergence_goes_from_the_event_until_its_probes_are_right() -> None:
    outcomes = [outcome(2.0, target="h1 -- s1"), outcome(3.0, "up", target="h1 -- s1")]
    outcomes += [outcome(5.0, target="h7"), outcome(6.0, target="h8")]
    probes = [probe(LossWindow(2.05, 3.2, 12, 1.95)), probe(LossWindow(2.03, 3.4, 14, 1.93), source="h2"),
              probe(LossWindow(5.01, 5.5, 5, 4.91)), probe(LossWindow(8.0, 8.5, 5, 7.9))]  # fmt: skip
    run = record(outcomes=outcomes, probes=probes)
    assert verdict("convergence.max <= 1 s", run).measured == pytest.approx(1.4)
    assert verdict("convergence.min <= 1 s", run).measured == pytest.approx(0.5)
    assert verdict("recovery.max <= 1 s", run).measured == pytest.approx(0.4)
    assert verdict("convergence.events == 2", run).held
    assert verdict("probe.windows == 4", run).held
    assert verdict("probe.blackhole <= 4 s", run).measured == pytest.approx(1.15 + 1.37 + 0.49 + 0.5)
    assert verdict("probe.loss <= 1 %", run).measured == pytest.approx(36 / 4000)


def test_the_event_that_names_an_end_of_the_probe_is_the_cause() -> None:
    outcomes = [outcome(2.0, target="h1-eth0"), outcome(2.04, target="h5-eth0")]
    run = record(outcomes=outcomes, probes=[probe(LossWindow(2.05, 3.0, 10, 1.95))])
    assert verdict("convergence.max <= 2 s", run).measured == pytest.approx(1.0)
    run.probes[0].source = "h77"
    assert verdict("convergence.max <= 2 s", run).measured == pytest.approx(0.96)


def test_what_was_undone_long_before_the_end_is_not_the_cause() -> None:
    outcomes = [outcome(2.0, target="h1-eth0"), outcome(2.01, target="s1"),
                outcome(2.1, "up", target="h1-eth0"), outcome(4.0, "up", target="s1")]  # fmt: skip
    run = record(outcomes=outcomes, probes=[probe(LossWindow(2.05, 4.1, 20, 1.95))])
    assert verdict("convergence.max <= 9 s", run).measured == pytest.approx(2.09)
    assert verdict("recovery.max <= 1 s", run).measured == pytest.approx(0.1)


@pytest.mark.parametrize("target", ["h1-eth0", "s1"])
def test_a_command_in_the_node_is_the_cause_only_where_nothing_was_taken_away(target: str) -> None:
    command = outcome(2.03, "run", target="h1")
    command = replace(command, operation=replace(command.operation, step="process", action="process"))
    windows = [LossWindow(2.05, 3.0, 10, 1.95)]
    run = record(outcomes=[outcome(2.0, target=target), outcome(2.5, "up", target=target), command],
                 probes=[probe(*windows)])  # fmt: skip
    assert verdict("port-flap.convergence.max <= 2 s", run).measured == pytest.approx(1.0)
    run = record(outcomes=[command], probes=[probe(*windows)])
    assert verdict("process.convergence.max <= 2 s", run).measured == pytest.approx(0.97)


def test_a_probe_that_never_comes_right_breaks_a_limit_on_convergence() -> None:
    run = record(outcomes=[outcome(9.0)], probes=[probe(LossWindow(9.05, None, 9, 8.95))])
    found = verdict("convergence.p99 <= 10 s", run)
    assert not found.held
    assert "never over" in str(found)
    assert verdict("convergence.unfinished == 1", run).held


@pytest.mark.parametrize(
    "text",
    ["probe.windows == 0", "probe.longest <= 1 s", "probe.blackhole <= 1 s", "convergence.p99 <= 1 s",
     "convergence.unfinished == 0"],
)  # fmt: skip
def test_probes_that_were_never_asked_measured_nothing(text: str) -> None:
    found = verdict(text, record(outcomes=[outcome(9.0)], probes=[probe(sent=0)]))
    assert (found.held, found.measured) == (False, None)


def test_undisturbed_probes_have_converged_at_once() -> None:
    run = record(outcomes=[outcome(9.0)], probes=[probe()])
    assert verdict("convergence.p99 <= 1 ms", run).measured == 0


def test_leaks_doubts_and_ramps() -> None:
    flow = {"step": "t", "received_bytes": 1_250_000, "seconds": 1.0, "error": ""}
    ramp = {"step": "ramp", "last_good": 4096}
    run = record(leaks=LeakCheck({}, ["h1"]), warnings=["late"], ramps=[ramp], traffic=[flow])
    assert not verdict("leaks == 0", run).held
    assert verdict("doubts <= 1", run).held
    assert verdict("ramp.last_good >= 4000", run).held
    assert str(verdict("traffic.rate >= 10 Mbit", run)) == "traffic.rate >= 10 Mbit (measured 10 Mbit)"


def test_a_whole_run_is_judged_at_once() -> None:
    texts = ["flap.latency.p99 <= 20 ms", "errors == 0", "probe.loss <= 5 %"]
    run = record(outcomes=[outcome(1.0), outcome(2.0, error="No such device")], offered={"flap": 2})
    run.probes = [ProbeRecord("ping", "h1", "h2", 100, 96)]
    found = judge(run, [parse(text) for text in texts])
    assert [one.held for one in found] == [True, False, True]


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(0.00031, "seconds", "310 us"), (5.0, "seconds", "5 s"), (50 * 2**20, "bytes", "50 MiB"),
     (0.034, "share", "3.4 %"), (9812.4, "rate", "9812 /s"), (0.0, "count", "0"),
     (2.5e9, "bitrate", "2.5 Gbit"),
     (-3072.0, "bytes", "-3 KiB"), (123456.7, "count", "123,457")],
)  # fmt: skip
def test_numbers_are_shown_with_units(value: float, unit: str, words: str) -> None:
    assert format_value(value, unit) == words


def test_limits_are_values() -> None:
    assert parse(" errors == 0 ") == Limit("errors == 0", "errors", "==", 0.0, "count")


def test_operations_that_were_all_done_but_too_late_are_not_achieved() -> None:
    slow = [outcome(k / 10) for k in range(100)]
    for k, one in enumerate(slow):  # each begins twice as late as it was due
        one.started, one.finished = k / 5, k / 5 + 0.001
    run = record(outcomes=slow, offered={"flap": 100})
    found = verdict("flap.achieved >= 99 % of offered", run)
    assert not found.held
    assert str(found).endswith("(measured 100 of 100 in 1.98 times the time, 50.51%)")
    assert not verdict("achieved >= 99 % of offered", run).held
    assert not verdict("rate >= 99 % of offered_rate", run).held
    assert verdict("flap.achieved == 100", run).held


def test_a_last_operation_that_takes_long_is_no_lower_rate() -> None:
    outcomes = [*(outcome(k / 10) for k in range(99)), outcome(9.9, took=3.0)]
    assert verdict("achieved >= 99 % of offered", record(outcomes=outcomes, offered={"flap": 100})).held


@pytest.mark.parametrize("offered", [0, 100])
def test_no_errors_where_nothing_was_begun_is_not_measured(offered: int) -> None:
    found = verdict("flap.errors == 0", record(offered={"flap": offered}))
    assert (found.held, found.measured) == (False, None)


@pytest.mark.parametrize("text", ["achieved >= 99 % of offered", "flap.achieved <= 99 % of offered"])
def test_a_share_of_nothing_is_not_measured(text: str) -> None:
    found = verdict(text, record(offered={"flap": 0}))
    prefix = "flap." if text.startswith("flap") else ""
    assert (found.held, found.bound) == (False, None)
    assert found.words == f"measured 0 of {prefix}offered, which is 0: a share of nothing is not measured"


def test_a_series_alone_means_its_worst() -> None:
    values = (4e9, 1e8, 4e9)
    run = record(samples=[Sample(float(k), {"host.memory.available": v}) for k, v in enumerate(values)])
    assert not verdict("host.memory.available >= 1 GiB", run).held
    assert not verdict("host.memory.available <= 3 GiB", run).held
    assert verdict("host.memory.available.max >= 1 GiB", run).held


def test_convergence_that_never_ended_breaks_limits_of_its_own_step_only() -> None:
    gone = ProbeRecord("ping", "h1", "h2", 100, 50, [LossWindow(9.05, None, 9, 8.95)], interval=0.1)
    other = Outcome(Operation(1, 3.0, "churn", "node-churn", "remove", ("h9",)), 3.0, 3.1)
    run = record(outcomes=[other, outcome(9.0)], offered={"flap": 1, "churn": 1}, probes=[gone])
    assert not verdict("flap.convergence.p99 <= 5 s", run).held
    assert not verdict("convergence.max <= 5 s", run).held
    assert verdict("churn.convergence.max <= 5 s", run).held
    assert verdict("convergence.unfinished <= 1", run).held


def test_an_event_that_overtakes_a_question_on_its_way_is_its_cause() -> None:
    far = ProbeRecord("ping", "h1", "h2", 100, 9, [LossWindow(4.9, 5.9, 91, 4.89)], interval=0.01,
                      histogram=Histogram([0.2]))  # fmt: skip
    run = record(outcomes=[outcome(5.0), outcome(5.2)], offered={"flap": 2}, probes=[far])
    assert verdict("convergence.events == 1", run).held
    assert verdict("convergence.max >= 0.7 s", run).held
    assert not verdict("convergence.p99 <= 100 ms", run).held


def two_steps(*, slow: float) -> RunResult:
    """`first`: 1,000 operations in a second, `slow` times as long; then `second`, 4,176 in time."""
    one = [Outcome(Operation(k, k / 1000, "first", "port-flap", "down", ("h1-eth0",)), slow * k / 1000, 9.0)
           for k in range(1000)]  # fmt: skip
    two = [Outcome(Operation(k, 2 + k / 1000, "second", "port-flap", "up", ("h2-eth0",)), 2 + k / 1000, 9.0)
           for k in range(4176)]  # fmt: skip
    run = record(outcomes=[*one, *two], offered={"first": 1000, "second": 4176})
    run.scenario = {"steps": [{"name": name, "action": "port-flap"} for name in ("first", "second")]}
    run.phases = [Phase("first", 0.0, 1.0), Phase("second", 2.0, 2.0 + 4.176)]
    return run


@pytest.mark.parametrize(
    "text",
    [
        "achieved >= 99 % of offered",
        "port-flap.achieved > 99 % of offered",
        "first.achieved >= 99 % of offered",
        "rate >= 99 % of offered_rate",
    ],
)
def test_each_step_must_have_kept_its_rate(text: str) -> None:
    """All 5,176 operations were done, and the run as a whole wasn't longer; one step was too slow."""
    found = verdict(text, two_steps(slow=1.1485))
    needed = 1.1485 * 0.999  # until the last began
    assert not found.held
    assert found.measured is not None
    assert found.bound is not None
    assert found.measured / found.bound * 0.99 == pytest.approx(1 / needed, rel=1e-9)
    assert found.words.endswith(f"{1 / needed:.2%}")
    assert ("`first` had 871.6 /s of 1,000 /s" in found.words) is not text.startswith("first")
    assert verdict(text, two_steps(slow=1.01)).held
    assert verdict("second.achieved >= 99 % of offered", two_steps(slow=1.1485)).held


def test_a_step_that_was_never_begun_is_not_hidden_by_others() -> None:
    run = two_steps(slow=1.0)
    run.outcomes = run.outcomes[1000:]
    found = verdict("achieved >= 10 % of offered", run)
    assert (found.held, found.measured) == (False, 0)


def test_a_share_of_what_was_not_measured_does_not_hold() -> None:
    found = verdict("errors <= 1000 % of traffic.flows", record(outcomes=[outcome(1.0)]))
    assert (found.held, found.measured, found.bound) == (False, 0, None)
    assert found.words == "traffic.flows was not measured"


def test_a_verdict_tells_the_bound_in_the_figures_own_unit() -> None:
    run = record(outcomes=[outcome(at / 10) for at in range(100)], offered={"flap": 100})
    assert verdict("errors <= 10 % of achieved", run).bound == pytest.approx(10)
    assert verdict("errors <= 3", run).bound == 3


@pytest.mark.parametrize(
    ("late", "held", "words"),
    [
        (0.0481, False, "measured 620 of 620 in 1.048 times the time, 95.41%"),
        (0.01012, False, "measured 620 of 620 in 1.01 times the time, 98.998%"),
        (0.01, True, "measured 620 of 620 in 1.01 times the time, 99.01%"),
    ],
)
def test_a_short_step_is_judged_by_its_events_alone(
    tmp_path: Path, late: float, held: bool, words: str
) -> None:
    """What events.jsonl and the phases say, computed here, is what limit and report say."""
    ones = [outcome(1 + k / 620) for k in range(620)]
    for k, one in enumerate(ones):
        one.started = 1 + (1 + late) * k / 619
        one.finished = one.started + 0.3
    run = record(
        outcomes=ones,
        offered={"flap": 620},
        phases=[Phase("flap", 1.0, 2.0)],
    )
    found = verdict("achieved >= 99 % of offered", run)
    write(run, [found], tmp_path)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    rate = len(events) / (max(event["started"] for event in events) - 1.0)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["steps"][0]["achieved_rate"] == pytest.approx(rate, rel=1e-9)
    assert report["figures"]["rate"] == pytest.approx(rate, rel=1e-9)
    assert rate == pytest.approx(620 / (1 + late), rel=1e-9)
    assert (found.held, found.words) == (held, words)


def test_a_share_is_shown_on_the_side_of_the_bound_where_it_lies() -> None:
    run = two_steps(slow=1.001001 + 1e-6)
    found = verdict("first.achieved >= 100 % of offered", run)
    assert not found.held
    assert "100.00%" not in found.words
    assert " in 1 times" not in found.words
