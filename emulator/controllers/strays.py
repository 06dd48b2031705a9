"""Controller processes without a record, and the ports that they hold.

Either the command that started the process was killed before it wrote the record, or a user deleted
the record. The environment of these processes marks them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emulator.controllers.listening import holder, listens_here
from emulator.controllers.process import Process, noted
from emulator.controllers.programs import MARK
from emulator.errors import BrokenError
from emulator.linux.processes.running import net_namespace, stat


def free_port(folder: Path, port: int, unnoted: Path, called: str) -> None:
    """Free `port` in this thread's namespace; BrokenError if another program's process holds it.

    Leaves the file `unnoted`: it marks the begin of a start without a record.
    """
    if unnoted.exists() or listens_here(port):
        end_strays(folder)
    if who := holder(port):
        raise BrokenError(
            f"{called} can't listen on 127.0.0.1:{port} beside the switches: {who} listens there; "
            "end it, then run `emulator up FILE`"
        )
    unnoted.touch(mode=0o600)


def end_strays(folder: Path) -> None:
    """End marked processes without a record in `folder`; BrokenError if one doesn't end."""
    known = {process.pid for path in folder.glob("*.pid") if (process := noted(path)) and process.running}
    for process in _marked(folder):
        if process.pid not in known:
            try:
                process.stop()
            except TimeoutError as error:
                raise BrokenError(f"a controller without a record: {error}") from error


def _marked(folder: Path) -> Iterator[Process]:
    """Yield the sessions of marked processes; one whose leader has ended is known by its namespace."""
    mark = f"{MARK}={folder.absolute()}".encode()
    seen: set[int] = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        found = stat(int(entry.name))
        if mark not in words or found is None or found.ended or found.session in seen:
            continue
        seen.add(found.session)
        leader = stat(found.session)
        yield Process(found.session, leader.start if leader else 0, net_namespace(int(entry.name)))
