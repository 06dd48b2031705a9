"""Run a Mininet file in its own process and return the graph it builds.

Loading a Mininet file executes its Python, as `mn --custom` does: it can do whatever the user who
runs it can. Three limits apply. The process is this interpreter in isolated mode with a clean
environment, a time limit and a memory limit, and all processes it leaves are ended (mininet_cage.py).
Under sudo it runs as the user who called sudo, not as root. Its output and exits can't disturb the
answer, which comes through a separate file and is checked like any input. Root without sudo runs it as
root: then load only files you trust.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from topologies.formats.graph import MAX_BYTES, FormatError

SECONDS = 20.0
"""Seconds that a file may take to build its graph."""
_GRACE = 5.0
_CHILD = Path(__file__).with_name("mininet_child.py")
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SUDO_UID", "SUDO_GID")


def run(path: Path, topo: str | None, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return {"nodes": [[name, options]…], "links": [options…]} of the topology that `path` builds.

    Raises FormatError with the line when the file raises, exits, takes too long, or has no such topology.
    """
    request = {"path": str(path), "topo": topo, "args": args, "kwargs": kwargs, "seconds": SECONDS}
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as question:
        question.write(json.dumps(request, default=str).encode())
        question.seek(0)
        code = _wait(question.fileno(), answer.fileno())
        if os.fstat(answer.fileno()).st_size > MAX_BYTES:
            raise FormatError("builds too large a graph; use a generator")
        answer.seek(0)
        text = answer.read()
    try:
        data = json.loads(text)
    except ValueError:
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        raise FormatError(f"ended its process before it built a topology ({how})") from None
    if "error" in data:
        raise FormatError(str(data["error"]), int(data["line"]))
    return data  # type: ignore[no-any-return]


def _wait(question: int, answer: int) -> int:
    """Wait for the child within its time limit, end all processes it started, and return its exit code."""
    process = subprocess.Popen(  # noqa: S603 -- this interpreter and a script of this package
        [sys.executable, "-I", "-B", "-X", "utf8", str(_CHILD), str(answer)],
        stdin=question, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[answer],
        env={key: os.environ[key] for key in _KEPT if key in os.environ}, start_new_session=True,
    )  # fmt: skip
    try:
        return process.wait(SECONDS + _GRACE)
    except subprocess.TimeoutExpired:
        raise FormatError(f"is still running after {SECONDS:g} seconds; is there an endless loop?") from None
    finally:
        process.terminate()  # it ends all processes of the file, and then itself
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        with contextlib.suppress(ProcessLookupError):  # the group exists as long as one of its processes
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
