"""The workers as a front end sees them: MaxiNet's remote objects, with a time limit for every call."""

from __future__ import annotations

import base64
import json
import shlex
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import Pyro4
import Pyro4.errors
from serving.jobs import ATTEMPT_SECONDS, end_script, job_mark, marked, owner_mark
from serving.progress import ClientGoneError, Progress
from serving.server import StepError

from .on_worker import MARK

Command = tuple[int | None, Sequence[str], float | None, str]
"""Process id of the node's shell (None: on the worker itself), arguments, seconds, input in base64."""
Result = list[Any]
"""Exit code, output and errors in base64."""
Batch = tuple[int, Sequence[str], str]
"""Process id of the node's shell, arguments, and input."""

CALL_SECONDS = 15.0
"""Limit of a call that only asks or does something small."""
_GRACE = 10.0
_ARGUMENT = 100_000
"""Length of a job that fits into one argument: Linux takes 131,072 bytes (MAX_ARG_STRLEN)."""
_COMMANDS = 256
"""Commands in a job."""
_CALLS = 16
"""Calls at the same time: a worker serves 40 (Pyro4's THREADPOOL_SIZE)."""
_STILL_THERE = 5.0
_PAUSE = 0.2
_FEW = 16
_BATCH_SECONDS = 60.0
_NEXT = "=next="


class LostWorkerError(StepError):
    """A worker serves nobody any more until MaxiNetWorker is started there again; the words say so."""


class Fleet:
    """The workers of one network: name -> addresses of its remote objects, found once.

    A worker that is started again has other addresses: old ones then fail, and nothing reaches a process that
    happens to have an old number. Commands carry the mark of `owner`, the network.
    """

    def __init__(self, password: str, owner: str) -> None:
        self._password = password
        self._owner = owner
        self._addresses: dict[str, dict[str, Any]] = {}
        self._calls = ThreadPoolExecutor(_CALLS, thread_name_prefix="call")
        self._jobs = ThreadPoolExecutor(_CALLS, thread_name_prefix="job")
        self._users = ThreadPoolExecutor(_CALLS, thread_name_prefix="user")
        text = Path(__file__).with_name("on_worker.py").read_bytes()
        packed = base64.b64encode(zlib.compress(text, 9)).decode("ascii")
        self._program = f"import base64,zlib;exec(zlib.decompress(base64.b64decode('{packed}')))"

    def add(self, name: str, server: Any, mininet: Any) -> None:
        """Add a worker by the addresses of its two objects."""
        self._addresses[name] = {"server": server, "mininet": mininet}

    @property
    def workers(self) -> list[str]:
        """Names of the workers."""
        return list(self._addresses)

    @contextmanager
    def proxy(self, worker: str, kind: str, seconds: float | None = CALL_SECONDS) -> Iterator[Any]:
        """Yield a connection of one's own to a worker's object; LostWorkerError names the worker."""
        with Pyro4.Proxy(self._addresses[worker][kind]) as found:
            found._pyroHmacKey = self._password  # noqa: SLF001 -- Pyro's way
            found._pyroTimeout = seconds  # noqa: SLF001 -- Pyro's way
            try:
                yield found
            except Pyro4.errors.TimeoutError:
                raise LostWorkerError(
                    f"worker {worker} doesn't answer within {seconds:g} s, as if it had lost its front "
                    f"end once: restart MaxiNetWorker there (`systemctl restart maxinet-worker`)"
                ) from None
            except (Pyro4.errors.CommunicationError, Pyro4.errors.DaemonError) as error:
                raise LostWorkerError(lost(worker, error)) from None

    def commands(
        self, wanted: Sequence[tuple[str, Command]], still_there: Callable[[int], None] = lambda _: None,
        *, user: Progress | None = None,
    ) -> list[Result]:  # fmt: skip
        """Run commands on workers, all at once; return the results in order.

        `still_there(done)` is called every few seconds. Those of a `user` may run for ever, and have threads
        of their own: steps never wait for them. They are ended on the workers once the user has gone away.
        """
        pool = self._jobs if user is None else self._users
        jobs: list[tuple[str, list[int]]] = []
        for worker in dict.fromkeys(worker for worker, _ in wanted):
            mine = [at for at, (name, _) in enumerate(wanted) if name == worker]
            jobs += [(worker, mine[at : at + _COMMANDS]) for at in range(0, len(mine), _COMMANDS)]
        results: list[Result] = [[]] * len(wanted)
        calls: dict[Future[list[Result]], list[int]] = {}
        mark = job_mark(self._owner)
        for worker, places in jobs:
            calls[pool.submit(self._job, worker, [wanted[at][1] for at in places], mark)] = places
        left = set(calls)
        done = 0
        with nullcontext() if user is None else user.when_gone(lambda: self._end(mark, list(calls))):
            while left:
                ready, left = wait(left, timeout=_STILL_THERE)
                for call in ready:
                    for at, result in zip(calls[call], call.result()):  # noqa: B905 -- Python 3.9 has no strict
                        results[at] = result
                    done += len(calls[call])
                still_there(done)
                if user is not None and user.gone:
                    raise ClientGoneError
        return results

    def end_commands(self, worker: str) -> None:
        """End all commands of the network on a worker, and what they have left running."""
        self.shell(worker, end_script(owner_mark(self._owner)))

    def _end(self, mark: str, calls: Sequence[Future[list[Result]]]) -> None:
        """End the commands of a job; repeat, since some may be on their way to a worker."""
        deadline = time.monotonic() + ATTEMPT_SECONDS
        for call in calls:
            call.cancel()  # those that wait for a thread
        while not all(call.done() for call in calls) and time.monotonic() < deadline:
            with suppress(StepError):
                self.each(lambda worker: self.shell(worker, end_script(mark)))
            wait(calls, timeout=_PAUSE)

    def each(self, do: Callable[[str], Any]) -> dict[str, Any]:
        """Call `do(worker)` for all workers at the same time; return the results. `do` may run commands."""
        calls = {worker: self._calls.submit(do, worker) for worker in self._addresses}
        wait(calls.values())
        return {worker: call.result() for worker, call in calls.items()}

    def batches(
        self, wanted: Sequence[tuple[str, Batch]], still_there: Callable[[int], None] = lambda _: None
    ) -> list[tuple[int, str]]:
        """Run programs that read lines, in nodes; return the exit code and the words of each.

        A few are run by the worker's shell alone: its Python would take longer to start than they take.
        """
        if len(wanted) > _FEW or sum(len(given) for _, (_, _, given) in wanted) > _ARGUMENT // 2:
            commands = [
                (worker, (pid, argv, _BATCH_SECONDS, base64.b64encode(given.encode()).decode("ascii")))
                for worker, (pid, argv, given) in wanted
            ]
            return [(result[0], words(result)) for result in self.commands(commands, still_there)]

        def run(worker: str) -> list[str]:
            mine = [batch for name, batch in wanted if name == worker]
            return (
                self.shell(worker, "".join(map(_script, mine)), _BATCH_SECONDS).split(_NEXT) if mine else []
            )

        said = {worker: iter(found) for worker, found in self.each(run).items()}
        results = []
        for worker, _ in wanted:
            text, _, code = next(said[worker]).rpartition("=")
            results.append((int(code), text.strip() or f"exit code {code}"))
        return results

    def shell(self, worker: str, command: str, seconds: float = CALL_SECONDS) -> str:
        """Run a shell command on a worker; return what it prints. StepError if it fails."""
        with self.proxy(worker, "server", seconds) as server:
            # MaxiNet raises without the output if the exit code isn't 0
            said = str(server.check_output(f"( {command}\n); echo; echo {MARK}$?"))
        text, _, code = said.rpartition(MARK)
        if code.strip() != "0":
            raise StepError(f"{command.split(maxsplit=1)[0]} on worker {worker}: {text.strip() or code}")
        return text

    def _job(self, worker: str, commands: list[Command], mark: str) -> list[Result]:
        limits = [seconds for _, _, seconds, _ in commands]
        rounds = -(-len(commands) // 64)
        seconds = None if None in limits else max(s or 0.0 for s in limits) * rounds + _GRACE
        job = base64.b64encode(zlib.compress(json.dumps(commands).encode())).decode("ascii")
        with self.proxy(worker, "server", seconds) as server:
            if len(job) > _ARGUMENT:
                path = server.check_output("mktemp")
                for at in range(0, len(job), _ARGUMENT):
                    server.check_output(f"printf %s {job[at : at + _ARGUMENT]} >> {shlex.quote(path)}")
                job = f"@{path}"
            program = f"python3 -c {shlex.quote(self._program)} {shlex.quote(job)}"
            said = server.check_output(marked(mark, program))
        _, mark, answer = said.rpartition(MARK)
        if not mark:
            raise StepError(f"python3 on worker {worker}: {said.strip()[-500:]}")
        return list(json.loads(zlib.decompress(base64.b64decode(answer)).decode()))


def _script(batch: Batch) -> str:
    pid, argv, given = batch
    words = shlex.join(["timeout", str(int(_BATCH_SECONDS)), "mnexec", "-a", str(pid), *argv])
    return f"printf %s {shlex.quote(given)} | {words} 2>&1; printf '\\n=%s{_NEXT}' $?\n"


def words(result: Result) -> str:
    """Return what a failed command said."""
    said = b"\n".join(base64.b64decode(text).strip() for text in (result[2], result[1]))
    return said.decode(errors="replace").strip() or f"exit code {result[0]}"


def lost(worker: str, error: BaseException) -> str:
    """Return the message for a worker that isn't reached any more, with the fix."""
    return (
        f"worker {worker} is lost ({type(error).__name__}: {error}): MaxiNetWorker ended there, or the "
        f"network to it; `emulator down` frees the others; start MaxiNetWorker there again "
        f"(`systemctl restart maxinet-worker`)"
    )
