"""A run that goes on, scraped over HTTP."""

from __future__ import annotations

import sys
import urllib.request
from array import array
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from emulator.errors import UnableError, UsageError
from stress.histogram import Histogram
from stress.prometheus import address_of, cumulative, served
from stress.records import Sample
from stress.runner import RunStatus
from stress.runner.columns import Columns

pytest.importorskip("prometheus_client")


class Schedule:
    at = np.arange(10, dtype=np.int64) * 1000

    def __len__(self) -> int:
        return 10


def watch() -> RunStatus:
    columns = Columns(np.arange(3), np.arange(3) / 1000)
    columns.finished[:] = array("d", [0.002, 0.003, 0.004])
    columns.failed(1, "No such device")
    columns.done = 3
    sample = Sample(1.0, {"host.load.1": 0.5, "host.memory.used": 2e9})
    observers = SimpleNamespace(wrong=lambda: 2, latest=lambda: sample)
    found: dict[str, Any] = {
        "phase": "flap", "clock": lambda: 12.5, "schedule": Schedule(), "done": lambda: 3,
        "errors": lambda: 1, "workers": [SimpleNamespace(columns=columns, measures=True)], "finished": [],
        "observers": observers,
    }  # fmt: skip
    return cast("RunStatus", SimpleNamespace(**found))


def scraped(url: str) -> list[str]:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 -- the page that was just served
        return answer.read().decode().splitlines()  # type: ignore[no-any-return]


def test_a_scrape_tells_of_the_run() -> None:
    with served("0") as (look, url):
        assert url.startswith("http://127.0.0.1:")
        assert not [line for line in scraped(url) if line.startswith("emulator")]
        look(watch())
        lines = scraped(url)
        assert "emulator_stress_operations_total 3.0" in lines
        assert "emulator_stress_errors_total 1.0" in lines
        assert "emulator_stress_scheduled 10.0" in lines
        assert 'emulator_stress_phase{phase="flap"} 1.0' in lines
        assert "emulator_stress_failing_probes 2.0" in lines
        assert 'emulator_stress_sample{metric="host.memory.used"} 2e+09' in lines
        assert 'emulator_stress_latency_seconds_bucket{le="0.0025"} 2.0' in lines
        assert "emulator_stress_latency_seconds_count 2.0" in lines
        assert scraped(url)[-5:] == lines[-5:]  # a second scrape counts nothing twice
    with pytest.raises(OSError, match="refused"):
        scraped(url)


def test_buckets_are_cumulative() -> None:
    found = dict(cumulative(Histogram([1e-5, 0.002, 0.3, 400.0])))
    assert found["0.0025"] == 2
    assert found["0.25"] == 2
    assert found["0.5"] == 3
    assert found["+Inf"] == 4
    assert list(found.values()) == sorted(found.values())


def test_a_port_that_is_taken_is_said() -> None:
    with served("0") as (_, url):
        port = url.rsplit(":", 1)[1].split("/")[0]
        with pytest.raises(UnableError, match=f"can't serve at 127.0.0.1:{port}"), served(port):
            pass


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with (
        pytest.raises(UnableError, match=r"-m pip install prometheus_client` \(the extra `prometheus`"),
        served("0"),
    ):
        pass


def test_an_address_of_ipv6_is_shown_as_browsers_take_it() -> None:
    addresses = Path("/proc/net/if_inet6")
    if not addresses.exists() or " lo" not in addresses.read_text():
        pytest.skip("no IPv6 here")
    with served("[::1]:0") as (_, url):
        assert url.startswith("http://[::1]:")


def test_addresses() -> None:
    assert address_of("9750") == ("127.0.0.1", 9750)
    assert address_of("0.0.0.0:80") == ("0.0.0.0", 80)  # noqa: S104 -- asked for
    assert address_of("[::1]:9000") == ("::1", 9000)
    for wrong in ("", "x", "host:", "70000", "-1"):
        with pytest.raises(UsageError, match="is not a port"):
            address_of(wrong)
