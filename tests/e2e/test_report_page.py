"""The report's page in a real browser: all charts are drawn, in light and dark, and nothing fails."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from support.runs import made_run

from stress.limits import judge, parse
from stress.outcomes import Outcomes
from stress.report import write

CHROMIUM = shutil.which("chromium") or ""
QUIET = ("dev-shm-usage", "gpu", "quic", "background-networking", "component-update", "sync")
DARK, LIGHT = 0, 1
"""The browser's own words for the scheme that the user prefers."""

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs chromium")


def opened(tmp_path: Path, scheme: int, anchor: str = "") -> tuple[str, str]:
    """Return the drawn page, and what was written on the console."""
    options = ["--headless", "--no-sandbox", "--no-first-run", "--enable-logging=stderr"]
    options += [f"--disable-{what}" for what in QUIET]
    options += ["--window-size=1400,1000", f"--blink-settings=preferredColorScheme={scheme}"]
    done = subprocess.run(
        [CHROMIUM, *options, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
         f"file://{tmp_path / 'report.html'}{anchor}"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def state(page: str) -> dict[str, str]:
    """Return what the page's script noted of itself on its first element."""
    return dict(re.findall(r'data-(\w+)="([^"]*)"', re.findall(r"<html[^>]*>", page)[0]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_charts_are_drawn_in_the_scheme_that_the_user_prefers(scheme: str, tmp_path: Path) -> None:
    run = made_run()
    write(run, judge(run, [parse("errors == 0"), parse("probe.loss <= 20 %")]), tmp_path)
    page, console = opened(tmp_path, {"dark": DARK, "light": LIGHT}[scheme])
    assert console == ""
    found = state(page)
    assert found == {"scheme": scheme, "charts": found["charts"], "empty": "0", "view": "0.0 300.0"}
    assert int(found["charts"]) >= 22
    lines = re.findall(r'<path class="(?:line|area)" [^>]*d="([^"]*)"', page)
    assert len(lines) >= 39
    assert all(len(line) > 20 for line in lines)
    drawn = page.partition("<script")[0]
    assert "NaN" not in drawn
    assert drawn.count('<rect class="loss"') > 200
    assert (drawn.count("✕ failed"), drawn.count("✓ passed")) == (1, 1)
    assert "a &lt;/script&gt;&lt;b&gt;processor&lt;/b&gt;" in page


POINTS = """<script>
const first = document.querySelectorAll(".timeline .row svg")[2].querySelector("path.line").getAttribute("d");
document.documentElement.dataset.points = first.split("L").length;
</script></body>"""


def test_limits_are_lines_and_what_breaks_them_is_red_and_flows_and_pairs_are_named(tmp_path: Path) -> None:
    series = {"begun": 12.0, "series": [125_000] * 30, "received_bytes": 3_750_000, "seconds": 30.0}
    ends = {"step": "load", "source": "h7", "target": "h9", "protocol": "tcp", "error": ""}
    run = replace(made_run(60, 400, 6), traffic=[{**ends, **series}])
    texts = ["host.load.1 <= 0.5", "latency.p99 <= 1 us", "probe.rtt.max <= 100 s", "traffic.rate >= 2 Mbit"]
    write(run, judge(run, [parse(text) for text in texts]), tmp_path)
    file = tmp_path / "report.html"
    file.write_text(file.read_text().replace("</body>", POINTS))
    page, console = opened(tmp_path, LIGHT)
    assert console == ""
    drawn = page.partition("<script")[0]
    assert "NaN" not in drawn
    broken = re.findall(r'<line class="limit broken"[^>]*><title>([^<]*)', drawn)
    assert broken == ["latency.p99 &lt;= 1 us", "traffic.rate &gt;= 2 Mbit", "host.load.1 &lt;= 0.5"]
    assert drawn.count('class="line beyond"') == 3
    assert "probe.rtt.max &lt;= 100 s" in drawn
    assert "Flows: bits received" in drawn
    assert "<td>h7 → h9 tcp</td><td>load</td><td" in drawn.replace(' class=""', "")
    assert re.findall(r'<text class="pair"[^>]*>(h\d+ → h\d+)</text>', drawn)
    assert "Longest loss windows" in drawn
    assert int(state(page)["points"]) <= 61


MOUSE = """<script>
const svg = document.querySelectorAll(".timeline .row svg")[3];
const box = svg.getBoundingClientRect();
const at = (kind, share) => svg.dispatchEvent(new PointerEvent(kind,
  {bubbles: true, clientX: box.left + 56 + (box.width - 64) * share, clientY: box.top + 20}));
at("pointermove", .5);
document.documentElement.dataset.read = svg.parentElement.querySelector("b").textContent;
document.documentElement.dataset.clock = document.querySelector(".cross").textContent;
at("pointerdown", .25); at("pointermove", .3); at("pointermove", .5); at("pointerup", .5);
</script></body>"""


def test_all_charts_are_read_and_zoomed_together(tmp_path: Path) -> None:
    write(made_run(), [], tmp_path)
    file = tmp_path / "report.html"
    file.write_text(file.read_text().replace("</body>", MOUSE))
    page, console = opened(tmp_path, LIGHT)
    assert console == ""
    found = state(page)
    assert found["clock"] == "2:30 min"
    assert re.fullmatch(r"[0-9.]+ (µs|ms)", found["read"])
    assert found["view"] == "75.0 150.0"
    assert "1:30" in page.partition("<script")[0]
    assert page.count('<rect class="loss"') > 50


def test_operations_that_are_far_apart_are_seen(tmp_path: Path) -> None:
    write(made_run(60, 20, 4), [], tmp_path)
    page, console = opened(tmp_path, LIGHT)
    assert console == ""
    lines = re.findall(r'<path class="line" [^>]*d="([^"]*)"', page)
    assert any("h3" in line for line in lines)
    assert [line for line in lines if re.search(r"M[-0-9. ]+(?=M|$)", line)] == []


def test_the_scheme_can_be_chosen_against_what_the_user_prefers(tmp_path: Path) -> None:
    write(made_run(60, 200, 4), [], tmp_path)
    page, console = opened(tmp_path, LIGHT, "#dark")
    assert console == ""
    assert (state(page)["scheme"], state(page)["theme"]) == ("dark", "dark")
    assert "no limits" in page


def test_a_run_without_anything_measured_is_still_a_page(tmp_path: Path) -> None:
    run = replace(made_run(30, 40, 2), outcomes=Outcomes.of([]), probes=[], samples=[], phases=[], offered={})
    write(run, [], tmp_path)
    page, console = opened(tmp_path, LIGHT)
    assert console == ""
    assert "error" not in state(page)
    assert "Machine and versions" in page


def test_a_page_that_fails_says_so(tmp_path: Path) -> None:
    write(made_run(30, 40, 2), [], tmp_path)
    file = tmp_path / "report.html"
    file.write_text(file.read_text().replace('"bins":', '"no-bins":'))
    page, console = opened(tmp_path, LIGHT)
    assert "charts" not in state(page)
    assert "error" in state(page)
    assert "Uncaught" in console
