"""Program that runs on a worker, sent there as text: it runs commands in nodes and prints their results.

One call of MaxiNet's worker runs many commands at once, each with a time limit and an input, with whatever
bytes they print. Mininet's own `pexec` runs one command a call, has no limit, and fails on output that isn't
UTF-8. Standard library alone, for Python 3.7 and later.

The job is JSON, compressed, in base64: a list of [process id of the node's shell or null, arguments, seconds
or null, input in base64]. The answer is a list of [exit code, output, errors], in the same form, after MARK.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

MARK = "=results="
_AT_ONCE = 64
_TIMED_OUT = 124
_NOT_FOUND = 127
_GRACE = 1.0


def run(pid: int | None, argv: list[str], seconds: float | None, given: str) -> list[Any]:
    """Run one command, in a node if `pid` is given. Files take its output: its children can't block then."""
    words = argv if pid is None else ["mnexec", "-a", str(pid), "env", "--", *argv]
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        stdin.write(base64.b64decode(given))
        stdin.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603 -- the user's own command, as a list
                words, stdin=stdin, stdout=out, stderr=err, start_new_session=True, cwd="/"
            )
        except OSError as error:
            return [_NOT_FOUND, "", _text(f"{words[0]}: {error.strerror}\n".encode())]
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            code = _TIMED_OUT
        found = []
        for file in (out, err):
            file.seek(0)
            found.append(_text(file.read()))
    return [code if code >= 0 else 128 - code, *found]


def _end(process: Any) -> None:
    """End a command with its children: politely first."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
            return


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def main(job: str) -> None:
    """Run the commands of `job`; `@FILE` names a file that has it, which is removed."""
    if job.startswith("@"):
        with open(job[1:], encoding="ascii") as file:  # noqa: PTH123 -- one call, on machines of any age
            path, job = job[1:], file.read()
        os.unlink(path)  # noqa: PTH108 -- as above
    commands = json.loads(zlib.decompress(base64.b64decode(job)).decode())
    with ThreadPoolExecutor(max_workers=min(_AT_ONCE, max(len(commands), 1))) as pool:
        results = list(pool.map(lambda command: run(*command), commands))
    answer = zlib.compress(json.dumps(results).encode())
    sys.stdout.write(f"\n{MARK}{base64.b64encode(answer).decode('ascii')}\n")


if __name__ == "__main__":
    main(sys.argv[1])
