"""The carrier over Dask with real processes on loopback, over TLS: a scheduler and two workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.dask_cluster import TESTS, DaskCluster, until

from emulator import __version__
from emulator.carriers.certificates import Certificate
from emulator.carriers.dask import batch
from emulator.carriers.dask.client import DaskCarrier
from emulator.carriers.make_certificates import make_certificates
from emulator.carriers.protocol import Call, Carrier
from emulator.errors import BrokenError, KernelError, LostWorkerError, RefusedError, UnableError
from emulator.linux.processes.running import stat

FUNCTIONS = "support.carrier_functions"
BOTH = ("w1", "w2")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    place = tmp_path_factory.mktemp("cluster")
    make_certificates(place / "certificates", 1)
    with DaskCluster(place, place / "certificates") as running:
        yield running


@pytest.fixture(scope="module")
def carrier(cluster: DaskCluster) -> Iterator[Carrier]:
    with cluster.open() as opened:
        yield opened


def calls(function: str, *, own: bool = False, data: bytes = b"", **arguments: object) -> list[Call]:
    return [Call(name, f"{FUNCTIONS}:{function}", arguments, data, own_process=own) for name in BOTH]


def runs(pid: int) -> bool:
    found = stat(pid)
    return found is not None and not found.ended


def test_workers_tell_their_release_memory_and_certificate(carrier: Carrier, cluster: DaskCluster) -> None:
    workers = carrier.workers()
    assert list(workers) == ["w1", "w2"]
    assert cluster.certificates is not None
    end = Certificate.read(cluster.certificates / "worker.pem").end
    for worker in workers.values():
        assert (worker.release, worker.certificate_end) == (__version__, end)
        assert worker.memory > 0
        assert 0 <= worker.heard < 10


@pytest.mark.parametrize("own", [False, True])
def test_arguments_and_data_go_there_and_back(carrier: Carrier, cluster: DaskCluster, own: bool) -> None:
    data = os.urandom(3_500_000)  # several chunks each way
    outcomes = carrier.call(calls("echo", own=own, data=data, nested=[1, None, {"k": "v"}]), 30)
    for name, outcome in zip(BOTH, outcomes, strict=True):
        assert outcome.error is None
        assert outcome.answer is not None
        assert outcome.worker == outcome.answer.value["worker"] == name
        assert outcome.answer.value["arguments"] == {"nested": [1, None, {"k": "v"}]}
        assert outcome.answer.data == data
        assert (outcome.answer.value["pid"] == cluster.processes[name].pid) is not own


@pytest.mark.parametrize("own", [False, True])
def test_errors_arrive_as_they_were(carrier: Carrier, own: bool) -> None:
    entries = [f"{FUNCTIONS}:{name}" for name in ("refuse", "kernel", "bug", "nothing")]
    outcomes = carrier.call([Call("w1", entry, own_process=own) for entry in entries], 30)
    refused, kernel, bug, nothing = (outcome.error for outcome in outcomes)
    assert isinstance(refused, RefusedError)
    assert refused.reasons == ["first reason", "second reason"]
    assert isinstance(kernel, KernelError)
    assert (kernel.errno, kernel.ext_ack, kernel.op) == (17, "Name not unique", "create link")
    assert isinstance(bug, BrokenError)
    assert str(bug) == "ZeroDivisionError: a bug"
    assert "no function" in str(nothing)


@pytest.mark.parametrize("own", [False, True])
def test_progress_arrives_in_the_callers_thread(carrier: Carrier, own: bool) -> None:
    heard: dict[str, list[int]] = {name: [] for name in BOTH}

    def progress(worker: str, told: dict[str, int]) -> None:
        assert threading.current_thread() is threading.main_thread()
        heard[worker].append(told["number"])

    carrier.call(calls("count", own=own), 30, progress)
    assert heard == {name: [0, 1, 2] for name in BOTH}


def test_a_late_call_is_cancelled_and_rolls_back(carrier: Carrier, tmp_path: Path) -> None:
    log = tmp_path / "log"
    call = Call("w1", f"{FUNCTIONS}:last", {"log": str(log), "rollback": 0.2}, own_process=True)
    quick = Call("w2", f"{FUNCTIONS}:echo")
    late, answered = carrier.call([call, quick], 1.5)
    assert "w1: it hasn't answered within 1.5 s" in str(late.error)
    assert answered.error is None
    until(log.with_suffix(".ended").exists)
    assert log.with_suffix(".ended").read_text() == "cancelled"


def test_an_interrupted_caller_cancels_all(carrier: Carrier, tmp_path: Path) -> None:
    def stop(worker: str, told: object) -> None:
        raise KeyboardInterrupt

    log = tmp_path / "log"
    with pytest.raises(KeyboardInterrupt):
        carrier.call(
            [Call("w1", f"{FUNCTIONS}:last", {"log": str(log)}), Call("w2", f"{FUNCTIONS}:count")], 30, stop
        )
    until(log.with_suffix(".ended").exists)
    assert log.with_suffix(".ended").read_text() == "cancelled"


def test_closing_cancels_what_runs(cluster: DaskCluster, tmp_path: Path) -> None:
    log = tmp_path / "log"
    second = cluster.open()
    thread = threading.Thread(
        target=second.call, args=([Call("w2", f"{FUNCTIONS}:last", {"log": str(log)}, own_process=True)], 30)
    )
    thread.start()
    until(log.exists)
    second.close()
    until(log.with_suffix(".ended").exists)
    thread.join(10)
    assert not thread.is_alive()


def test_calls_of_two_clients_dont_meet(carrier: Carrier, cluster: DaskCluster) -> None:
    heard: list[str] = []
    with cluster.open() as other:
        thread = threading.Thread(target=other.call, args=(calls("count"), 30))
        thread.start()
        outcomes = carrier.call(calls("echo"), 30, lambda worker, _: heard.append(worker))
        thread.join()
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert not heard


def test_an_unknown_worker_and_another_release_are_named(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.carriers.dask.batch.__version__", "9.9")
    absent, other = carrier.call([Call("w9", f"{FUNCTIONS}:echo"), Call("w1", f"{FUNCTIONS}:echo")], 10)
    assert str(absent.error) == "there is no worker w9 now; there are: w1, w2"
    assert isinstance(other.error, UnableError)
    assert f"has release {__version__} of the emulator, this machine 9.9" in str(other.error)


def test_an_expired_certificate_of_a_worker_is_said_before_the_call(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(carrier, DaskCarrier)
    known = carrier._known()
    old = {name: replace(w, state=replace(w.state, certificate_end=86_400.0)) for name, w in known.items()}
    monkeypatch.setattr(carrier, "_known", lambda: old)
    (outcome,) = carrier.call([Call("w1", f"{FUNCTIONS}:echo")], 10)
    assert str(outcome.error).startswith("the certificate of worker w1 expired on 1970-01-02 00:00 UTC")


def test_a_scheduler_that_hangs_ends_long_calls(
    cluster: DaskCluster, carrier: Carrier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection stays open: the kernel answers for it."""
    monkeypatch.setattr(batch, "_RENEW_EVERY", 0.2)
    monkeypatch.setattr(batch, "_SILENT_SECONDS", 2.0)
    scheduler = cluster.processes["scheduler"]
    stopping = threading.Timer(1.0, scheduler.send_signal, [signal.SIGSTOP])
    stopping.start()
    try:
        outcomes = carrier.call(calls("last", log=str(tmp_path / "log")), 24 * 3600)
    finally:
        stopping.join()
        scheduler.send_signal(signal.SIGCONT)
    assert [type(outcome.error) for outcome in outcomes] == [LostWorkerError] * 2
    assert str(outcomes[0].error) == "worker w1: the scheduler is silent for 2 s; does its process hang?"
    cluster.wait_for(*BOTH)


def test_workers_that_others_start_are_asked(cluster: DaskCluster, carrier: Carrier) -> None:
    """A queue of jobs starts `dask worker`, which tells the scheduler nothing of ours."""
    assert cluster.certificates is not None
    files = {"ca-file": "ca.pem", "cert": "worker.pem", "key": "worker.key"}
    tls = [word for key, file in files.items() for word in (f"--tls-{key}", str(cluster.certificates / file))]
    words = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.address, "--name", "foreign"]
    with (cluster.place / "foreign.log").open("wb") as log:
        foreign = subprocess.Popen(
            [*words, "--no-nanny", "--no-dashboard", "--local-directory", str(cluster.place), *tls],
            stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": str(TESTS)},
        )  # fmt: skip
    try:
        until(lambda: "foreign" in carrier.workers())
        own, other = carrier.workers()["w1"], carrier.workers()["foreign"]
        assert (other.release, other.certificate_end) == (own.release, own.certificate_end)
        assert carrier.call([Call("foreign", f"{FUNCTIONS}:echo")], 10)[0].error is None
    finally:
        foreign.terminate()
        foreign.wait(20)
    until(lambda: "foreign" not in carrier.workers())


def test_a_name_is_taken_once(cluster: DaskCluster, tmp_path: Path) -> None:
    log = (cluster.place / "w2.log").read_text()
    first = cluster.processes["w2"]
    second = cluster.start("worker", "w2")
    cluster.processes["w2"] = first
    assert second.wait(20) != 0
    assert "name taken, w2" in (cluster.place / "w2.log").read_text().removeprefix(log)
    assert first.poll() is None


def test_a_process_killed_on_a_worker_is_said(carrier: Carrier) -> None:
    (outcome,) = carrier.call([Call("w1", f"{FUNCTIONS}:kill_itself", own_process=True)], 30)
    assert "was ended by SIGKILL" in str(outcome.error)


def test_a_killed_worker_is_an_outcome_and_its_process_goes_on(
    cluster: DaskCluster, carrier: Carrier, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    last = Call("w1", f"{FUNCTIONS}:last", {"log": str(log), "rollback": 0.3}, own_process=True)
    killer = threading.Thread(target=lambda: (until(log.exists), cluster.processes["w1"].kill()))
    killer.start()
    lost, other = carrier.call([last, Call("w2", f"{FUNCTIONS}:count")], 30)
    killer.join()
    cluster.processes["w1"].wait()
    assert isinstance(lost.error, LostWorkerError)
    assert other.error is None
    until(lambda: not runs(int(log.read_text())))
    assert log.with_suffix(".ended").read_text() == "cancelled"
    cluster.start("worker", "w1")
    cluster.wait_for(*BOTH)
    assert carrier.call([Call("w1", f"{FUNCTIONS}:echo")], 30)[0].error is None


def test_after_the_scheduler_a_new_carrier_works(cluster: DaskCluster, tmp_path: Path) -> None:
    log = tmp_path / "log"
    own = cluster.open()
    last = Call("w1", f"{FUNCTIONS}:last", {"log": str(log)}, own_process=True)
    killer = threading.Thread(target=lambda: (until(log.exists), cluster.processes["scheduler"].kill()))
    killer.start()
    (outcome,) = own.call([last], 30)
    killer.join()
    assert "scheduler is lost" in str(outcome.error)
    for name in ("scheduler", *BOTH):
        code = cluster.processes[name].wait(20)
        assert code == (-signal.SIGKILL if name == "scheduler" else 1)  # workers end, to be started again
    own.close()
    for name in BOTH:
        cluster.start("worker", name)  # before the scheduler: they wait for it
    cluster.start("scheduler")
    cluster.wait_for(*BOTH)
    with cluster.open() as carrier:
        assert [outcome.error for outcome in carrier.call(calls("echo"), 30)] == [None, None]
