from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from support.threads import FIRST_THREAD_ENDS

from emulator.linux.processes.running import net_namespace


def test_the_namespace_of_a_process_is_the_file_that_its_link_leads_to() -> None:
    assert net_namespace(os.getpid()) == Path("/proc/self/ns/net").stat().st_ino


def test_a_process_whose_first_thread_has_ended_is_still_in_its_namespace() -> None:
    with subprocess.Popen([sys.executable, "-c", FIRST_THREAD_ENDS], stdout=subprocess.PIPE) as process:
        try:
            link = Path(f"/proc/{process.pid}/ns/net")
            deadline = time.monotonic() + 10
            while link.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not link.exists()
            assert net_namespace(process.pid) == Path("/proc/self/ns/net").stat().st_ino
        finally:
            process.kill()


def test_a_process_that_has_ended_is_in_no_namespace() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert net_namespace(process.pid) == -1
