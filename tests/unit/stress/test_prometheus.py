"""A run that goes on, scraped over HTTP."""

from __future__ import annotations

import json
import re
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
from stress.metrics.figure_units import HOST, RUN
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


DASHBOARD = Path(__file__).parents[3] / "docs" / "examples" / "grafana" / "stress.json"
SAMPLED = [*HOST, *RUN, "process.runner.cpu", "process.machine.ryu-manager.cpu", "port.h1-eth0.rx_bytes",
           "light.rx_bytes"]  # fmt: skip


def queries() -> list[str]:
    """Return the queries of the dashboard, and those of its variables."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    found = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return [*found, *(one["definition"] for one in board["templating"]["list"] if "definition" in one)]


def test_the_dashboard_asks_for_what_is_served_and_for_all_of_it() -> None:
    with served("0") as (look, url):
        look(watch())
        lines = [line for line in scraped(url) if line and not line.startswith("#")]
    names = {re.split(r"[{ ]", line)[0] for line in lines if line.startswith("emulator_")}
    labels = {label for line in lines for label in re.findall(r'(\w+)="', line)}
    asked = {name for query in queries() for name in re.findall(r"emulator_\w+", query)}
    assert asked <= names
    unasked = {name for name in names - asked if not name.endswith(("_created", "_sum", "_count"))}
    assert unasked == set()
    own = {"job", "instance"}  # Prometheus adds them
    assert {key for query in queries() for key in re.findall(r"(\w+)=~", query)} <= labels | own
    assert {key for query in queries() for key in re.findall(r"by \((\w+)\)", query)} <= labels


@pytest.mark.parametrize("query", [query for query in queries() if "metric=~" in query])
def test_the_metrics_that_the_dashboard_selects_exist(query: str) -> None:
    (pattern,) = re.findall(r'metric=~"([^"]*)"', query)
    names = [name for name in SAMPLED if re.fullmatch(pattern, name)]
    assert names
    for choice in re.findall(r"\(([\w|]+)\)", pattern):  # each word selects something
        for word in choice.split("|"):
            narrow = pattern.replace(f"({choice})", word, 1)
            assert any(re.fullmatch(narrow, name) for name in [*SAMPLED, "light.tx_bytes"]), narrow


def test_the_dashboard_can_be_imported_and_its_panels_do_not_overlap() -> None:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert board["uid"]
    assert "id" not in board, "Grafana gives its own"
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    sources = {target["datasource"]["uid"] for panel in panels for target in panel["targets"]}
    assert sources == {"${datasource}"}, "any Prometheus of the user's"
    for query in queries():
        assert query.count("(") == query.count(")")
        assert query.count("{") == query.count("}")


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
