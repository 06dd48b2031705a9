"""Child process that runs a Mininet file: `python -I mininet_child.py FD`, the request on standard input.

It is a script that uses the standard library only, since it runs isolated (-I) under the interpreter of
its parent. The file's own output is dropped. The answer goes as JSON into the file behind the descriptor
FD, which the file's code doesn't know. Answers:
{"nodes": [[name, options]…], "links": [options…]} or {"error": words, "line": number}.

Under sudo the file is read as root and then run as the user who called sudo. All processes that it starts
end with it (mininet_cage.py).
"""

from __future__ import annotations

import importlib
import inspect
import json
import linecache
import os
import resource
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

MAX_ANSWER = 256 << 20
MAX_MEMORY = 8 << 30


class Timeout(BaseException):
    """Out of time. Not an Exception, so that the file's own `except Exception` doesn't catch it."""


class RequestError(Exception):
    """The file has no such topology; the message is for the user."""


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


def _topology(request: dict[str, Any], source: str, topo: type) -> Any:
    """Run the file and return the `Topo` object of the request."""
    path = request["path"]
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    module = ModuleType("mininet_topology_file")
    module.__file__ = path
    sys.modules[module.__name__] = module
    sys.path.append(str(Path(path).parent))
    exec(compile(source, path, "exec"), module.__dict__)  # noqa: S102 -- running it is the purpose
    return _chosen(module, request, topo)


def _chosen(module: ModuleType, request: dict[str, Any], topo: type) -> Any:
    offered: dict[str, Any] = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, topo) and value.__module__ == module.__name__
    }
    topos = getattr(module, "topos", None)
    if isinstance(topos, dict):
        named = {str(name): value for name, value in topos.items()}
        classes = [value for value in offered.values() if value not in named.values()]
        offered = {**{cls.__name__: cls for cls in classes}, **named}
        several = list(named)
    else:
        several = list(offered)
    wanted = request["topo"]
    if wanted is None:
        if len(several) != 1:
            words = f"has several topologies; add `topo:`, one of: {', '.join(several)}" if several else (
                "has neither a `topos` dictionary nor a subclass of Topo"
            )  # fmt: skip
            raise RequestError(words)
        wanted = several[0]
    if wanted not in offered:
        raise RequestError(f"has no topology `{wanted}`; use one of: {', '.join(offered) or 'none'}")
    made = offered[wanted]
    if not isinstance(made, topo):
        made = made(*request["args"], **request["kwargs"])
    if not isinstance(made, topo):
        raise RequestError(f"`{wanted}` makes a {type(made).__name__}, not a Topo")
    return made


def _plain(value: Any) -> Any:
    """Return `value` in a form that JSON can hold; classes and other objects become their name."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    target = getattr(value, "func", value)  # functools.partial(cls, …)
    return {"class": getattr(target, "__name__", type(value).__name__)}


def _answer(topology: Any) -> dict[str, Any]:
    graph = topology.g
    return {
        "nodes": [[str(name), _plain(options)] for name, options in graph.node.items()],
        "links": [_plain({**info, "node1": a, "node2": b}) for a, b, _, info in graph.links],
    }


def _line(error: BaseException, path: str) -> int:
    """Return the last line of the user's file in the traceback."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno or 0
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return (lines[-1] or 0) if lines else 0


def _message(error: BaseException, request: dict[str, Any], standin: ModuleType) -> str:
    if isinstance(error, Timeout):
        return f"is still running after {request['seconds']:g} seconds; is there an endless loop?"
    if isinstance(error, SystemExit):
        return "calls exit() when it is loaded; remove it, or put it under `if __name__ == '__main__':`"
    if isinstance(error, (RequestError, standin.StandInError)):
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
    answer: dict[str, Any]
    try:
        source = Path(request["path"]).read_bytes().decode("utf-8-sig")
        _become_user()
        _limit(request["seconds"])
        remove = standin.install()
        topology = _topology(request, source, standin.KNOWN["mininet.topo"]["Topo"])
        answer = _answer(topology)
        text = json.dumps(answer)
        remove()
    except UnicodeDecodeError:
        text = json.dumps({"error": "is not UTF-8 text; is it a Python file?", "line": 0})
    except BaseException as error:  # noqa: BLE001 -- whatever the file raises is the answer
        text = json.dumps({"error": _message(error, request, standin), "line": _line(error, request["path"])})
    signal.setitimer(signal.ITIMER_REAL, 0)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())
    os._exit(0)  # don't wait for the file's threads and exit handlers


if __name__ == "__main__":
    _beside("mininet_cage").run_caged(lambda: main(int(sys.argv[1])))
