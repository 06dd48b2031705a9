"""Processes that outlive the command which started them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from support.threads import FIRST_THREAD_ENDS

from emulator.controllers.process import start
from emulator.linux.processes.running import stat


def test_a_process_runs_until_its_last_thread_has_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = start([sys.executable, "-c", FIRST_THREAD_ENDS], os.environ, log)
    try:
        deadline = time.monotonic() + 20
        while not ((found := stat(process.pid)) and found.state == "Z") and time.monotonic() < deadline:
            time.sleep(0.01)
        assert found, log.read_text()
        assert found.state == "Z"
        assert process.running
    finally:
        process.stop()
    assert not process.running
    assert not Path(f"/proc/{process.pid}").exists(), "it was waited for"
