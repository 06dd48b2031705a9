"""Processes that outlive the command which started them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from emulator.controllers.process import start

FIRST_THREAD_ENDS = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
print("ready", flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_runs_until_its_last_thread_has_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = start([sys.executable, "-c", FIRST_THREAD_ENDS], os.environ, log)
    try:
        deadline = time.monotonic() + 20
        while state(process.pid) != "Z" and time.monotonic() < deadline:
            time.sleep(0.01)
        assert state(process.pid) == "Z", log.read_text()
        assert process.running
    finally:
        process.stop()
    assert not process.running
    assert not Path(f"/proc/{process.pid}").exists(), "it was waited for"


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
