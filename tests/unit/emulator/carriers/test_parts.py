"""The carrier's parts: frames, errors as plain data, transfers, processes of their own, certificates."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from support.dask_cluster import TESTS

from emulator.carriers.certificates import Certificate, Certificates
from emulator.carriers.dask.chunks import CHUNK, Transfers
from emulator.carriers.frames import Frame, read_frame, write_frame, write_plain
from emulator.carriers.make_certificates import make_certificates
from emulator.carriers.own_process import OwnProcess
from emulator.carriers.plain_errors import error_of, plain_error
from emulator.carriers.protocol import Call
from emulator.errors import (
    BrokenError,
    EmulationError,
    KernelError,
    LostWorkerError,
    MissingError,
    NotWholeError,
    RefusedError,
    UnableError,
    UsageError,
)
from topologies.errors import InputError, Problem


def test_frames_there_and_back() -> None:
    stream = io.BytesIO()
    write_plain(stream, b"A", {"a": [1, None]})
    write_frame(stream, b"D", b"\0" * 10)
    whole = stream.getvalue()
    stream.seek(0)
    assert read_frame(stream) == Frame(b"A", b'{"a": [1, null]}')
    assert read_frame(stream) == Frame(b"D", b"\0" * 10)
    assert read_frame(stream) is None
    for end in range(len(whole) - 10, len(whole)):  # a writer that died
        cut = io.BytesIO(whole[:end])
        read_frame(cut)
        assert read_frame(cut) is None


def test_frames_have_a_limit() -> None:
    with pytest.raises(EmulationError, match="that isn't a frame"):
        read_frame(io.BytesIO(b"Traceback (most recent call last)"))
    with pytest.raises(BrokenError, match="must be plain data"):
        write_plain(io.BytesIO(), b"P", {"a": object()})


@pytest.mark.parametrize(
    "error",
    [
        UsageError("u"), UnableError("n"), BrokenError("b"), NotWholeError("w"), LostWorkerError("l"),
        RefusedError(["one", "two"]), KernelError("make", "h1", 28, "No more room"), EmulationError("e"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_errors_keep_class_words_and_exit_code(error: EmulationError) -> None:
    back = error_of(plain_error(error))
    assert (type(back), str(back), back.exit_code) == (type(error), str(error), error.exit_code)


def test_other_errors_keep_words_and_exit_code() -> None:
    wrong = InputError([Problem("f.yaml", 1, 2, "nodes", "no such key")])
    for error in (wrong, MissingError("gone")):
        back = error_of(plain_error(error))
        assert (str(back), back.exit_code) == (str(error), error.exit_code)
    full = error_of(plain_error(OSError(28, "No space left on device", "/run/x")))
    assert isinstance(full, UnableError)
    assert "make room there" in str(full)
    bug = error_of(plain_error(KeyError("k")))
    assert str(bug) == "KeyError: 'k'"


@pytest.mark.parametrize("plain", [None, {}, {"kind": "RefusedError"}, 7])
def test_what_isnt_an_error_is_said(plain: object) -> None:
    assert "unknown error" in str(error_of(plain))


def test_transfers_are_taken_once_and_whole() -> None:
    transfers = Transfers()
    transfers.put("k", 1, b"b")
    transfers.put("k", 0, b"a")
    assert transfers.take("k", 2) == b"ab"
    with pytest.raises(BrokenError, match="2 of 2 parts"):
        transfers.take("k", 2)
    data = bytes(range(256)) * (CHUNK // 128)
    count = transfers.offer("k", data + b"x")
    assert count == 3
    assert b"".join(transfers.get("k", n) for n in range(count)) == data + b"x"
    with pytest.raises(BrokenError, match="is gone"):
        transfers.get("k", 0)


def test_a_deaf_process_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    process = OwnProcess(
        Call("w1", "support.carrier_functions:stubborn", own_process=True),
        lambda _: process.cancel(),
        grace=0.2,
    )
    with pytest.raises(BrokenError, match="was ended by SIGKILL"):
        process.run()


def test_a_call_cancelled_before_it_began_starts_nothing() -> None:
    process = OwnProcess(Call("w1", "support.carrier_functions:echo"), print)
    process.cancel()
    with pytest.raises(BrokenError, match="before it began"):
        process.run()


def test_certificates_are_what_openssl_accepts(tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    made = make_certificates(folder, 2)
    assert {path.name for path in made} == {path.name for path in folder.iterdir()}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.glob("*.key"))
    for role, purpose, good in [
        ("scheduler", "sslserver", True), ("worker", "sslserver", True), ("worker", "sslclient", True),
        ("client", "sslclient", True), ("client", "sslserver", False),
    ]:  # fmt: skip
        Certificates(folder, role).require_usable()
        words = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", folder / "ca.pem"]
        done = subprocess.run([*words, folder / f"{role}.pem"], capture_output=True, check=False)
        assert (done.returncode == 0) is good, done.stderr
    certificate = Certificate.read(folder / "client.pem")
    assert certificate.end - certificate.begin == pytest.approx(2 * 86_400 + 300, abs=2)


def test_certificates_are_never_overwritten(tmp_path: Path) -> None:
    make_certificates(tmp_path / "c", 1)
    before = {path: path.read_bytes() for path in (tmp_path / "c").iterdir()}
    with pytest.raises(UsageError, match="exists already"):
        make_certificates(tmp_path / "c", 1)
    assert before == {path: path.read_bytes() for path in (tmp_path / "c").iterdir()}
    (tmp_path / "file").write_text("")
    with pytest.raises(UnableError, match="can't write certificates"):
        make_certificates(tmp_path / "file" / "c", 1)
