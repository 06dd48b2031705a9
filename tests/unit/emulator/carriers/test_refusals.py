"""What a carrier refuses before any call, each with its own words: certificates, dates, addresses."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.dask_cluster import DaskCluster, free_port

from emulator.carriers import make_certificates as made
from emulator.carriers.addresses import parse_address
from emulator.carriers.dask import tls
from emulator.carriers.dask.start import Listening, run_scheduler, run_worker
from emulator.carriers.make_certificates import make_certificates
from emulator.carriers.opening import open_carrier
from emulator.errors import EmulationError, UnableError, UsageError


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    place = tmp_path_factory.mktemp("scheduler")
    make_certificates(place / "certificates", 1)
    with DaskCluster(place, place / "certificates", names=()) as running:
        yield running


def refusal(address: str, certificates: Path | None) -> str:
    with pytest.raises(UnableError) as caught:
        open_carrier(address, certificates, seconds=3)
    return str(caught.value)


def own(cluster: DaskCluster) -> Path:
    assert cluster.certificates is not None
    return cluster.certificates


def shifted(folder: Path, by: timedelta, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make certificates that were made at another time."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            del tz
            return datetime.now(UTC) + by

    monkeypatch.setattr(made, "datetime", Clock)
    make_certificates(folder, 1)
    return folder


def test_no_certificates(scheduler: DaskCluster) -> None:
    assert "needs certificates: name their folder" in refusal(scheduler.address, None)


def test_an_address_without_tls_where_tls_is_spoken(scheduler: DaskCluster) -> None:
    plain = scheduler.address.replace("tls:", "tcp:")
    assert "speaks with TLS" in refusal(plain, None)


def test_another_ca_is_seen_before_any_call(scheduler: DaskCluster, tmp_path: Path) -> None:
    make_certificates(tmp_path / "other", 1)
    assert "its certificate is by another CA than ours" in refusal(scheduler.address, tmp_path / "other")


def test_a_scheduler_refuses_a_certificate_of_another_ca(scheduler: DaskCluster, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    make_certificates(mixed, 1)
    address = parse_address(scheduler.address)
    shutil.copy(own(scheduler) / "ca.pem", mixed / "trusted.pem")

    class Mixed(tls.Certificates):
        @property
        def authority(self) -> Path:
            return self.folder / "trusted.pem"

    with pytest.raises(UnableError, match="our certificate is by another CA than its own"):
        tls.require_accepted(address, Mixed(mixed, "client"), 3)


def test_a_scheduler_refuses_who_has_no_certificate(
    scheduler: DaskCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(certificates: tls.Certificates) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(certificates.authority))
        context.check_hostname = False
        return context

    monkeypatch.setattr(tls, "_context", without)
    with pytest.raises(UnableError, match="it demands a certificate, and got none"):
        tls.require_accepted(parse_address(scheduler.address), tls.Certificates(own(scheduler), "client"), 3)


@pytest.mark.parametrize(
    ("days", "words"), [(-10, "expired on 20"), (10, "is not valid before 20")], ids=["expired", "not yet"]
)
def test_our_own_dates_are_looked_at_first(
    scheduler: DaskCluster, tmp_path: Path, days: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shifted(tmp_path / "shifted", timedelta(days=days), monkeypatch)
    assert words in refusal(scheduler.address, folder)


@pytest.mark.parametrize(
    ("days", "words"), [(-10, "has expired"), (10, "is not valid yet")], ids=["expired", "not yet"]
)
def test_dates_of_a_scheduler(tmp_path: Path, days: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server with such a certificate: our own scheduler wouldn't start with it."""
    folder = shifted(tmp_path / "shifted", timedelta(days=days), monkeypatch)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "scheduler.pem", folder / "scheduler.key")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection = server.accept()[0]
            with connection, pytest.raises(ssl.SSLError):
                context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=serve)
        thread.start()
        address = parse_address(f"tls://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(UnableError, match=words):
            tls.require_accepted(address, tls.Certificates(folder, "client"), 3)
        thread.join()


def test_a_certificate_that_isnt_by_its_own_ca(scheduler: DaskCluster, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(own(scheduler), folder)
    make_certificates(tmp_path / "other", 1)
    shutil.copy(tmp_path / "other" / "ca.pem", folder)
    assert "isn't by the CA of" in refusal(scheduler.address, folder)


def test_a_missing_key_is_named(scheduler: DaskCluster, tmp_path: Path) -> None:
    folder = tmp_path / "some"
    shutil.copytree(own(scheduler), folder)
    (folder / "client.key").unlink()
    assert f"can't read {folder}/client.key: No such file" in refusal(scheduler.address, folder)


def test_nothing_listens(tmp_path: Path) -> None:
    make_certificates(tmp_path / "c", 1)
    assert "can't be reached: Connection refused" in refusal(f"tls://127.0.0.1:{free_port()}", tmp_path / "c")


def test_what_listens_says_nothing(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(UnableError, match=r"silent for 0\.3 s"),
    ):
        open_carrier(f"tcp://127.0.0.1:{server.getsockname()[1]}", seconds=0.3)


@pytest.mark.parametrize("host", ["10.0.0.1", "head", "[2001:db8::1]"])
def test_without_tls_only_loopback(host: str) -> None:
    with pytest.raises(UnableError, match="anyone who reaches it is root on the workers"):
        open_carrier(f"tcp://{host}:8786")


@pytest.mark.parametrize(
    "text", ["head:8786", "http://head:80", "tls://head", "tls://head:0", "tls://a b:1", "tls://-h;x:99999"]
)
def test_what_isnt_an_address(text: str) -> None:
    with pytest.raises(EmulationError):
        open_carrier(text)


@pytest.mark.usefixtures("state_dir")
def test_no_cluster_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMULATOR_CLUSTER_SCHEDULER", raising=False)
    with pytest.raises(UsageError, match="no cluster: name its scheduler"):
        open_carrier()


def test_the_environment_names_scheduler_and_certificates(
    scheduler: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "scheduler.json"
    file.write_text(f'{{"address": "{scheduler.address}"}}')
    monkeypatch.setenv("EMULATOR_CLUSTER_SCHEDULER", str(file))
    monkeypatch.setenv("EMULATOR_CLUSTER_CERTIFICATES", str(own(scheduler)))
    with open_carrier() as carrier:
        assert carrier.address == scheduler.address
        assert carrier.workers() == {}


def test_a_worker_of_another_ca_is_refused_at_its_start(scheduler: DaskCluster, tmp_path: Path) -> None:
    make_certificates(tmp_path / "other", 1)
    listening = Listening(parse_address(scheduler.address), tls.Certificates(tmp_path / "other", "worker"))
    with pytest.raises(UnableError, match="another CA than ours"):
        run_worker(listening, "w1", "127.0.0.1", 0, tmp_path / "dask")


def test_a_scheduler_doesnt_start_with_an_expired_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shifted(tmp_path / "expired", timedelta(days=-10), monkeypatch)
    address = parse_address(f"tls://127.0.0.1:{free_port()}")
    with pytest.raises(UnableError, match="expired on 20"):
        run_scheduler(Listening(address, tls.Certificates(folder, "scheduler")))
