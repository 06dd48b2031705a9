"""The report's page in a real browser: all charts are drawn, in light and dark, and nothing fails."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.runs import made_run

from stress.report import write

CHROMIUM = shutil.which("chromium") or ""
OPTIONS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_charts_are_drawn(scheme: str, tmp_path: Path) -> None:
    write(made_run(), [], tmp_path)
    done = subprocess.run(
        [CHROMIUM, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
         f"file://{tmp_path / 'report.html'}#{scheme}"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    (top,) = re.findall(r"<html[^>]*>", done.stdout)
    assert "data-error" not in top
    assert 'data-charts="8"' in top, top
    assert ('class="dark"' in top) == (scheme == "dark")
    assert done.stdout.count("<canvas") == 8
    assert "SEVERE" not in done.stderr
    assert "Uncaught" not in done.stderr
