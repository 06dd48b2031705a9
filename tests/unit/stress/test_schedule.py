from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.topologies import made, make

from stress.actions.plan_context import PlanContext
from stress.actions.port_flap import PortFlap
from stress.arrivals import arrivals
from stress.replay import replayed, save
from stress.scenario.load import load_text
from stress.schedule import Schedule, planned
from topologies.errors import InputError, ParameterError
from topologies.rng import Stream
from topologies.topology import Topology

TREE = make("tree", depth=2, fanout=4)
MIXED = """\
name: x
warmup: 1 s
duration: 4 s
steps:
  - parallel:
      - {action: port-flap, target: host, rate: 20, arrival: poisson, down: 30 ms}
      - {action: node-churn, churn: {percent: 25 %, delay: 500 ms}, away: 500 ms}
  - {action: traffic, flows: 3, duration: 1 s}
"""


def schedule(text: str, seed: int = 0, topology: Topology = TREE) -> Schedule:
    document = load_text(text)
    return planned(document, topology, seed, document.steps())


def replay(path: Path, text: str = MIXED, topology: Topology = TREE) -> Schedule:
    document = load_text(text)
    return replayed(path, document, topology, 9, document.steps())


def step(**keys: Any) -> PortFlap:
    return PortFlap.model_validate({"action": "port-flap", "rate": 10.0, **keys})


def at(seconds: float, **keys: Any) -> list[int]:
    return arrivals(step(**keys), seconds, Stream(1), ()).tolist()  # type: ignore[no-any-return]


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another() -> None:
    one, same, other = (list(schedule(MIXED, seed).lines()) for seed in (7, 7, 8))
    assert one == same
    assert one != other


def test_the_schedule_of_a_seed_is_fixed_for_ever() -> None:
    """Golden: a change of these lines breaks every schedule that anybody has saved."""
    lines = list(schedule(MIXED, 7).lines())
    assert (len(lines), lines[0], lines[20], lines[-1]) == GOLDEN


def test_steps_do_not_change_each_other() -> None:
    alone = MIXED.replace(
        "      - {action: node-churn, churn: {percent: 25 %, delay: 500 ms}, away: 500 ms}\n", ""
    )
    flaps = [line for line in schedule(MIXED, 3).lines() if "port-flap" in line]
    assert flaps == [line for line in schedule(alone, 3).lines() if "port-flap" in line]


def test_operations_are_in_order_within_their_step_and_undone_by_its_end() -> None:
    found = schedule(MIXED, 5)
    assert np.all(np.diff(found.at) >= 0)
    away: set[str] = set()
    for operation in found.operations():
        its = next(s for s in found.steps if s.name == operation.step)
        assert its.start <= operation.at <= its.end
        if operation.verb in {"down", "remove"}:
            assert operation.targets[0] not in away
            away.add(operation.step + operation.targets[0])
        elif operation.verb in {"up", "add"}:
            away.remove(operation.step + operation.targets[0])
    assert not away


def test_churn_takes_its_share_each_cycle() -> None:
    step = "{action: node-churn, churn: {percent: 25 %, delay: 500 ms}, away: 500 ms}"
    text = f"name: x\nduration: 3 s\nsteps: [{step}]"
    found = [o for o in schedule(text).operations() if o.verb == "remove"]
    assert [o.at for o in found] == [0.0] * 4 + [1.0] * 4 + [2.0] * 4
    assert len({o.targets for o in found}) == 12  # another quarter each time


def test_constant_arrivals_are_even() -> None:
    assert at(0.5) == [0, 100_000, 200_000, 300_000, 400_000]


def test_bursts_begin_at_once() -> None:
    assert at(1.0, arrival="burst", burst=5) == [0] * 5 + [500_000] * 5


def test_a_ramp_has_as_many_as_its_mean_rate_and_ever_smaller_gaps() -> None:
    found = at(10.0, arrival="ramp", rate=100.0)
    assert len(found) == 500
    assert np.all(np.diff(found, n=2) <= 1)
    assert sum(moment < 5_000_000 for moment in found) == 125


def test_poisson_arrivals_have_exponential_gaps() -> None:
    gaps = np.diff(at(100.0, arrival="poisson", rate=100.0)) / 1e6
    assert 0.0095 < gaps.mean() < 0.0105
    assert 0.9 < gaps.std() / gaps.mean() < 1.1


@settings(max_examples=60, deadline=None)
@given(
    rate=st.floats(0.1, 2000),
    seconds=st.floats(0.01, 5),
    arrival=st.sampled_from(["constant", "poisson", "ramp", "burst"]),
)
def test_arrivals_are_ascending_and_within_the_step(rate: float, seconds: float, arrival: str) -> None:
    found = at(seconds, rate=rate, arrival=arrival)
    assert found == sorted(found)
    assert all(0 <= moment <= seconds * 1e6 for moment in found)
    if arrival == "constant":
        assert abs(len(found) - rate * seconds) <= 1


def staged(*stages: tuple[float, float, str], **keys: Any) -> PortFlap:
    found = [{"duration": f"{took} s", "rate": rate, "change": change} for took, rate, change in stages]
    return PortFlap.model_validate({"action": "port-flap", "stages": found, **keys})


def counts(flap: PortFlap, seconds: float) -> list[int]:
    """Return the arrivals in each second."""
    found = arrivals(flap, seconds, Stream(1), ())
    assert np.all(np.diff(found) >= 0)
    return np.bincount(found // 1_000_000, minlength=int(seconds)).tolist()  # type: ignore[no-any-return]


def test_stages_are_reached_in_a_straight_line_or_at_once() -> None:
    assert counts(staged((2, 100, "linear"), (2, 100, "linear"), (1, 0, "linear")), 5) == [
        25, 75, 100, 100, 50,
    ]  # fmt: skip
    assert counts(staged((2, 10, "step"), (1, 0, "step"), (2, 30, "step")), 5) == [10, 10, 0, 30, 30]
    assert counts(staged((1, 40, "linear"), from_rate=20.0), 1) == [30]
    assert counts(staged((4, 10, "step"), (4, 20, "step")), 4) == [10, 10, 20, 20], "a shorter run"


def test_one_stage_is_a_constant_rate_or_a_ramp() -> None:
    at_once, ramp = staged((10, 10, "step")), staged((10, 10, "linear"))
    assert arrivals(at_once, 10, Stream(1), ()).tolist() == at(10)
    assert arrivals(ramp, 10, Stream(1), ()).tolist() == at(10, arrival="ramp")


def test_random_arrivals_follow_the_stages() -> None:
    found = np.array(counts(staged((100, 100, "linear"), (100, 0, "linear"), arrival="poisson"), 200))
    expected = 100 - np.abs(np.arange(200) + 0.5 - 100)
    assert abs(found.sum() - 10_000) < 400
    assert np.abs(found - expected).max() < 5 * np.sqrt(100)
    assert 0.8 < ((found - expected) ** 2 / expected).mean() < 1.2, "as a Poisson process varies"


def test_a_step_lasts_as_long_as_its_stages_and_the_same_file_gives_the_same_schedule() -> None:
    text = (
        "name: x\nsteps:\n"
        "  - {action: port-flap, target: host, down: 10 ms, stages: [{duration: 2 s, rate: 20},"
        " {duration: 1 s, rate: 5, change: step}]}\n"
        "  - {action: port-flap, target: host, rate: 5, down: 10 ms, duration: 2 s}\n"
    )
    found = schedule(text)
    assert [(one.start, one.seconds) for one in found.steps] == [(0, 3), (3, 2)]
    assert list(found.lines()) == list(schedule(text).lines())
    document = load_text(text)
    assert [one.seconds for one in document.steps(10.0)] == [6, 4]


def test_too_many_in_stages_are_refused_with_their_place() -> None:
    with pytest.raises(ParameterError, match="too many") as found:
        arrivals(staged((86400, 1e6, "step")), 86400, Stream(1), ("steps", 0))
    assert found.value.loc == ("steps", 0, "stages")


def test_too_many_are_refused_before_they_are_made() -> None:
    with pytest.raises(ParameterError, match="too many"):
        at(86400, rate=1e6)


def test_targets_take_turns() -> None:
    context = PlanContext(TREE, "flap", ("steps", 0), 1.6, 0)
    plan = step().plan(context)
    taken = plan.target[:16].tolist()
    assert sorted(taken) != taken
    assert len(set(taken)) == 16


def test_a_saved_schedule_comes_back_as_it_was(tmp_path: Path) -> None:
    before = schedule(MIXED, 9)
    save(before, tmp_path / "s.jsonl")
    after = replay(tmp_path / "s.jsonl")
    assert list(after.operations()) == list(before.operations())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _: "", "is not a schedule file"),
        (lambda t: "\x00" + t, "is not a schedule file"),
        (lambda t: t.replace('"port-flap"', '"flap"', 1), "other steps"),
        (lambda t: t.replace('"topology": "x"', '"topology": "y"'), "network `y`"),
        (lambda t: t + "[1, 2]\n", ":{last}:1: is not an operation"),
        (lambda t: t + '[5, 0, "down", "port", 999, 0, 0]\n', ":{last}:1: is not an operation"),
        (lambda t: t + '[5, 0, "remove", "port", 9, 0, 0]\n', ":{last}:1: is not an operation"),
    ],
)
def test_a_damaged_schedule_file_is_refused_by_line(tmp_path: Path, change: Any, words: str) -> None:
    found = schedule(MIXED, 9)
    path = tmp_path / "s.jsonl"
    save(found, path)
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError) as caught:
        replay(path)
    assert words.format(last=len(found) + 2) in str(caught.value)


KINDS = """\
name: x
duration: 2 s
steps:
  - parallel:
      - {action: port-flap, rate: 1}
      - {action: port-churn, rate: 1}
      - {action: node-churn, rate: 1}
      - {action: rolling, target: {name: s1}, how: cut, down: 1 s, pause: 1 s}
      - {action: traffic}
      - {action: ramp}
"""


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('0, "down", "node", 0, -1, -1', "is on `s1`, a node, but `port-flap` acts on ports"),
        ('1, "remove", "port", 0, 1, 0', "is on `s1-eth1`, a port, but `port-churn` acts on links"),
        ('1, "remove", "controller", 0, -1, -1', "is not an operation of this network"),
        ('2, "remove", "link", 3, -1, -1', "is on `s1 -- s5`, a link, but `node-churn` acts on nodes"),
        ('3, "away", "node", 0, -1, -1', "is on `s1`, a node, but `rolling` acts on links"),
        ('4, "start", "node", 9, -1, -1', "is on `h5`, a node, but `traffic` acts on flows"),
        ('5, "grow", "node", 9, -1, -1', "is on `h5`, a node, but `ramp` acts on steps"),
        ('0, "down", "port", 5, 1, 0', "is not an operation of this network"),
        ('0, "down", ["port"], 0, 0, 0', "is not an operation of this network"),
        ('2, "remove", "node", 9, 1, -1', "is not an operation of this network"),
        ('4, "start", "flow", 9, 9, 0', "is not an operation of this network"),
        ('5, "grow", "step", 0, 1, -1', "is not an operation of this network"),
    ],
)
def test_a_target_that_was_edited_to_another_kind_of_target_is_refused_by_line(
    tmp_path: Path, row: str, words: str
) -> None:
    path = tmp_path / "s.jsonl"
    save(schedule(KINDS, 9), path)
    lines = path.read_text().splitlines(keepends=True)
    lines[3] = f"[1000000, {row}]\n"
    path.write_text("".join(lines))
    with pytest.raises(InputError) as caught:
        replay(path, KINDS)
    assert str(caught.value).endswith(f"s.jsonl:4:1: {words}")


def test_a_replay_of_a_scenario_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    save(schedule(MIXED, 9), path)
    with pytest.raises(InputError, match="no node matches"):
        replay(path, MIXED.replace("flows: 3", "flows: 3, source: {name: x9}"))


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_a_schedule_file_that_was_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    found = schedule(MIXED, 9)
    path = tmp_path / "s.jsonl"
    save(found, path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:kept]))
    with pytest.raises(InputError, match=f":1:1: says {len(found)} operations, but "):
        replay(path)


@pytest.mark.parametrize(
    ("change", "line", "span"),
    [
        (lambda text: text.replace("duration: 4 s", "duration: 2 s"), 46, "from 1 s to 2 s"),
        (lambda text: text.replace("warmup: 1 s", "warmup: 1500 ms"), 2, "from 1.5 s to 4.5 s"),
    ],
)
def test_operations_outside_of_their_step_are_refused_by_line(
    tmp_path: Path, change: Any, line: int, span: str
) -> None:
    path = tmp_path / "s.jsonl"
    save(schedule(MIXED, 9), path)
    with pytest.raises(InputError) as caught:
        replay(path, change(MIXED))
    assert f"s.jsonl:{line}:1: is due at " in str(caught.value)
    assert f"{span}; give the times and the `--duration`" in str(caught.value)


def test_a_schedule_of_controllers_comes_back_as_it_was(tmp_path: Path) -> None:
    topology = made({"generator": "linear"}, switch="ovs", openflow={"controller": "learning"})
    text = "name: x\nsteps: [{action: controller-restart, rate: 2, duration: 3 s}]"
    before = schedule(text, topology=topology)
    save(before, tmp_path / "s.jsonl")
    after = replay(tmp_path / "s.jsonl", text, topology)
    assert list(after.operations()) == list(before.operations())


GOLDEN = (
    164,
    "    1.000000  node-churn  remove  h6",
    "    1.398230  port-flap  down  h16-eth0",
    "    5.000000  traffic  stop  h7 -> h16",
)
