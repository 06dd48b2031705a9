"""Child process that runs a Mininet file: `python -I mininet_child.py FD`, the request on standard input.

It is a script that uses the standard library only, since it runs isolated (-I) under the interpreter of
its parent. The file's own output is dropped. The answer goes as JSON into the file behind the descriptor
FD, which the file's code doesn't know. Answers:
{"nodes": [[name, options]…], "links": [options…]} or {"error": words, "line": number}; of a script also
"controllers", "network" (its options), "left_out" and "notes" (mininet_script.py).

Under sudo the file is read as root and then run as the user who called sudo. All processes that it starts
end with it (mininet_cage.py).
"""

# ruff: noqa: E402 -- what Python itself has loaded at its start is known before anything else is imported

from __future__ import annotations

import sys

_AT_START = frozenset(sys.modules)

import importlib
import json
import os
import resource
import signal
import traceback
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

MAX_ANSWER = 256 << 20
MAX_MEMORY = 8 << 30


class Timeout(BaseException):
    """Out of time. Not an Exception, so that the file's own `except Exception` doesn't catch it."""


class RequestError(Exception):
    """The file can't be run; the message is for the user."""


def _beside(name: str) -> ModuleType:
    """Import a module from the folder of this script."""
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)


def _become_user() -> None:
    """Drop root for good under sudo; RequestError when the user who called it can't use this Python."""
    if os.geteuid() != 0:
        return
    uid = _number("SUDO_UID", 0)
    gid = _number("SUDO_GID", uid)
    if uid:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        if not os.access(os.__file__, os.R_OK):
            words = f"is run as the user who called sudo, who can't read the Python at {sys.base_prefix}"
            raise RequestError(f"{words}; use one that everybody can read")


def _number(variable: str, otherwise: int) -> int:
    """Return the number of a user or group from the environment; RequestError for an impossible one.

    Setting -1, which is 4294967295, changes nothing (setresuid(2)): the file would run as root.
    """
    text = os.environ.get(variable) or str(otherwise)
    if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 2**32 - 1:
        return int(text)
    raise RequestError(
        f"is run as the user who called sudo, and {variable}={text[:40]!r} is not the number of a user"
    )


def _limit(seconds: float) -> None:
    def late(_number: int, _frame: FrameType | None) -> None:
        raise Timeout

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again, in case the file catches the first
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_ANSWER, MAX_ANSWER))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))


def _line(error: BaseException, path: str) -> int:
    """Return the last line of the user's file in the traceback."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno or 0
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return (lines[-1] or 0) if lines else 0


def _message(error: BaseException, request: dict[str, Any], choice: ModuleType) -> str:
    if isinstance(error, Timeout):
        return f"is still running after {request['seconds']:g} seconds; is there an endless loop?"
    if isinstance(error, SystemExit):
        return "calls exit() before it builds a network; remove it, or put it behind"
    if isinstance(error, RequestError | choice.NoTopologyError):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"is not Python: {error.msg}"
    if isinstance(error, MemoryError):
        return f"needs more than {MAX_MEMORY >> 30} GiB of memory"
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 -- the file's own exception class can be broken
        said = ""
    return f"raises {type(error).__name__}{': ' if said else ''}{said[:300]}"


def main(descriptor: int) -> None:
    """Serve the one request on standard input."""
    os.set_inheritable(descriptor, False)  # noqa: FBT003 -- that is its form
    request = json.load(sys.stdin)
    standin = _beside("mininet_standin")
    choice = _beside("mininet_choice")
    answer: dict[str, Any]
    try:
        source = Path(request["path"]).read_bytes().decode("utf-8-sig")
        _become_user()
        _limit(request["seconds"])
        with choice.beside_first(Path(request["path"]).parent, _AT_START):
            remove = standin.install()
            answer = choice.built(request, source, standin.KNOWN["mininet.topo"]["Topo"])
        text = json.dumps(answer)
        remove()
    except UnicodeDecodeError:
        text = json.dumps({"error": "is not UTF-8 text; is it a Python file?", "line": 0})
    except BaseException as error:  # noqa: BLE001 -- whatever the file raises is the answer
        text = json.dumps({"error": _message(error, request, choice), "line": _line(error, request["path"])})
    signal.setitimer(signal.ITIMER_REAL, 0)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())
    os._exit(0)  # don't wait for the file's threads and exit handlers


if __name__ == "__main__":
    _beside("mininet_cage").run_caged(lambda: main(int(sys.argv[1])))
