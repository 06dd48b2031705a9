"""Run a Mininet file in a process of its own and bring back the graph it builds.

Loading a Mininet file executes its Python, as `mn --custom` does: it can do whatever the user who
runs it can. Three things bound that: the process is this interpreter in isolated mode with a clean
environment, a time and a memory limit, and everything it leaves running is ended with it, also what
has left its session (mininet_cage.py); under sudo it runs as the user who typed sudo, not as root;
its prints and exits can't disturb the answer, which comes through a file of its own and is checked
like any input. Started by root without sudo it runs as root: load only files you trust then.
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
"""How long a file may take to build its graph."""
_GRACE = 5.0
_CHILD = Path(__file__).with_name("mininet_child.py")
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SUDO_UID", "SUDO_GID")


def run(path: Path, topo: str | None, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return {"nodes": [[name, options]…], "links": [options…]} of the topology that `path` builds.

    Raises FormatError with the line when the file raises, exits, runs on, or has no such topology.
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
    """Run the child to its end or its time, end all that it started, and return its exit code."""
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
        process.terminate()  # it ends all that the file started, and then itself
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        with contextlib.suppress(ProcessLookupError):  # the group lives while any of it does
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
