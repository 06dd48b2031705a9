"""What became of questions, in order; and the askers, on the dry-run engine."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.engines.dry_run import DryRunEngine, DryRunNetwork
from emulator.plan import make_plan
from stress.histogram import Histogram
from stress.probes.asker import Turns, create_tracks
from stress.probes.batch import BatchAsker
from stress.probes.command import CommandAsker, filled
from stress.probes.plain import plain_records, plain_specs, records_of, specs_of
from stress.probes.specs import ResolvedProbe, drawn_pairs, resolve
from stress.probes.track import Track
from stress.records import LossWindow, ProbeRecord, RunResult
from stress.runner.observers import Observers
from stress.scenario.load import load_text as load_scenario
from stress.scenario.model import Probe
from topologies.build import build
from topologies.errors import ParameterError
from topologies.rng import Stream
from topologies.spec.load import load_text


def a_track(keep: int = 1000) -> Track:
    return Track(ProbeRecord("ping", "h1", "h2"), Histogram(), keep)


def windows(track: Track) -> list[tuple[float, float | None, int]]:
    return [(window.start, window.end, window.lost) for window in track.record.windows]


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DryRunNetwork:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    topology = build(load_text("name: t\ntopology: {generator: tree, depth: 2, fanout: 4}\n"))
    return DryRunEngine().deploy(make_plan(topology, "dry-run"))


def test_answers_are_counted_and_timed() -> None:
    track = a_track()
    for number in range(3):
        track.ask(number, number * 0.1)
        track.answer(number, number * 0.1 + 0.002)
    track.settle(-1.0)
    assert (track.record.sent, track.record.answered, track.record.loss) == (3, 3, 0.0)
    assert list(track.record.times)[1] == (0.1, pytest.approx(0.002))
    assert track.record.histogram is not None
    assert track.record.histogram.count == 3


def test_a_window_goes_from_the_first_miss_to_the_first_answer_after_it() -> None:
    track = a_track()
    for number in range(6):
        track.ask(number, number * 0.1)
    for number in (0, 4, 5):  # 1, 2, 3 are lost; the answers of 4 and 5 come long before that is known
        track.answer(number, number * 0.1 + 0.01)
    track.settle(-1.0)
    assert track.record.sent == 1
    track.settle(0.25)
    assert track.wrong
    track.settle(0.35)
    assert windows(track) == [(0.1, pytest.approx(0.41), 3)]
    assert track.record.windows[0].since == 0.0
    assert (track.record.sent, track.record.answered) == (6, 3)
    assert not track.wrong


def test_a_late_answer_is_told_from_a_lost_one() -> None:
    track = a_track()
    track.ask(7, 0.0)
    track.settle(1.0)
    track.answer(7, 1.2)
    track.answer(7, 1.3)  # twice
    track.answer(99, 1.3)  # of nobody
    assert (track.record.late, track.record.answered, track.record.loss) == (1, 0, 1.0)
    assert windows(track) == [(0.0, None, 1)]
    assert track.record.windows[0].since is None


def test_an_answer_after_the_timeout_is_late_even_when_nobody_looked_in_between() -> None:
    track = Track(ProbeRecord("ping", "h1", "h2"), Histogram(), timeout=0.5)
    for number in (1, 2):
        track.ask(number, 0.0)
    track.answer(1, 0.4)
    track.answer(2, 0.6)
    track.answer(2, 0.7)
    track.settle(0.1)
    track.answer(2, 0.8)
    assert (track.record.sent, track.record.answered, track.record.late) == (2, 1, 1)
    assert windows(track) == [(0.0, None, 1)]


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.randoms(use_true_random=False))
def test_windows_cover_the_losses_whatever_order_answers_come_in(right: list[bool], random: object) -> None:
    track = a_track()
    for number in range(len(right)):
        track.ask(number, float(number))
    order = [number for number in range(len(right)) if right[number]]
    random.shuffle(order)  # type: ignore[attr-defined]
    for number in order:
        track.answer(number, number + 0.5)
    track.settle(float(len(right)))
    found = track.record.windows
    assert sum(window.lost for window in found) == right.count(False)
    assert track.record.answered == right.count(True)
    for window in found:
        end = len(right) if window.end is None else int(window.end)
        assert right[int(window.start) : end] == [False] * window.lost
    assert all(window.end is not None for window in found[:-1])


def test_kept_times_are_bounded_and_reach_over_the_run() -> None:
    track = a_track(keep=50)
    for number in range(10_000):
        track.whole(float(number), number + 0.001)
    times = list(track.record.times)
    assert 25 <= len(times) <= 51
    assert times[0][0] < 400
    assert times[-1][0] > 9_600
    assert track.record.histogram is not None
    assert track.record.histogram.count == 10_000


def test_turns_are_even_and_what_was_missed_is_counted() -> None:
    tracks = [a_track() for _ in range(4)]
    turns = Turns(tracks, 1.0, 10.0)
    assert list(turns.due(10.0)) == [0]
    assert list(turns.due(10.1)) == []
    assert list(turns.due(10.6)) == [1, 2]
    assert list(turns.due(13.0)) == [9, 10, 11, 12]  # 3 to 8 were due while nobody looked
    assert [track.record.unasked for track in tracks] == [2, 1, 1, 2]


def test_pairs_are_different_and_all_of_them_when_few() -> None:
    stream = Stream(1, "t")
    assert sorted(drawn_pairs([1, 2], [1, 2, 3], 100, stream)) == [(1, 2), (1, 3), (2, 1), (2, 3)]
    drawn = drawn_pairs(list(range(50)), list(range(50)), 200, stream)
    assert len(set(drawn)) == 200
    assert all(a != b for a, b in drawn)
    asked = [a for a, _ in drawn]
    assert max(asked.count(a) for a in range(50)) <= 8


def test_specs_are_resolved_by_the_seed(network: DryRunNetwork) -> None:
    probes = [Probe(probe="ping", pairs=5), Probe(probe="ping", pairs=5),
              Probe(probe="tcp", name="web", port=80, target="h1", pairs=99)]  # fmt: skip
    specs = resolve(probes, network)
    assert [spec.name for spec in specs] == ["ping", "ping-2", "web"]
    assert specs == resolve(probes, network)
    assert specs[0].pairs != specs[1].pairs
    assert len(specs[2].pairs) == 15
    assert {pair.address for pair in specs[2].pairs} == {"10.0.0.1"}
    other = resolve(probes, network, 7)
    assert other[0].pairs != specs[0].pairs
    assert set(other[2].pairs) == set(specs[2].pairs)


@pytest.mark.parametrize(
    ("source", "target", "key"),
    [("h1", "h1", "target"), ("switch", "host", "source"), ("h1", "s1", "target")],
)
def test_a_probe_of_nobody_says_where(network: DryRunNetwork, source: str, target: str, key: str) -> None:
    with pytest.raises(ParameterError, match="leaves no pair") as caught:
        resolve([Probe(probe="ping", source=source, target=target)], network)
    assert caught.value.loc == ("probes", 0, key)


def test_rounds_of_pings_on_an_engine_without_sockets(network: DryRunNetwork) -> None:
    now = 0.0
    pairs = resolve([Probe(probe="ping", pairs=20)], network)[0].pairs
    asker = BatchAsker(
        ResolvedProbe("ping", "ping", pairs, 0.1, 1.0), network.topology.names, network.access, lambda: now
    )
    asker.step(0.0)
    with network.session() as session:
        session.remove_node(pairs[0].source)
        now = 0.1
        asker.step(now)
        asker.step(0.15)  # not due
    now = 0.2
    asker.step(now)
    record = asker.tracks[0].record
    assert (record.sent, record.answered) == (3, 2)
    assert record.windows == [LossWindow(0.1, 0.2, 1, 0.0)]


def test_commands_run_in_the_source(network: DryRunNetwork) -> None:
    now = 0.0
    pairs = resolve([Probe(probe="ping", pairs=3)], network)[0].pairs
    spec = ResolvedProbe("command", "c", pairs, 0.5, 1.0, command=("true",))
    asker = CommandAsker(spec, network.topology.names, network.access, lambda: now)
    now = 0.4
    asker.step(now)
    asker._pool.shutdown(wait=True)
    asker.finish(now)
    assert [track.record.answered for track in asker.tracks] == [1, 1, 1]
    asker.close()


def test_probes_and_what_they_found_go_through_text_unchanged(network: DryRunNetwork) -> None:
    probes = [Probe(probe="ping", pairs=5), Probe(probe="command", pairs=2, command=["true", "{target}"])]
    specs = resolve(probes, network)
    assert specs_of(json.loads(json.dumps(plain_specs(specs), allow_nan=False))) == specs
    tracks = [create_tracks(spec, network.topology.names) for spec in specs]
    for number in range(1000):
        tracks[0][number % 5].whole(float(number), None if number % 7 == 0 else number + 0.001 * number)
    before = [track.record for some in tracks for track in some]
    before[0].late, before[1].unasked = 3, 4
    after = records_of(json.loads(json.dumps(plain_records(before), allow_nan=False)))
    for old, new in zip(before, after, strict=True):
        assert replace(new, times=old.times, histogram=old.histogram) == old
        assert list(new.times) == list(old.times)
    assert len({id(record.histogram) for record in after}) == 2
    assert before[0].histogram is not None
    assert after[4].histogram is after[0].histogram
    assert after[0].histogram.summary() == before[0].histogram.summary()
    assert after[6].histogram.summary() == {"count": 0}


def test_addresses_stand_in_the_words_of_a_command() -> None:
    assert filled(["ping", "-c1", "{target}", "http://{target}:80/"], "10.0.0.1; rm") == [
        "ping", "-c1", "10.0.0.1; rm", "http://10.0.0.1; rm:80/"]  # fmt: skip


def test_what_asking_cost_is_recorded_and_the_sampler_ends_even_when_the_probes_fail(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = load_scenario(
        "name: t\nduration: 1 s\nprobes: [{probe: ping, pairs: 5, interval: 10 ms}]\n"
        "steps: [{action: port-flap, rate: 1}]\n"
    )
    begin = time.monotonic()
    observers = Observers(document.scenario, network, lambda: time.monotonic() - begin, seed=0)
    observers.start()
    probes = observers._probes
    assert probes is not None
    while not all(track.record.answered > 2 for track in probes._askers[0].tracks):  # type: ignore[attr-defined]
        assert time.monotonic() < begin + 10
        time.sleep(0.01)
    record = RunResult({}, {}, {}, 0, 0.0)
    observers.stop(record)
    assert 0 < record.probe_cost < 5
    assert len(record.probes) == 5

    observers = Observers(document.scenario, network, lambda: time.monotonic() - begin, seed=0)
    observers.start()
    monkeypatch.setattr(network.access, "ping", lambda *_: 1 / 0)
    time.sleep(0.05)
    record = RunResult({}, {}, {}, 0, 0.0)
    with pytest.raises(ZeroDivisionError):
        observers.stop(record)
    assert record.samples
